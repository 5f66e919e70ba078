//! What a request would cost where a rule sends it, as the rule's condition sees it.

use fairlead_route::all_well;

use crate::world::{World, allowing, asked, provider_of_anything, rule};

fn world() -> World {
    World::new()
        .provider("gateway/a", provider_of_anything())
        .provider("gateway/b", provider_of_anything())
}

/// The name of the rule that takes a request of `search/k`.
fn taken(world: &World) -> String {
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let plan = table.plan(&caller, "cents-7", &asked("cents-7", &[]), &all_well);
    let rule = plan.ok().and_then(|plan| plan.rule);
    rule.map(|rule| rule.name.to_string()).unwrap_or_default()
}

#[test]
fn a_rule_sees_what_the_request_costs_at_its_own_dearest_target() {
    for (targets, condition, taken_by) in [
        (
            &["cents-3", "cents-5"][..],
            "request.estimate.costUsd == 0.05",
            "search/a",
        ),
        (
            &["cents-3", "cents-5"],
            "request.estimate.costUsd < 0.05",
            "search/b",
        ),
        // The name as sent.
        (&[""], "request.estimate.costUsd == 0.07", "search/a"),
        // What one of them costs nobody knows, so that nobody knows what it will cost.
        (
            &["cents-3", "new"],
            "!has(request.estimate.costUsd)",
            "search/a",
        ),
    ] {
        let named = |rule, target: &&str| {
            crate::world::RuleBuilder::target(rule, target, "gateway/a", target, 1)
        };
        let dear = targets.iter().fold(rule("search/a"), named);
        let world = world()
            .rule(dear.when(condition))
            .rule(rule("search/b").target("b", "gateway/b", "cents-1", 1));
        assert_eq!(taken(&world), taken_by, "{condition}");
    }
}

#[test]
fn fallbacks_and_targets_that_cannot_be_asked_cost_nothing() {
    let world = world()
        .rule(
            rule("search/a")
                .target("a", "gateway/a", "cents-3", 1)
                .target("gone", "gateway/gone", "cents-90", 1)
                .target("denied", "gateway/b", "cents-80", 1)
                .fallback("spare", "gateway/a", "cents-70", &[])
                .when("request.estimate.costUsd == 0.03"),
        )
        .rule(rule("search/b").target("b", "gateway/a", "cents-1", 1))
        .key(
            "search/k",
            allowing(&[("gateway/a", 1), ("gateway/gone", 1)]),
        );
    assert_eq!(taken(&world), "search/a");
}

#[test]
fn what_it_costs_is_asked_only_where_a_condition_names_it() {
    for (condition, times) in [
        ("true", 0),
        ("request.estimate.inputTokens == 0", 1),
        ("has(request.estimate.costUsd)", 2),
    ] {
        let to = rule("search/a")
            .target("a", "gateway/a", "cents-3", 1)
            .target("b", "gateway/b", "cents-4", 1);
        let world = world().rule(to.when(condition));
        let table = world.table();
        let caller = world.caller(&table, "search/k");
        let request = asked("m", &[]);
        assert!(table.plan(&caller, "m", &request, &all_well).is_ok());
        assert_eq!(request.times.get(), times, "{condition}");
    }
}
