//! Model names that no rule takes, and what a key may name.

use fairlead_route::NoRoute;

use crate::world::{
    World, allowing, allowing_models, only_from, provider, provider_of_anything, rule,
};

fn world() -> World {
    World::new()
        .provider("gateway/openai", provider(&["gpt-4o", "shared"]))
        .provider("gateway/anthropic", provider(&["claude", "shared"]))
        .provider("search/own", only_from(&["search"], provider(&["shared"])))
        .provider("gateway/ollama", provider_of_anything())
}

fn first(world: &World, key: &str, model: &str) -> Result<String, NoRoute> {
    world.ask(key, model).map(|lines| lines[0].clone())
}

#[test]
fn a_bare_name_goes_to_who_offers_it_under_its_upstream_name() {
    assert_eq!(
        world().ask("search/k", "gpt-4o").unwrap(),
        ["gateway/openai -> gateway/openai gpt-4o-upstream"]
    );
}

#[test]
fn a_bare_name_that_several_offer_is_spread_evenly_and_the_rest_follow_by_name() {
    let counts = world().first_targets("search/k", "shared", 300);
    assert_eq!(
        counts.keys().collect::<Vec<_>>(),
        ["gateway/anthropic", "gateway/openai", "search/own"]
    );
    assert!(
        counts.values().all(|count| (98..=102).contains(count)),
        "{counts:?}"
    );
    let plan = world().ask("search/k", "shared").unwrap();
    let rest: Vec<&str> = plan[1..]
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(plan.len(), 3);
    assert!(rest.is_sorted(), "{rest:?}");
}

#[test]
fn a_bare_name_is_spread_by_the_keys_weights_and_0_means_never() {
    let world = world().key(
        "search/k",
        allowing(&[
            ("gateway/openai", 1),
            ("gateway/anthropic", 3),
            ("search/own", 0),
        ]),
    );
    let counts = world.first_targets("search/k", "shared", 400);
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!((98..=102).contains(&counts["gateway/openai"]), "{counts:?}");
    assert_eq!(world.ask("search/k", "shared").unwrap().len(), 2);
    assert_eq!(
        first(&world, "search/k", "own/shared"),
        Ok("search/own -> search/own shared-upstream".to_owned())
    );
}

#[test]
fn the_other_providers_of_a_bare_name_follow_by_falling_weight() {
    let world = world().key(
        "search/k",
        allowing(&[
            ("gateway/openai", 1),
            ("gateway/anthropic", 1_000_000),
            ("search/own", 5),
        ]),
    );
    let plan = world.ask("search/k", "shared").unwrap();
    let order: Vec<&str> = plan
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    // The first turn's point is 0, which falls on the first in order of name: the heaviest.
    assert_eq!(order, ["gateway/anthropic", "search/own", "gateway/openai"]);
}

#[test]
fn a_provider_that_takes_any_name_is_never_meant_by_a_bare_one() {
    assert_eq!(
        world().ask("search/k", "llama3"),
        Err(NoRoute::UnknownModel)
    );
    assert_eq!(
        first(&world(), "search/k", "ollama/llama3"),
        Ok("gateway/ollama -> gateway/ollama llama3".to_owned())
    );
}

#[test]
fn a_name_is_split_at_the_first_slash() {
    assert_eq!(
        first(&world(), "search/k", "ollama/library/llama3"),
        Ok("gateway/ollama -> gateway/ollama library/llama3".to_owned())
    );
}

#[test]
fn an_offered_name_with_a_slash_goes_before_a_split() {
    let world = world().provider("gateway/hub", provider(&["ollama/llama3"]));
    assert_eq!(
        first(&world, "search/k", "ollama/llama3"),
        Ok("gateway/hub -> gateway/hub ollama/llama3-upstream".to_owned())
    );
}

#[test]
fn a_provider_is_sought_in_the_keys_namespace_before_the_gateways() {
    let world = world().provider(
        "search/openai",
        only_from(&["search"], provider(&["gpt-4o"])),
    );
    assert_eq!(
        first(&world, "search/k", "openai/gpt-4o"),
        Ok("search/openai -> search/openai gpt-4o-upstream".to_owned())
    );
    assert_eq!(
        first(&world, "other/k", "openai/gpt-4o"),
        Ok("gateway/openai -> gateway/openai gpt-4o-upstream".to_owned())
    );
}

#[test]
fn another_tenants_provider_cannot_be_named() {
    assert_eq!(
        first(&world(), "other/k", "own/shared"),
        Err(NoRoute::UnknownModel)
    );
    assert!(
        !world()
            .first_targets("other/k", "shared", 100)
            .contains_key("search/own")
    );
}

