//! What teams and organizations allow and deny: with the key's own list all of it has to hold.

use fairlead_route::NoRoute;
use fairlead_snapshot::{Allow, Deny, Key, Owner};

use crate::world::{World, allowing, allowing_models, key_of, name, patterns, provider, rule};

fn world() -> World {
    World::new()
        .provider("gateway/a", provider(&["gpt-4o", "o3"]))
        .provider("gateway/b", provider(&["gpt-4o", "claude"]))
        .rule(
            rule("search/chat")
                .models(&["chat"])
                .target("one", "gateway/a", "o3", 1)
                .target("two", "gateway/b", "claude", 1),
        )
        .key("search/k", key_of("ranking", Some("acme")))
        .key("search/stranger", key_of("other", None))
}

fn team(mut world: World, allow: Allow) -> World {
    let owner = Owner {
        allow,
        ..Owner::default()
    };
    world.0.teams.insert(name("search/ranking"), owner);
    world
}

fn organization(mut world: World, allow: Allow) -> World {
    let owner = Owner {
        allow,
        ..Owner::default()
    };
    world.0.organizations.insert(name("gateway/acme"), owner);
    world
}

fn denying(models: &[&str], providers: &[&str]) -> Allow {
    Allow {
        deny: Deny {
            models: patterns(models),
            providers: providers.iter().map(|text| name(text)).collect(),
        },
        ..Allow::default()
    }
}

fn models(world: &World, key: &str) -> Vec<String> {
    let table = world.table();
    table.models(&world.caller(&table, key))
}

#[test]
fn every_level_has_to_allow_the_model() {
    let world = team(world(), allowing_models(&["gpt-*", "chat"]).allow);
    let world = organization(world, allowing_models(&["gpt-*", "claude"]).allow);
    assert!(world.ask("search/k", "gpt-4o").is_ok());
    for model in ["chat", "claude", "o3"] {
        let refused = world.ask("search/k", model);
        assert_eq!(refused, Err(NoRoute::ModelNotAllowed), "{model}");
    }
    assert_eq!(models(&world, "search/k"), ["gpt-4o"]);
    assert!(world.ask("search/stranger", "claude").is_ok());
}

#[test]
fn every_level_has_to_allow_the_provider() {
    let narrowed = team(world(), allowing(&[("gateway/a", 1)]).allow);
    for (model, targets) in [("chat", 1), ("gpt-4o", 1)] {
        let plan = narrowed.ask("search/k", model).unwrap();
        assert_eq!(plan.len(), targets, "{plan:?}");
        assert!(plan[0].contains("gateway/a"), "{plan:?}");
    }
    let none = organization(narrowed, allowing(&[("gateway/b", 1)]).allow);
    for model in ["chat", "gpt-4o", "claude"] {
        let refused = none.ask("search/k", model);
        assert_eq!(refused, Err(NoRoute::ProviderNotAllowed), "{model}");
    }
    assert_eq!(none.ask("search/stranger", "chat").unwrap().len(), 2);
}

#[test]
fn what_any_level_denies_is_denied_whatever_is_allowed() {
    let key = Key {
        allow: allowing(&[("gateway/a", 1), ("gateway/b", 1)]).allow,
        ..key_of("ranking", Some("acme"))
    };
    let world = team(world(), denying(&["o3"], &[])).key("search/k", key);
    let world = organization(world, denying(&[], &["gateway/b"]));
    assert_eq!(
        world.ask("search/k", "a/o3"),
        Err(NoRoute::ModelNotAllowed),
        "be it with a provider in front"
    );
    let plan = world.ask("search/k", "gpt-4o").unwrap();
    assert_eq!(plan, ["gateway/a -> gateway/a gpt-4o-upstream"]);
    assert_eq!(world.ask("search/k", "chat").unwrap().len(), 1);
    assert_eq!(models(&world, "search/k"), ["chat", "gpt-4o"]);
}

#[test]
fn shares_are_those_of_the_narrowest_list() {
    let wide = allowing(&[("gateway/a", 1), ("gateway/b", 3)]).allow;
    let world = organization(world(), wide);
    let counts = world.first_targets("search/k", "gpt-4o", 400);
    assert!((298..=302).contains(&counts["gateway/b"]), "{counts:?}");
    let world = team(world, allowing(&[("gateway/a", 1), ("gateway/b", 1)]).allow);
    let counts = world.first_targets("search/k", "gpt-4o", 400);
    assert!((198..=202).contains(&counts["gateway/b"]), "{counts:?}");
}

#[test]
fn nothing_is_passed_through_for_a_key_that_any_level_binds_to_models() {
    let passed = |world: &World| {
        let table = world.table();
        let caller = world.caller(&table, "search/k");
        table.passed_through(&caller, &name("gateway/a")).is_some()
    };
    assert!(passed(&world()));
    assert!(!passed(&team(world(), denying(&["o3"], &[]))));
    assert!(!passed(&organization(
        world(),
        allowing_models(&["gpt-*"]).allow
    )));
    assert!(!passed(&team(world(), denying(&[], &["gateway/a"]))));
    assert!(passed(&team(world(), denying(&[], &["gateway/b"]))));
}
