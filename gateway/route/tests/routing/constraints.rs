//! Rules that choose nothing and narrow what may be asked.

use std::cell::Cell;

use fairlead_condition::{Limit, Request, Usage};
use fairlead_json::{Raw, Unreadable};
use fairlead_route::{NoRoute, all_well};
use fairlead_snapshot::{Allow, Key, ObjectName, Operator, Requirement, Scope, Strategy};

use crate::world::{
    GATEWAY, World, asked, key, key_of, labelled, name, nothing, only_from, picking, provider,
    provider_of_anything, rule,
};

/// Two providers of the platform's that offer one model, one in Europe, and one of a tenant's own that says that it is, too.
fn world() -> World {
    World::new()
        .provider("gateway/eu", labelled("region=eu", provider(&["m"])))
        .provider("gateway/us", labelled("region=us", provider(&["m", "n"])))
        .provider(
            "search/own",
            labelled(
                "region=eu",
                only_from(&["search"], provider(&["m", "mine"])),
            ),
        )
}

fn constrained() -> World {
    world().rule(rule("gateway/c").constraining("region=eu"))
}

fn refused(constraints: &[&str]) -> Result<Vec<String>, NoRoute> {
    Err(NoRoute::Constrained {
        constraints: constraints.iter().map(|text| (*text).into()).collect(),
    })
}

#[test]
fn names_are_listed_only_if_they_lead_to_somebody_who_may_be_asked() {
    let world = constrained()
        .rule(
            rule("gateway/c2")
                .models(&["held"])
                .constraining("region=ch"),
        )
        .rule(
            rule("search/a")
                .models(&["inside"])
                .target("eu", "gateway/eu", "m", 1),
        )
        .rule(
            rule("search/b")
                .models(&["outside"])
                .target("us", "gateway/us", "m", 1),
        )
        .rule(
            rule("search/c")
                .models(&["held"])
                .target("eu", "gateway/eu", "m", 1),
        )
        .rule(rule("search/d").models(&["alias"]).continuing("inside"))
        .rule(rule("search/e").models(&["astray"]).continuing("outside"))
        .rule(rule("search/f").models(&["bare"]).continuing("m"));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    assert_eq!(table.models(&caller), ["alias", "bare", "inside", "m"]);
}

#[test]
fn a_condition_that_fails_counts_once_whatever_becomes_of_the_request() {
    let world = constrained()
        .rule(
            rule("search/broken")
                .when("request.params.n > 1")
                .target("eu", "gateway/eu", "m", 1),
        )
        .rule(
            rule("search/alias")
                .models(&["chat"])
                .continuing("n")
                .priority(1),
        );
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let count = || {
        table
            .condition_errors()
            .map(|(_, count)| count)
            .sum::<u64>()
    };
    for (model, counted) in [("us/m", 1), ("n", 2), ("chat", 3), ("m", 4)] {
        let planned = table.plan(&caller, model, &asked(model, &[]), &all_well);
        assert_eq!(planned.is_ok(), model == "m", "{model}");
        assert_eq!(count(), counted, "{model}");
    }
    let _ = table.explain(&caller, "us/m", &asked("us/m", &[]));
    assert_eq!(count(), 4, "who only wants to know is not counted");
    let refused = table.planned(&caller, "n", &asked("n", &[]), &all_well);
    let held = refused.unwrap_err().constraints;
    assert_eq!(held, [std::sync::Arc::<str>::from("gateway/c")]);
}

#[test]
fn whatever_names_a_provider_is_narrowed() {
    let world = constrained()
        .rule(
            rule("search/all")
                .models(&["chat"])
                .target("us", "gateway/us", "m", 9)
                .target("own", "search/own", "m", 9)
                .target("eu", "gateway/eu", "m", 1)
                .fallback("spare", "gateway/us", "m", &[])
                .fallback("gone", "gateway/gone", "m", &[]),
        )
        .rule(
            rule("gateway/imposed")
                .overriding()
                .models(&["imposed"])
                .target("us", "gateway/us", "m", 1),
        )
        .rule(
            rule("search/nowhere")
                .models(&["nowhere"])
                .target("gone", "gateway/gone", "m", 1),
        );
    for (model, expected) in [
        (
            "chat",
            Ok(vec!["search/all: eu -> gateway/eu m-upstream".to_owned()]),
        ),
        (
            "m",
            Ok(vec!["gateway/eu -> gateway/eu m-upstream".to_owned()]),
        ),
        (
            "eu/m",
            Ok(vec!["gateway/eu -> gateway/eu m-upstream".to_owned()]),
        ),
        ("us/m", refused(&["gateway/c"])),
        ("n", refused(&["gateway/c"])),
        ("own/mine", refused(&["gateway/c"])),
        ("mine", refused(&["gateway/c"])),
        ("imposed", refused(&["gateway/c"])),
        ("nowhere", refused(&["gateway/c"])),
        ("unheard-of", Err(NoRoute::UnknownModel)),
    ] {
        assert_eq!(world.ask("search/k", model), expected, "{model}");
    }
}