#[test]
fn a_provider_that_does_not_admit_the_keys_namespace_is_refused_by_name_and_skipped_by_model() {
    let world = World::new().provider("gateway/closed", only_from(&["gateway"], provider(&["m"])));
    assert_eq!(
        world.ask("search/k", "closed/m"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(world.ask("search/k", "m"), Err(NoRoute::UnknownModel));
    assert!(world.ask("gateway/k", "m").is_ok());
}

#[test]
fn a_provider_that_the_keys_list_leaves_out_is_refused() {
    let world = world().key("search/k", allowing(&[("gateway/openai", 1)]));
    assert_eq!(
        world.ask("search/k", "anthropic/claude"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(
        world.ask("search/k", "claude"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(world.ask("search/k", "shared").unwrap().len(), 1);
}

#[test]
fn a_list_names_providers_but_does_not_open_them() {
    let world = World::new()
        .provider("gateway/closed", only_from(&["gateway"], provider(&["m"])))
        .key("search/k", allowing(&[("gateway/closed", 1)]));
    assert_eq!(
        world.ask("search/k", "closed/m"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(world.ask("search/k", "m"), Err(NoRoute::UnknownModel));
}

#[test]
fn a_list_of_providers_that_are_all_gone_offers_nothing() {
    let world = world().key("search/k", allowing(&[("gateway/gone", 1)]));
    assert_eq!(
        world.ask("search/k", "gpt-4o"),
        Err(NoRoute::ProviderNotAllowed)
    );
    assert_eq!(
        world.ask("search/k", "gone/gpt-4o"),
        Err(NoRoute::UnknownModel)
    );
}

#[test]
fn a_name_nobody_offers_is_unknown() {
    for model in [
        "",
        "/",
        "x",
        "openai/",
        "openai/x",
        "nobody/gpt-4o",
        "/gpt-4o",
        "GPT-4o",
    ] {
        assert_eq!(
            world().ask("search/k", model),
            Err(NoRoute::UnknownModel),
            "{model:?}"
        );
    }
}

#[test]
fn allow_models_is_tested_on_the_name_as_sent_and_first() {
    let world = world()
        .key("search/k", allowing_models(&["gpt-*", "chat"]))
        .rule(rule("search/any").models(&["claude", "chat"]).target(
            "t",
            "gateway/anthropic",
            "claude",
            1,
        ));
    assert!(world.ask("search/k", "gpt-4o").is_ok());
    assert!(world.ask("search/k", "chat").is_ok());
    for model in ["claude", "openai/gpt-4o", "unheard-of", "gpt"] {
        assert_eq!(
            world.ask("search/k", model),
            Err(NoRoute::ModelNotAllowed),
            "{model}"
        );
    }
}

#[test]
fn a_virtual_name_whose_rules_all_decline_is_no_rule_unless_someone_offers_it() {
    let declining = |model: &str| {
        rule("search/r")
            .models(&[model])
            .when("request.stream")
            .target("t", "gateway/openai", "gpt-4o", 1)
    };
    assert_eq!(
        world().rule(declining("chat")).ask("search/k", "chat"),
        Err(NoRoute::NoRule)
    );
    assert_eq!(
        world().rule(declining("chat")).ask("other/k", "chat"),
        Err(NoRoute::UnknownModel)
    );
    assert_eq!(
        world().rule(declining("gpt-*")).ask("search/k", "gpt-9"),
        Err(NoRoute::UnknownModel)
    );
    assert!(
        world()
            .rule(declining("gpt-4o"))
            .ask("search/k", "gpt-4o")
            .is_ok()
    );
}

#[test]
fn lists_the_names_a_key_may_send() {
    let world = world()
        .provider(
            "gateway/closed",
            only_from(&["gateway"], provider(&["hidden"])),
        )
        .rule(rule("search/r").models(&["chat", "gpt-*"]).target(
            "t",
            "gateway/openai",
            "gpt-4o",
            1,
        ))
        .rule(
            rule("other/r")
                .models(&["theirs"])
                .target("t", "gateway/openai", "gpt-4o", 1),
        )
        .key("search/few", allowing_models(&["c*"]))
        .key(
            "search/one",
            allowing(&[("gateway/openai", 1), ("gateway/anthropic", 0)]),
        );
    let table = world.table();
    let models = |key: &str| table.models(&world.caller(&table, key));
    assert_eq!(models("search/k"), ["chat", "claude", "gpt-4o", "shared"]);
    assert_eq!(models("search/few"), ["chat", "claude"]);
    assert_eq!(models("search/one"), ["chat", "gpt-4o", "shared"]);
    assert_eq!(
        models("gateway/k"),
        ["claude", "gpt-4o", "hidden", "shared"]
    );
}
