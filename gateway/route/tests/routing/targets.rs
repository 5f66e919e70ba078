//! What a rule's targets and fallbacks become.

use fairlead_route::{Candidate, ChosenBy, NoRoute, Standing, Table, Vitals, all_well};
use fairlead_snapshot::{FailureClass, Problem, Strategy};

use crate::world::{
    RuleBuilder, World, allowing, name, nothing, provider, provider_of_anything, rule,
};

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
                .plan(&caller, "chat", &nothing(), &all_well)
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
            &nothing(),
            &all_well,
        )
        .unwrap();
    assert_eq!(
        (&*plan.steps[0].requested, &*plan.steps[0].model),
        ("n", "n-upstream")
    );
}

/// Nobody at these providers may be tried now.
fn down(table: &Table, names: &[&str]) -> impl Fn(Candidate<'_>) -> u32 {
    let down: Vec<bool> = table
        .providers()
        .iter()
        .map(|(provider, _)| names.contains(&provider.to_string().as_str()))
        .collect();
    move |candidate| if down[candidate.provider.0] { 0 } else { 1000 }
}

#[test]
fn a_target_that_is_down_leaves_its_share_to_the_others_in_proportion() {
    let four = ["a", "b", "c", "d"].iter().fold(
        rule("search/r").strategy(Strategy::Weighted),
        |rule, name| rule.target(name, &format!("gateway/{name}"), "m", 1),
    );
    let world = world().provider("gateway/d", provider(&["m"])).rule(four);
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let standing = down(&table, &["gateway/b"]);
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..300 {
        let plan = table.plan(&caller, "chat", &nothing(), &standing).unwrap();
        assert_eq!(plan.steps.len(), 4, "it stays in the plan");
        *counts.entry(plan.steps[0].target.to_string()).or_default() += 1;
    }
    assert_eq!(counts.len(), 3, "{counts:?}");
    assert!(
        counts.values().all(|count| (98..=102).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn a_bare_name_is_spread_among_the_providers_that_may_be_tried() {
    let world = World::new()
        .provider("gateway/a", provider(&["m"]))
        .provider("gateway/b", provider(&["m"]))
        .provider("gateway/c", provider(&["m"]));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let standing = down(&table, &["gateway/a"]);
    let first = || {
        let plan = table.plan(&caller, "m", &nothing(), &standing);
        plan.unwrap().steps[0].target.to_string()
    };
    let firsts: Vec<String> = (0..200).map(|_| first()).collect();
    let by = |name: &str| firsts.iter().filter(|first| *first == name).count();
    assert_eq!(by("gateway/a"), 0);
    assert!((98..=102).contains(&by("gateway/b")), "{}", by("gateway/b"));
}

#[test]
fn a_target_that_cannot_be_tried_has_no_share() {
    let counts = World::new()
        .provider("gateway/a", provider(&["m"]))
        .provider("gateway/b", provider(&["m"]))
        .rule(
            rule("search/r")
                .target("gone", "gateway/gone", "m", 1)
                .target("lacking", "gateway/a", "n", 1)
                .target("a", "gateway/a", "m", 1)
                .target("b", "gateway/b", "m", 1),
        )
        .first_targets("search/k", "chat", 200);
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!((98..=102).contains(&counts["a"]), "{counts:?}");
}

#[test]
fn a_rule_none_of_whose_providers_offers_the_model_says_so() {
    let world = world().rule(rule("search/r").target("one", "gateway/a", "", 1).fallback(
        "two",
        "gateway/b",
        "x",
        &[],
    ));
    assert_eq!(
        world.ask("search/k", "chat"),
        Err(NoRoute::ModelNotOffered {
            rule: name("search/r")
        })
    );
}

#[test]
fn names_that_stand_in_the_configuration_are_told_from_those_that_callers_make_up() {
    let world = world().rule(
        rule("search/r")
            .models(&["chat", "free-*"])
            .target("c", "gateway/c", "", 1)
            .fallback("b", "gateway/b", "m", &[]),
    );
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let known = |model: &str| {
        let plan = table.plan(&caller, model, &nothing(), &all_well).unwrap();
        let steps: Vec<bool> = plan.steps.iter().map(|step| step.configured).collect();
        (plan.configured, steps)
    };
    assert_eq!(known("chat"), (true, vec![true, true]));
    assert_eq!(known("free-invented"), (false, vec![false, true]));
    assert_eq!(known("a/m"), (true, vec![true]));
    assert_eq!(known("c/invented"), (false, vec![false]));
    assert_eq!(known("n"), (true, vec![true]));
}

#[test]
fn models_that_reason_are_known_under_either_of_their_names() {
    let mut renamed = provider(&["smart", "plain"]);
    renamed.models.as_mut().unwrap()[0].upstream_name = "o3-mini".to_owned();
    let world = World::new()
        .provider("gateway/r", renamed)
        .provider("gateway/any", provider_of_anything())
        .rule(
            rule("search/r")
                .models(&["chat", "deepseek-r1"])
                .strategy(Strategy::Priority)
                .target("smart", "gateway/r", "smart", 1)
                .target("plain", "gateway/r", "plain", 1)
                .target("any", "gateway/any", "", 1),
        );
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let reasons = |model: &str| {
        let plan = table.plan(&caller, model, &nothing(), &all_well).unwrap();
        plan.steps
            .iter()
            .map(|step| step.reasons)
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons("chat"), [true, false, false]);
    assert_eq!(reasons("deepseek-r1"), [true, false, true]);
    assert_eq!(reasons("any/o1"), [true]);
}

/// How targets stand, counting what is asked of it.
#[derive(Default)]
struct Counting {
    shares: std::cell::Cell<u32>,
    vitals: std::cell::Cell<u32>,
}

impl Standing for Counting {
    fn share(&self, _: Candidate<'_>) -> u32 {
        self.shares.set(self.shares.get() + 1);
        1000
    }

    fn vitals(&self, target: Candidate<'_>) -> Vitals {
        self.vitals.set(self.vitals.get() + 1);
        let provider = u64::try_from(target.provider.0).unwrap_or(0);
        Vitals {
            expected: Some(1_000 * (5 - provider)),
            busy: u32::try_from(provider).unwrap_or(0),
            ..Vitals::UNKNOWN
        }
    }
}

#[test]
fn a_rule_is_asked_for_no_more_than_its_strategy_goes_by() {
    for (strategy, shares, vitals, costs, first, by) in [
        (Strategy::Priority, 0, 0, 0, "a", ChosenBy::Priority),
        (Strategy::RoundRobin, 3, 0, 0, "a", ChosenBy::RoundRobin),
        (Strategy::Weighted, 3, 0, 0, "a", ChosenBy::Weighted),
        (
            Strategy::LowestLatency,
            0,
            3,
            0,
            "c",
            ChosenBy::LowestLatency,
        ),
        (Strategy::LeastBusy, 0, 3, 0, "a", ChosenBy::LeastBusy),
        (Strategy::LowestCost, 0, 3, 3, "b", ChosenBy::LowestCost),
    ] {
        let anything = crate::world::provider_of_anything;
        let table = World::new()
            .provider("gateway/a", anything())
            .provider("gateway/b", anything())
            .provider("gateway/c", anything())
            .rule(
                rule("search/r")
                    .strategy(strategy)
                    .target("a", "gateway/a", "cents-3", 1)
                    .target("b", "gateway/b", "cents-2", 1)
                    .target("c", "gateway/c", "cents-9", 1),
            )
            .table();
        let caller = table.caller(&name("search/k"), &crate::world::key());
        let (standing, request) = (Counting::default(), nothing());
        let plan = table.plan(&caller, "m", &request, &standing).unwrap();
        let asked = (
            standing.shares.get(),
            standing.vitals.get(),
            request.times.get(),
        );
        assert_eq!(asked, (shares, vitals, costs), "{strategy:?}");
        assert_eq!((&*plan.steps[0].target, plan.chosen_by), (first, by));
    }
}
