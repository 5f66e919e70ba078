//! What a new table keeps of the one before it.

use fairlead_route::{CredentialChoice, Table, all_well};
use fairlead_snapshot::{Provider, Strategy};

use crate::world::{World, credential, first_targets, nothing, provider, rule};

fn world(weights: [u32; 2]) -> World {
    let credentials = vec![credential("x", 1, &[]), credential("y", 1, &[])];
    World::new()
        .provider(
            "gateway/a",
            Provider {
                credentials,
                ..provider(&["m"])
            },
        )
        .provider("gateway/b", provider(&["m"]))
        .rule(
            rule("search/turns")
                .strategy(Strategy::RoundRobin)
                .models(&["turns"])
                .target("one", "gateway/a", "m", 1)
                .target("two", "gateway/b", "m", 1),
        )
        .rule(
            rule("search/split")
                .models(&["split"])
                .target("one", "gateway/a", "m", weights[0])
                .target("two", "gateway/b", "m", weights[1]),
        )
}

/// The first target of one request.
fn next(world: &World, table: &Table, model: &str) -> String {
    first_targets(table, &world.caller(table, "search/k"), model, 1)
        .into_keys()
        .next()
        .unwrap_or_default()
}

#[test]
fn every_spread_goes_on_where_it_stood() {
    let world = world([1, 1]);
    let undisturbed = world.table();
    let mut reloaded = world.table();
    for request in 0..100 {
        for model in ["turns", "split", "m"] {
            assert_eq!(
                next(&world, &reloaded, model),
                next(&world, &undisturbed, model),
                "{model}, request {request}"
            );
        }
        let index = fairlead_route::ProviderIndex(0);
        assert_eq!(
            reloaded.credential(index, "m", None, |_| true),
            undisturbed.credential(index, "m", None, |_| true),
            "request {request}"
        );
        reloaded = Table::build(&world.0, Some(&reloaded));
    }
}

#[test]
fn a_reload_for_every_request_still_splits_evenly() {
    let world = world([70, 30]);
    let mut table = world.table();
    let mut ones = 0;
    for _ in 0..200 {
        ones += usize::from(next(&world, &table, "split") == "one");
        table = Table::build(&world.0, Some(&table));
    }
    assert!((138..=142).contains(&ones), "{ones}");
}

#[test]
fn new_weights_hold_from_the_next_request_on() {
    let (before, after) = (world([70, 30]), world([20, 80]));
    let old = before.table();
    first_targets(&old, &before.caller(&old, "search/k"), "split", 137);
    let new = Table::build(&after.0, Some(&old));
    let counts = first_targets(&new, &after.caller(&new, "search/k"), "split", 200);
    assert!((38..=42).contains(&counts["one"]), "{counts:?}");
}

#[test]
fn requests_that_still_hold_the_old_table_take_part_in_the_same_spread() {
    let world = world([1, 1]);
    let old = world.table();
    let new = Table::build(&world.0, Some(&old));
    let firsts: Vec<String> = [&old, &new, &old, &new]
        .map(|table| next(&world, table, "turns"))
        .to_vec();
    assert_eq!(firsts, ["one", "two", "one", "two"]);
}

#[test]
fn providers_may_come_and_go_without_shifting_what_belongs_to_others() {
    let world = world([1, 1]);
    let old = world.table();
    assert_eq!(
        old.credential(fairlead_route::ProviderIndex(0), "m", None, |_| true),
        CredentialChoice::Use(0)
    );
    let grown = world.clone().provider("a/new", provider(&["m"]));
    let new = Table::build(&grown.0, Some(&old));
    assert_eq!(new.providers()[1].0.to_string(), "gateway/a");
    assert_eq!(
        new.credential(fairlead_route::ProviderIndex(1), "m", None, |_| true),
        CredentialChoice::Use(1)
    );
}

#[test]
fn a_changed_condition_is_not_the_old_one() {
    let with = |when: &str| {
        World::new().provider("gateway/a", provider(&["m"])).rule(
            rule("search/r")
                .models(&["v"])
                .when(when)
                .target("t", "gateway/a", "m", 1),
        )
    };
    let (never, always) = (with("request.stream"), with("!request.stream"));
    let old = never.table();
    assert!(
        old.plan(&never.caller(&old, "search/k"), "v", &nothing(), &all_well)
            .is_err()
    );
    let new = Table::build(&always.0, Some(&old));
    assert!(
        new.plan(&always.caller(&new, "search/k"), "v", &nothing(), &all_well)
            .is_ok()
    );
    let broken = Table::build(&with("request.").0, Some(&new));
    assert!(
        broken
            .plan(
                &always.caller(&broken, "search/k"),
                "v",
                &nothing(),
                &all_well
            )
            .is_err()
    );
}
