//! Many rules and many keys. The limits leave room for an unoptimised build on a busy machine; a product of both would miss them by far.

use std::time::{Duration, SystemTime};

use fairlead_route::{Caller, Table, all_well};
use fairlead_snapshot::ObjectName;

use crate::world::{World, key, key_of, nothing, provider, rule};

fn big() -> World {
    let mut world = World::new().provider("gateway/p", provider(&["m"]));
    for n in 0..1_000 {
        let rule = rule(&format!("gateway/r{n}"))
            .models(&[&format!("v{n}")])
            .when(&format!("request.headers['x-tier'] == 'gold{n}'"));
        world.0.rules.push(rule.target("t", "gateway/p", "m", 1).0);
    }
    for n in 0..5_000 {
        world.0.keys.insert(
            ObjectName::new(format!("ns{}", n % 50), format!("k{n}")),
            if n % 2 == 0 {
                key()
            } else {
                key_of("core", None)
            },
        );
    }
    world
}

fn timed<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let started = SystemTime::now();
    let result = work();
    let taken = started.elapsed().unwrap_or_default();
    assert!(taken < limit, "{what} took {taken:?}");
    result
}

#[test]
fn a_thousand_rules_and_five_thousand_keys_cost_their_sum() {
    let world = big();
    let table = timed(Duration::from_secs(20), "building", world_table(&world));
    let callers: Vec<Caller> = timed(Duration::from_secs(2), "preparing the keys", || {
        world
            .0
            .keys
            .iter()
            .map(|(name, key)| table.caller(name, key))
            .collect()
    });
    assert_eq!(callers.len(), 5_000);
    // Conditions that have not changed are not parsed again.
    let again = timed(Duration::from_secs(2), "building again", || {
        Table::build(&world.0, Some(&table))
    });
    assert_eq!(again.providers().len(), 1);
}

fn world_table(world: &World) -> impl FnOnce() -> Table + '_ {
    || world.table()
}

#[test]
fn finding_the_last_of_a_thousand_named_rules_does_not_try_the_others() {
    let mut world = big();
    for rule in &mut world.0.rules {
        rule.when = None;
    }
    let table = world.table();
    let caller = world.caller(&table, "ns1/k1");
    let plan = timed(Duration::from_secs(2), "ten thousand plans", || {
        for _ in 0..9_999 {
            assert!(table.plan(&caller, "v999", &nothing(), &all_well).is_ok());
        }
        table.plan(&caller, "v999", &nothing(), &all_well)
    });
    assert_eq!(plan.unwrap().rule.unwrap().name.name, "r999");
}
