//! Which requests are copied, and to whom.

use fairlead_route::{Plan, all_well};
use fairlead_snapshot::{Allow, Deny, Key, Problem};

use crate::world::{
    World, asked, key, labelled, name, nothing, only_from, picking, provider, rule,
};

fn world() -> World {
    World::new()
        .provider("gateway/eu", labelled("region=eu", provider(&["m", "n"])))
        .provider("gateway/us", labelled("region=us", provider(&["m", "n"])))
}

fn mirroring(percent: u32) -> World {
    world().rule(
        rule("search/r")
            .models(&["chat"])
            .target("main", "gateway/eu", "m", 1)
            .mirror("next", "gateway/us", "n", percent),
    )
}

fn plan(world: &World, model: &str) -> Plan {
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    table.plan(&caller, model, &nothing(), &all_well).unwrap()
}

fn copies(world: &World, model: &str) -> Vec<String> {
    let copies = plan(world, model).copies;
    copies
        .iter()
        .map(|copied| format!("{} {}", copied.mirror.name, copied.step.model))
        .collect()
}

#[test]
fn as_many_requests_are_copied_as_is_said() {
    for (percent, due) in [(1, 20), (5, 100), (50, 1_000), (100, 2_000)] {
        let table = mirroring(percent).table();
        let caller = table.caller(&name("search/k"), &key());
        let copied = (0..2_000).filter(|_| {
            let plan = table.plan(&caller, "chat", &nothing(), &all_well);
            !plan.unwrap().copies.is_empty()
        });
        assert!(copied.count().abs_diff(due) <= 3, "{percent}");
    }
}

#[test]
fn a_copy_goes_to_nobody_whom_the_key_may_not_use() {
    assert_eq!(copies(&mirroring(100), "chat"), ["next n-upstream"]);
    let allow = [
        Allow {
            deny: Deny {
                providers: vec![name("gateway/us")],
                ..Deny::default()
            },
            ..Allow::default()
        },
        Allow {
            selector: Some(picking("region=eu")),
            ..Allow::default()
        },
    ];
    for allow in allow {
        let restricted = Key { allow, ..key() };
        let world = mirroring(100).key("search/k", restricted);
        assert!(copies(&world, "chat").is_empty());
        assert_eq!(plan(&world, "chat").steps.len(), 1);
    }
}

#[test]
fn a_copy_goes_to_nobody_whom_a_constraint_forbids() {
    let held = |when: &str| {
        let constraint = rule("gateway/c").constraining("region=eu");
        let constraint = if when.is_empty() {
            constraint
        } else {
            constraint.when(when)
        };
        mirroring(100).rule(constraint)
    };
    assert!(copies(&held(""), "chat").is_empty());
    assert_eq!(copies(&held("request.stream"), "chat").len(), 1);
    // What cannot be told refuses the request, and nothing is copied.
    let world = held("request.params.n > 1");
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let refused = table.plan(&caller, "chat", &asked("chat", &[]), &all_well);
    assert!(refused.is_err());
}

#[test]
fn a_mirror_that_cannot_be_had_is_marked_and_harms_nobody() {
    let world = world().provider("other/own", only_from(&["other"], provider(&["m"])));
    let world = world.rule(
        rule("search/r")
            .models(&["chat"])
            .target("main", "gateway/eu", "m", 1)
            .mirror("gone", "gateway/gone", "m", 100)
            .mirror("lacks", "gateway/us", "other", 100),
    );
    let plan = plan(&world, "chat");
    let problems: Vec<_> = plan.copies.iter().map(|one| one.step.problem).collect();
    assert_eq!(
        problems,
        [Some(Problem::NotFound), Some(Problem::ModelNotOffered)]
    );
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn a_rule_that_continues_copies_whatever_takes_the_request_then() {
    let world = mirroring(100).rule(rule("gateway/all").overriding().continuing("").mirror(
        "watch",
        "gateway/us",
        "m",
        100,
    ));
    assert_eq!(
        copies(&world, "chat"),
        ["watch m-upstream", "next n-upstream"]
    );
    assert_eq!(copies(&world, "eu/n"), ["watch m-upstream"]);
}

#[test]
fn copies_under_way_are_counted_over_edits() {
    let first = mirroring(100).table();
    let caller = first.caller(&name("search/k"), &key());
    let head = |table: &fairlead_route::Table, caller| {
        let plan = table.plan(caller, "chat", &nothing(), &all_well).unwrap();
        plan.copies[0].mirror.clone()
    };
    let under_way: Vec<_> = std::iter::from_fn(|| head(&first, &caller).begin()).collect();
    assert_eq!(under_way.len(), 16);
    let then = fairlead_route::Table::build(&mirroring(50).0, Some(&first));
    let caller = then.caller(&name("search/k"), &key());
    let copied = (0..10).find_map(|_| {
        let plan = then.plan(&caller, "chat", &nothing(), &all_well).unwrap();
        plan.copies.first().map(|copied| copied.mirror.clone())
    });
    let head = copied.unwrap();
    assert!(head.begin().is_none());
    drop(under_way);
    assert!(head.begin().is_some());
}
