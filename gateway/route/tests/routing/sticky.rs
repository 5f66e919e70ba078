//! Users who stay at one target.

use std::collections::BTreeMap;

use fairlead_route::{Caller, ChosenBy, Table, all_well};

use crate::world::{World, asked, provider, rule};

const USERS: usize = 10_000;

fn world(shares: &[(&str, u32)]) -> World {
    named("search/r", shares)
}

fn named(name: &str, shares: &[(&str, u32)]) -> World {
    let rule = rule(name).models(&["chat"]).sticky("x-user");
    let rule = shares.iter().fold(rule, |rule, (target, weight)| {
        rule.target(target, "gateway/openai", "gpt-4o", *weight)
    });
    World::new()
        .provider("gateway/openai", provider(&["gpt-4o"]))
        .rule(rule)
}

fn first(table: &Table, caller: &Caller, user: &str) -> String {
    let headers = [("x-user", user)];
    let plan = table.plan(caller, "chat", &asked("chat", &headers), &all_well);
    plan.map_or_else(
        |reason| reason.to_string(),
        |plan| plan.steps[0].target.to_string(),
    )
}

/// Where each of many users is.
fn homes(world: &World) -> Vec<String> {
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let users = 0..USERS;
    users
        .map(|user| first(&table, &caller, &format!("user-{user}")))
        .collect()
}

fn counts(homes: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for home in homes {
        *counts.entry(home.as_str()).or_default() += 1;
    }
    counts
}

fn moved(before: &[String], after: &[String]) -> Vec<(String, String)> {
    let pairs = before.iter().zip(after);
    let moved = pairs.filter(|(before, after)| before != after);
    moved.map(|(a, b)| (a.clone(), b.clone())).collect()
}

#[test]
fn users_are_spread_by_weight_and_each_stays() {
    let world = world(&[("a", 90), ("b", 10), ("never", 0)]);
    let all = homes(&world);
    assert_eq!(all, homes(&world), "in whichever replica");
    let counts = counts(&all);
    assert_eq!(counts.len(), 2);
    assert!(counts["b"].abs_diff(1_000) < 120, "{counts:?}");
}

#[test]
fn a_change_of_weights_moves_no_more_users_than_it_has_to() {
    let before = homes(&world(&[("a", 90), ("b", 10)]));
    let after = homes(&world(&[("a", 75), ("b", 25)]));
    let moved_on = moved(&before, &after);
    let only = ("a".to_owned(), "b".to_owned());
    assert!(
        moved_on.iter().all(|pair| *pair == only),
        "nobody moves back"
    );
    assert!(moved_on.len().abs_diff(1_500) < 150, "{}", moved_on.len());
    // A third target takes its share from both, and nobody moves between these.
    let joined = moved(&before, &homes(&world(&[("a", 90), ("b", 10), ("c", 100)])));
    assert!(joined.iter().all(|(_, to)| to == "c"));
    assert!(joined.len().abs_diff(USERS / 2) < 200, "{}", joined.len());
    // What counts is the proportion.
    let same = homes(&world(&[("a", 900_000), ("b", 100_000)]));
    assert!(moved(&before, &same).is_empty());
}

#[test]
fn who_is_in_a_part_of_one_rule_is_in_any_part_of_another() {
    let one = homes(&named("search/one", &[("a", 1), ("b", 1)]));
    let other = homes(&named("search/other", &[("a", 1), ("b", 1)]));
    let same = USERS - moved(&one, &other).len();
    assert!(same.abs_diff(USERS / 2) < 250, "{same}");
}

#[test]
fn who_does_not_say_who_it_is_for_is_placed_as_usual() {
    let world = world(&[("a", 1), ("b", 1)]);
    let counts = world.first_targets("search/k", "chat", 1_000);
    assert!(counts["a"].abs_diff(500) <= 10, "{counts:?}");
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    for (headers, by) in [
        (&[][..], ChosenBy::Weighted),
        (&[("x-user", "ada")][..], ChosenBy::Sticky),
    ] {
        let plan = table.plan(&caller, "chat", &asked("chat", headers), &all_well);
        assert_eq!(plan.unwrap().chosen_by, by);
    }
}

#[test]
fn a_conversation_is_where_its_user_is() {
    let table = world(&[("a", 1), ("b", 1)]).table();
    let caller = table.caller(&crate::world::name("search/k"), &crate::world::key());
    for user in 0..50 {
        let user = format!("user-{user}");
        let headers = [("x-user", user.as_str())];
        let plan = table.plan(&caller, "chat", &asked("chat", &headers), &all_well);
        let mut plan = plan.unwrap();
        let home = plan.steps[0].target.clone();
        for conversation in 0..20 {
            plan.keep(conversation * 0x9E37_79B9);
            assert_eq!(plan.steps[0].target, home);
        }
        assert_eq!(plan.chosen_by, ChosenBy::Sticky);
    }
}