#[test]
fn every_strategy_spreads_over_what_is_left() {
    for strategy in [Strategy::Weighted, Strategy::RoundRobin, Strategy::Priority] {
        let world = constrained()
            .provider("gateway/de", labelled("region=eu", provider(&["m"])))
            .rule(
                rule("search/all")
                    .strategy(strategy)
                    .target("us", "gateway/us", "m", 98)
                    .target("eu", "gateway/eu", "m", 1)
                    .target("de", "gateway/de", "m", 1),
            );
        let firsts = world.first_targets("search/k", "chat", 100);
        assert!(!firsts.contains_key("us"), "{strategy:?}: {firsts:?}");
        let share = firsts["eu"];
        let expected = if strategy == Strategy::Priority {
            100
        } else {
            50
        };
        assert!(share.abs_diff(expected) <= 2, "{strategy:?}: {firsts:?}");
    }
}

#[test]
fn all_that_match_hold_together_whatever_their_scope_and_order() {
    let scopes = [
        Scope::VirtualKey(name("search/k")),
        Scope::Team(ObjectName::new("search", "core")),
        Scope::Organization {
            name: "acme".to_owned(),
            namespace: None,
        },
        Scope::Namespace("search".to_owned()),
        Scope::Global,
    ];
    let labels = ["a=1", "b=1", "c=1", "d=1", "e=1"];
    let mut world = World::new()
        .key("search/k", key_of("core", Some("acme")))
        .provider("gateway/all", labelled(&labels.join(" "), provider(&["m"])));
    for (at, (scope, label)) in scopes.into_iter().zip(labels).enumerate() {
        world = world.rule(
            rule(&format!("gateway/c{at}"))
                .constraining(label)
                .scope(scope),
        );
    }
    assert!(world.ask("search/k", "m").is_ok());
    for without in 0..labels.len() {
        let others: Vec<&str> = labels
            .iter()
            .copied()
            .filter(|label| *label != labels[without])
            .collect();
        let world = world
            .clone()
            .provider("gateway/all", labelled(&others.join(" "), provider(&["m"])));
        assert_eq!(
            world.ask("search/k", "m"),
            refused(&[
                "gateway/c0",
                "gateway/c1",
                "gateway/c2",
                "gateway/c3",
                "gateway/c4"
            ]),
            "{without}"
        );
    }
    // Who is in fewer scopes is held to less.
    let world = world.provider("gateway/all", labelled("d=1 e=1", provider(&["m"])));
    assert!(world.ask("search/another", "m").is_ok());
    assert_eq!(world.ask("other/k", "m").map(|lines| lines.len()), Ok(1));
}

