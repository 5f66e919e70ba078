//! Which rule takes a request.

use fairlead_route::{NoRoute, all_well};
use fairlead_snapshot::{ObjectName, Scope};

use crate::world::{
    RuleBuilder, World, asked, key, key_of, name, nothing, provider, provider_of_anything, rule,
};

/// The rule that took the request, read off the only target that rules have here: their own name.
fn taken(world: &World, key: &str, model: &str) -> String {
    match world.ask(key, model) {
        Ok(lines) => lines[0]
            .split(" -> ")
            .next()
            .unwrap_or_default()
            .split(": ")
            .last()
            .unwrap_or_default()
            .to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// A rule whose only target has its name.
fn to_itself(text: &str) -> RuleBuilder {
    let name = name(text).name;
    rule(text).target(&name, "gateway/any", "", 1)
}

fn world() -> World {
    World::new().provider("gateway/any", provider_of_anything())
}

fn organization(namespace: Option<&str>) -> Scope {
    Scope::Organization {
        name: "acme".to_owned(),
        namespace: namespace.map(str::to_owned),
    }
}

#[test]
fn narrower_scopes_go_first() {
    let scoped = [
        ("gateway/global", Scope::Global),
        ("gateway/namespace", Scope::Namespace("search".to_owned())),
        ("gateway/organization", organization(None)),
        (
            "gateway/team",
            Scope::Team(ObjectName::new("search", "core")),
        ),
        (
            "gateway/key",
            Scope::VirtualKey(ObjectName::new("search", "checkout")),
        ),
    ];
    let mut world = world().key("search/checkout", key_of("core", Some("acme")));
    for (rule, scope) in scoped {
        // However urgent a rule of a wider scope is, it does not outrank a narrower one.
        world = world.rule(to_itself(rule).scope(scope).priority(10));
        assert_eq!(
            format!("gateway/{}", taken(&world, "search/checkout", "any")),
            rule
        );
    }
}

#[test]
fn overrides_go_before_every_default_of_any_scope() {
    let world = world()
        .rule(to_itself("gateway/key").scope(Scope::VirtualKey(name("search/checkout"))))
        .rule(to_itself("gateway/compliance").overriding().priority(9))
        .rule(
            to_itself("gateway/narrow")
                .overriding()
                .scope(Scope::Namespace("search".to_owned()))
                .priority(10),
        );
    assert_eq!(taken(&world, "search/checkout", "any"), "narrow");
    assert_eq!(taken(&world, "other/key", "any"), "compliance");
}

#[test]
fn inside_a_scope_priority_then_age_then_name_decide() {
    let aged = |text: &str, priority, created| {
        let mut rule = to_itself(text).priority(priority);
        rule.0.created = Some(created);
        rule
    };
    let world = world()
        .rule(aged("search/d", 1, 5))
        .rule(aged("search/c", 0, 9))
        .rule(aged("search/b", 0, 9))
        .rule(aged("search/a", 0, 10));
    assert_eq!(taken(&world, "search/checkout", "any"), "b");
    assert_eq!(
        taken(
            &world.rule(aged("search/z", 0, 1)),
            "search/checkout",
            "any"
        ),
        "z"
    );
}

#[test]
fn an_organizations_rules_of_both_namespaces_are_tried_in_one_order() {
    let own = to_itself("search/own")
        .scope(organization(Some("search")))
        .priority(5);
    let central = |text, priority| to_itself(text).scope(organization(None)).priority(priority);
    let base = world()
        .key("search/checkout", key_of("core", Some("acme")))
        .key("other/key", key_of("core", Some("acme")))
        .rule(own);
    assert_eq!(
        taken(
            &base.clone().rule(central("gateway/late", 6)),
            "search/checkout",
            "any"
        ),
        "own"
    );
    assert_eq!(
        taken(
            &base.clone().rule(central("gateway/early", 4)),
            "search/checkout",
            "any"
        ),
        "early"
    );
    assert_eq!(
        taken(&base.rule(central("gateway/late", 6)), "other/key", "any"),
        "late"
    );
}

#[test]
fn the_first_match_wins_and_what_does_not_match_is_passed_by() {
    let world = world()
        .rule(to_itself("search/a").models(&["gpt-*", "chat"]))
        .rule(to_itself("search/b").models(&["chat", "code"]))
        .rule(to_itself("search/c"));
    assert_eq!(taken(&world, "search/k", "chat"), "a");
    assert_eq!(taken(&world, "search/k", "gpt-4o"), "a");
    assert_eq!(taken(&world, "search/k", "gpt-"), "a");
    assert_eq!(taken(&world, "search/k", "code"), "b");
    assert_eq!(taken(&world, "search/k", "gpt"), "c");
    assert_eq!(taken(&world, "search/k", "chat2"), "c");
}

#[test]
fn a_rule_is_tested_on_the_name_as_sent_before_anything_else() {
    let world = world()
        .provider("gateway/openai", provider(&["gpt-4o"]))
        .rule(to_itself("search/a").models(&["openai/gpt-4o"]));
    assert_eq!(taken(&world, "search/k", "openai/gpt-4o"), "a");
    assert_eq!(taken(&world, "search/k", "gpt-4o"), "gateway/openai");
}

#[test]
fn a_condition_decides_on_what_the_request_and_its_caller_are() {
    let world = world()
        .key("search/checkout", key_of("core", None))
        .rule(
            to_itself("search/gold")
                .when(r#"request.headers["x-tier"] == "gold" && team.name == "core""#),
        )
        .rule(to_itself("search/rest"));
    let asked = |key: &str, tier: &str| {
        world.ask_with(key, "any", &[("x-tier", tier)]).unwrap()[0]
            .split(':')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(asked("search/checkout", "gold"), "search/gold");
    assert_eq!(asked("search/checkout", "silver"), "search/rest");
    assert_eq!(asked("search/other", "gold"), "search/rest");
}

#[test]
fn a_request_is_asked_only_for_what_a_condition_names() {
    let world = world()
        .rule(
            to_itself("search/a")
                .models(&["asked"])
                .when("request.model == 'x'"),
        )
        .rule(
            to_itself("search/b")
                .models(&["asked"])
                .when("request.model == 'y'"),
        )
        .rule(to_itself("search/c"));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    for (model, expected) in [("asked", 2), ("unasked", 0)] {
        let request = asked(model, &[]);
        assert!(table.plan(&caller, model, &request, &all_well).is_ok());
        assert_eq!(request.times.get(), expected, "{model}");
    }
}

#[test]
fn a_default_rule_whose_condition_fails_is_passed_by_and_counted() {
    let world = world()
        .rule(to_itself("search/a").when("request.params.temperature > 1"))
        .rule(to_itself("search/b"));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let plan = table
        .plan(&caller, "any", &asked("any", &[]), &all_well)
        .unwrap();
    assert_eq!(
        (plan.rule.unwrap().name.to_string(), plan.condition_errors),
        ("search/b".to_owned(), 1)
    );
    assert_eq!(
        table.condition_errors().collect::<Vec<_>>(),
        [(&name("search/a"), 1)]
    );
}

#[test]
fn an_override_rule_whose_condition_fails_stops_the_request() {
    let world = world()
        .rule(
            to_itself("gateway/compliance")
                .overriding()
                .when("request.params.temperature > 1"),
        )
        .rule(to_itself("search/b"));
    assert_eq!(
        world.ask("search/k", "any"),
        Err(NoRoute::ConditionError {
            rule: name("gateway/compliance")
        })
    );
}

#[test]
fn a_default_rule_whose_condition_does_not_parse_matches_nothing_and_is_counted() {
    let world = world()
        .rule(to_itself("search/a").when("request.header =="))
        .rule(to_itself("search/b"));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let plan = table
        .plan(&caller, "any", &asked("any", &[]), &all_well)
        .unwrap();
    assert_eq!(
        (plan.rule.unwrap().name.to_string(), plan.condition_errors),
        ("search/b".to_owned(), 1)
    );
    assert_eq!(
        table.condition_errors().collect::<Vec<_>>(),
        [(&name("search/a"), 1)]
    );
}

#[test]
fn an_override_rule_whose_condition_does_not_parse_stops_the_requests_it_might_be_for() {
    let world = world()
        .rule(
            to_itself("gateway/compliance")
                .overriding()
                .models(&["secret-*"])
                .when("request.of_a_later_version == 1"),
        )
        .rule(to_itself("search/b"));
    assert_eq!(
        world.ask("search/k", "secret-1"),
        Err(NoRoute::ConditionError {
            rule: name("gateway/compliance")
        })
    );
    assert_eq!(taken(&world, "search/k", "any"), "b");
}

#[test]
fn a_rules_name_and_timeouts_come_with_the_plan() {
    let mut with_timeouts = to_itself("search/a");
    with_timeouts.0.timeouts.idle = Some(std::time::Duration::from_secs(7));
    let world = world().rule(with_timeouts);
    let table = world.table();
    let head = table
        .plan(
            &table.caller(&name("search/k"), &key()),
            "any",
            &nothing(),
            &all_well,
        )
        .unwrap()
        .rule
        .unwrap();
    assert_eq!(
        (head.name.to_string().as_str(), head.timeouts.idle),
        ("search/a", Some(std::time::Duration::from_secs(7)))
    );
}
