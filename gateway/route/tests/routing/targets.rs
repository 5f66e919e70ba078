//! What a rule's targets and fallbacks become.

use fairlead_route::NoRoute;
use fairlead_snapshot::{FailureClass, Problem, Strategy};

use crate::world::{RuleBuilder, World, allowing, name, provider, provider_of_anything, rule};

fn world() -> World {
    World::new()
        .provider("gateway/a", provider(&["m"]))
        .provider("gateway/b", provider(&["m", "n"]))
        .provider("gateway/c", provider_of_anything())
}

fn three(strategy: Strategy) -> RuleBuilder {
    rule("search/r")
        .strategy(strategy)
        .target("one", "gateway/a", "m", 1)
        .target("two", "gateway/b", "m", 7)
        .target("three", "gateway/c", "m", 2)
}

/// The names of the targets, in order.
fn order(world: &World, key: &str) -> Vec<String> {
    let name = |line: &String| {
        line.split(" -> ")
            .next()
            .unwrap_or_default()
            .replace("search/r: ", "")
    };
    world
        .ask(key, "chat")
        .unwrap_or_default()
        .iter()
        .map(name)
        .collect()
}

#[test]
fn targets_then_fallbacks_each_with_its_upstream_name() {
    let world = world().rule(
        rule("search/r")
            .strategy(Strategy::Priority)
            .target("one", "gateway/a", "m", 1)
            .target("two", "gateway/c", "big", 1)
            .fallback("spare", "gateway/b", "n", &[FailureClass::RateLimited])
            .fallback("last", "gateway/c", "", &[]),
    );
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        [
            "search/r: one -> gateway/a m-upstream",
            "search/r: two -> gateway/c big",
            "search/r: spare -> gateway/b n-upstream fallback on [RateLimited]",
            "search/r: last -> gateway/c chat fallback",
        ]
    );
}

#[test]
fn each_strategy_orders_the_targets_its_own_way() {
    assert_eq!(
        order(&world().rule(three(Strategy::Priority)), "search/k"),
        ["one", "two", "three"]
    );
    assert_eq!(
        order(&world().rule(three(Strategy::Weighted)), "search/k"),
        ["one", "two", "three"]
    );
    let world = world().rule(three(Strategy::RoundRobin));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let firsts: Vec<String> = (0..4)
        .map(|_| {
            table
                .plan(&caller, "chat", &Default::default)
                .unwrap()
                .steps[0]
                .target
                .to_string()
        })
        .collect();
    assert_eq!(firsts, ["one", "two", "three", "one"]);
}

#[test]
fn weights_split_the_requests() {
    let counts = world()
        .rule(three(Strategy::Weighted))
        .first_targets("search/k", "chat", 200);
    assert!(
        (18..=22).contains(&counts["one"])
            && (138..=142).contains(&counts["two"])
            && (38..=42).contains(&counts["three"]),
        "{counts:?}"
    );
}

#[test]
fn a_target_of_weight_0_is_no_step_at_all() {
    for strategy in [Strategy::Weighted, Strategy::RoundRobin, Strategy::Priority] {
        let world = world().rule(
            rule("search/r")
                .strategy(strategy)
                .target("off", "gateway/a", "m", 0)
                .target("on", "gateway/b", "m", 1),
        );
        assert_eq!(order(&world, "search/k"), ["on"]);
    }
}

#[test]
fn providers_the_key_may_not_use_are_removed_and_the_split_is_among_the_rest() {
    let world = world()
        .rule(three(Strategy::Weighted).fallback("spare", "gateway/b", "n", &[]))
        .key("search/k", allowing(&[("gateway/a", 1), ("gateway/c", 0)]))
        .key("search/spare", allowing(&[("gateway/b", 1)]))
        .key("search/none", allowing(&[("gateway/other", 1)]));
    let counts = world.first_targets("search/k", "chat", 300);
    assert!(
        (98..=102).contains(&counts["one"]) && (198..=202).contains(&counts["three"]),
        "{counts:?}"
    );
    assert_eq!(order(&world, "search/spare"), ["two", "spare"]);
    assert_eq!(
        world.ask("search/none", "chat"),
        Err(NoRoute::ProviderNotAllowed)
    );
}

#[test]
fn a_plan_that_starts_with_a_fallback_asks_for_no_failure_before_it() {
    let world = world()
        .rule(
            rule("search/r")
                .target("one", "gateway/a", "m", 1)
                .fallback("spare", "gateway/b", "n", &[FailureClass::RateLimited]),
        )
        .key("search/k", allowing(&[("gateway/b", 1)]));
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        ["search/r: spare -> gateway/b n-upstream fallback"]
    );
}

#[test]
fn a_target_that_cannot_be_tried_stays_and_says_why() {
    let world = world().rule(
        rule("search/r")
            .strategy(Strategy::Priority)
            .target("gone", "gateway/gone", "m", 1)
            .target("forbidden", "gateway/b", "m", 1)
            .problem(Problem::NotPermitted)
            .target("lacking", "gateway/a", "n", 1)
            .target("passing", "gateway/a", "", 1)
            .fallback("spare", "gateway/gone", "", &[]),
    );
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        [
            "search/r: gone -> ? m !NotFound",
            "search/r: forbidden -> ? m !NotPermitted",
            "search/r: lacking -> gateway/a n !ModelNotOffered",
            "search/r: passing -> gateway/a chat !ModelNotOffered",
            "search/r: spare -> ? chat fallback !NotFound",
        ]
    );
}

#[test]
fn a_target_without_a_model_passes_on_the_name_as_sent() {
    let world = world().rule(rule("search/r").target("t", "gateway/a", "", 1).fallback(
        "any",
        "gateway/c",
        "",
        &[],
    ));
    assert_eq!(
        world.ask("search/k", "m").unwrap(),
        [
            "search/r: t -> gateway/a m-upstream",
            "search/r: any -> gateway/c m fallback"
        ]
    );
}

#[test]
fn the_name_as_offered_comes_with_each_step_for_choosing_the_credential() {
    let table = world()
        .rule(rule("search/r").target("t", "gateway/b", "n", 1))
        .table();
    let plan = table
        .plan(
            &table.caller(&name("search/k"), &crate::world::key()),
            "chat",
            &Default::default,
        )
        .unwrap();
    assert_eq!(
        (&*plan.steps[0].requested, &*plan.steps[0].model),
        ("n", "n-upstream")
    );
}