#[test]
fn who_is_outside_its_scope_its_models_or_its_condition_notices_nothing() {
    let held = |rule: crate::world::RuleBuilder| world().rule(rule.constraining("region=eu"));
    let us = vec!["gateway/us -> gateway/us m-upstream".to_owned()];
    let of_search = held(rule("gateway/c").scope(Scope::Namespace("search".to_owned())));
    assert_eq!(of_search.ask("other/k", "us/m"), Ok(us.clone()));
    assert_eq!(of_search.ask("search/k", "us/m"), refused(&["gateway/c"]));
    let of_models = held(rule("gateway/c").models(&["n"]));
    assert_eq!(of_models.ask("search/k", "us/m"), Ok(us.clone()));
    let of_pii = held(rule("gateway/c").when(r#"request.headers["x-data"] == "pii""#));
    assert_eq!(of_pii.ask("search/k", "us/m"), Ok(us));
    assert_eq!(
        of_pii.ask_with("search/k", "us/m", &[("x-data", "pii")]),
        refused(&["gateway/c"])
    );
}

#[test]
fn a_model_is_meant_by_whatever_spelling() {
    let world = world()
        .provider("gateway/any", provider_of_anything())
        .rule(
            rule("gateway/c")
                .constraining("region=eu")
                .models(&["n", "x/y"]),
        );
    for model in ["n", "us/n", "any/n", "any/x/y", "any/open/n"] {
        assert_eq!(
            world.ask("search/k", model),
            refused(&["gateway/c"]),
            "{model}"
        );
    }
    for model in ["any/m", "any/nn", "any/y"] {
        assert!(world.ask("search/k", model).is_ok(), "{model}");
    }
}

#[test]
fn what_cannot_be_evaluated_refuses_the_request() {
    for when in [
        "request.params.temperature > 1",
        "request.of_a_later_version == 1",
        "request.headers",
    ] {
        let world = world().rule(rule("gateway/c").constraining("region=eu").when(when));
        let error = NoRoute::ConditionError {
            rule: name("gateway/c"),
        };
        assert_eq!(world.ask("search/k", "eu/m"), Err(error), "{when}");
        let table = world.table();
        let caller = world.caller(&table, "search/k");
        let _ = table.plan(&caller, "m", &nothing(), &all_well);
        assert_eq!(table.condition_errors().count(), 1, "{when}");
    }
}

#[test]
fn only_the_platform_constrains_and_only_its_labels_count() {
    // A snapshot that the compiler would not make: a tenant's constraint for everybody.
    let world = world().rule(
        rule("search/c")
            .constraining("region=us")
            .scope(Scope::Global),
    );
    assert!(world.ask("other/k", "eu/m").is_ok());
    // Not even a condition that every provider without labels satisfies picks a tenant's.
    let mut lenient = rule("gateway/c").constraining("");
    lenient.0.constrain.as_mut().unwrap().requirements = vec![Requirement {
        key: "region".to_owned(),
        operator: Operator::NotIn,
        values: vec!["us".to_owned()],
    }];
    let world = self::world()
        .provider("search/plain", only_from(&["search"], provider(&["plain"])))
        .rule(lenient);
    assert_eq!(world.ask("search/k", "plain"), refused(&["gateway/c"]));
    assert_eq!(world.ask("search/k", "mine"), refused(&["gateway/c"]));
    assert_eq!(world.ask("search/k", "m").map(|lines| lines.len()), Ok(1));
}

fn allowing(labels: &str) -> Key {
    Key {
        allow: Allow {
            selector: Some(picking(labels)),
            ..Allow::default()
        },
        ..key()
    }
}

#[test]
fn a_key_may_be_allowed_providers_by_their_labels() {
    let world = world()
        .provider("other/eu", labelled("region=eu", provider(&["theirs"])))
        .key("search/k", allowing("region=eu"))
        .rule(
            rule("search/all")
                .models(&["chat"])
                .target("us", "gateway/us", "m", 1)
                .target("eu", "gateway/eu", "m", 1),
        );
    let chat = vec!["search/all: eu -> gateway/eu m-upstream".to_owned()];
    assert_eq!(world.ask("search/k", "chat"), Ok(chat));
    assert_eq!(
        world.ask("search/k", "us/m"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(world.ask("search/k", "n"), Err(NoRoute::ProviderNotAllowed));
    // Its own namespace's labels count for it, another tenant's do not.
    assert!(world.ask("search/k", "mine").is_ok());
    assert_eq!(
        world.ask("search/k", "theirs"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert!(world.ask("search/other", "theirs").is_ok());
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    assert_eq!(table.models(&caller), ["chat", "m", "mine"]);
    let through = |text| table.passed_through(&caller, &name(text)).is_some();
    assert!(through("gateway/eu") && !through("gateway/us") && !through("other/eu"));
}

#[test]
fn a_list_and_labels_narrow_together_at_every_level() {
    let mut both = allowing("region=eu");
    both.allow.providers = Some(vec![fairlead_snapshot::AllowedProvider {
        provider: name("gateway/us"),
        weight: 1,
    }]);
    let world = world().key("search/k", both);
    assert_eq!(world.ask("search/k", "m"), Err(NoRoute::ProviderNotAllowed));
    let mut world = self::world().key(
        "search/k",
        Key {
            allow: allowing("region=eu").allow,
            ..key_of("core", None)
        },
    );
    let team = fairlead_snapshot::Owner {
        allow: allowing("region=us").allow,
        ..fairlead_snapshot::Owner::default()
    };
    world
        .0
        .teams
        .insert(ObjectName::new("search", "core"), team);
    assert_eq!(world.ask("search/k", "m"), Err(NoRoute::ProviderNotAllowed));
}

#[test]
fn an_organization_trusts_no_labels_but_the_platforms() {
    let mut world = world().key("search/k", key_of("core", Some("acme")));
    let organization = fairlead_snapshot::Owner {
        allow: allowing("region=eu").allow,
        ..fairlead_snapshot::Owner::default()
    };
    let its_name = ObjectName::new(GATEWAY, "acme");
    world.0.organizations.insert(its_name, organization);
    assert_eq!(
        world.ask("search/k", "mine"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert!(world.ask("search/k", "m").is_ok());
}

#[test]
fn a_list_of_models_has_what_unconditional_constraints_leave() {
    let world = constrained().rule(
        rule("gateway/sometimes")
            .constraining("region=none")
            .when("request.stream"),
    );
    let table = world.table();
    assert_eq!(table.models(&world.caller(&table, "search/k")), ["m"]);
}

#[test]
fn explain_names_every_constraint_and_what_it_leaves() {
    let world = constrained()
        .rule(
            rule("gateway/none")
                .constraining("region=nowhere")
                .models(&["n"]),
        )
        .rule(
            rule("gateway/theirs")
                .constraining("region=us")
                .scope(Scope::Namespace("other".to_owned())),
        )
        .rule(rule("search/chat").target("a", "gateway/eu", "m", 1));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    insta::assert_snapshot!(table.explain(&caller, "chat", &asked("chat", &[])), @r"
    rule gateway/c: constrains it to gateway/eu
    rule gateway/none: no: match.models does not include the model
    rule search/chat: matched
    rule gateway/theirs: no: its scope does not include the key
    taken by rule search/chat
    1. a asks for m-upstream
    ");
    insta::assert_snapshot!(table.explain(&caller, "us/n", &asked("us/n", &[])), @r"
    rule gateway/c: constrains it to gateway/eu
    rule gateway/none: constrains it to no provider: none of those whose labels count has them
    rule search/chat: matched
    rule gateway/theirs: no: its scope does not include the key
    refused: what the constraints gateway/c, gateway/none have in common leaves no provider for this model; ask for one that it permits, or have the platform team change it or the labels of the providers in the gateway's namespace
    ");
}

#[test]
fn a_request_is_asked_for_nothing_where_nothing_constrains_its_key() {
    let world = world()
        .rule(
            rule("gateway/c")
                .constraining("region=eu")
                .scope(Scope::Namespace("other".to_owned()))
                .when("request.model == 'x'"),
        )
        .rule(rule("search/chat").target("a", "gateway/eu", "m", 1));
    let table = world.table();
    for (namespace, times) in [("search", 0), ("other", 1)] {
        let request = asked("m", &[]);
        let caller = world.caller(&table, &format!("{namespace}/k"));
        let plan = table.plan(&caller, "m", &request, &all_well).unwrap();
        assert_eq!((request.times.get(), plan.constraints.len()), (times, 0));
    }
}

/// What is passed through: its body is read by nobody.
struct Unread(Cell<u32>);

impl Request for Unread {
    fn header(&self, _: &str) -> Result<Option<std::borrow::Cow<'_, str>>, Unreadable> {
        self.0.set(self.0.get() + 1);
        Ok(Some("pii".into()))
    }

    fn headers(&self) -> usize {
        1
    }

    fn model(&self) -> &str {
        ""
    }

    fn stream(&self) -> bool {
        false
    }

    fn param(&self, _: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        Ok(None)
    }

    fn params(&self) -> usize {
        0
    }

    fn usage(&self, _: &Limit) -> Option<Usage> {
        None
    }

    fn input_tokens(&self) -> u64 {
        0
    }

    fn is_read(&self) -> bool {
        false
    }
}

#[test]
fn what_is_passed_through_is_held_to_what_can_be_told_and_else_refused() {
    let error = || {
        Err(NoRoute::ConditionError {
            rule: name("gateway/c"),
        })
    };
    let held = || {
        Err(NoRoute::Constrained {
            constraints: vec!["gateway/c".into()],
        })
    };
    for (when, expected) in [
        ("", held()),
        (r#"request.headers["x-data"] == "pii""#, held()),
        (r#"request.headers["x-data"] != "pii""#, Ok(Vec::new())),
        ("key.namespace == 'search'", held()),
        ("request.model == 'n'", error()),
        ("request.stream", error()),
        ("has(request.params.user)", error()),
        ("request.estimate.inputTokens > 5", error()),
        ("budget.key.usedPercent > 5", error()),
        (
            r#"request.headers["x-data"] == "pii" || request.stream"#,
            held(),
        ),
    ] {
        let mut constraint = rule("gateway/c").constraining("region=eu").models(&["n"]);
        constraint.0.when = (!when.is_empty()).then(|| when.to_owned());
        let world = world().rule(constraint);
        let table = world.table();
        let caller = world.caller(&table, "search/k");
        let us = table.passed_through(&caller, &name("gateway/us")).unwrap();
        let told = table.constrain(&caller, us, &Unread(Cell::new(0)));
        assert_eq!(told, expected, "{when}");
        let eu = table.passed_through(&caller, &name("gateway/eu")).unwrap();
        let told = table.constrain(&caller, eu, &Unread(Cell::new(0)));
        assert_eq!(told.is_err(), expected == error(), "{when}");
    }
}
