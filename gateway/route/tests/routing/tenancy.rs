//! A rule reaches no further than its namespace may. The compiler refuses these rules; the table does not rely on it.

use fairlead_route::{NoRoute, all_well};
use fairlead_snapshot::{Key, ObjectName, Scope};

use crate::world::{GATEWAY, World, key_of, name, nothing, provider_of_anything, rule};

fn scopes(namespace: &str) -> Vec<Scope> {
    vec![
        Scope::VirtualKey(ObjectName::new(namespace, "checkout")),
        Scope::Team(ObjectName::new(namespace, "core")),
        Scope::Organization {
            name: "acme".to_owned(),
            namespace: Some(namespace.to_owned()),
        },
        Scope::Namespace(namespace.to_owned()),
    ]
}

/// Whether a rule of a namespace with this scope takes a request of `search/checkout`.
fn takes(namespace: &str, scope: Scope, overrides: bool) -> bool {
    let mut rule = rule(&format!("{namespace}/r"))
        .scope(scope)
        .target("t", "gateway/any", "", 1);
    rule.0.overrides = overrides;
    let world = World::new()
        .provider("gateway/any", provider_of_anything())
        .key("search/checkout", key_of("core", Some("acme")))
        .rule(rule);
    match world.ask("search/checkout", "m") {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, NoRoute::UnknownModel);
            false
        }
    }
}

#[test]
fn a_tenants_rule_takes_requests_of_its_own_keys() {
    for scope in scopes("search") {
        assert!(takes("search", scope.clone(), false), "{scope:?}");
    }
}

#[test]
fn a_tenants_rule_never_takes_requests_of_anothers_keys() {
    let everywhere = Scope::Organization {
        name: "acme".to_owned(),
        namespace: None,
    };
    for scope in scopes("search")
        .into_iter()
        .chain([Scope::Global, everywhere])
    {
        assert!(!takes("attacker", scope.clone(), false), "{scope:?}");
    }
}

#[test]
fn a_tenants_rule_never_goes_before_others_by_override_or_reaches_all_by_global() {
    for scope in scopes("search") {
        assert!(!takes("search", scope.clone(), true), "{scope:?}");
    }
    assert!(!takes("search", Scope::Global, false));
    assert!(!takes(
        "search",
        Scope::Organization {
            name: "acme".to_owned(),
            namespace: None
        },
        false
    ));
}

#[test]
fn the_gateways_namespace_reaches_everyone() {
    let everywhere = Scope::Organization {
        name: "acme".to_owned(),
        namespace: None,
    };
    for scope in scopes("search")
        .into_iter()
        .chain([Scope::Global, everywhere])
    {
        assert!(
            takes(GATEWAY, scope.clone(), false) && takes(GATEWAY, scope.clone(), true),
            "{scope:?}"
        );
    }
}

#[test]
fn teams_and_keys_of_one_name_in_two_namespaces_are_different() {
    for scope in scopes("other") {
        assert!(!takes(GATEWAY, scope.clone(), false), "{scope:?}");
    }
}

#[test]
fn a_key_without_an_organization_is_in_none() {
    let scope = Scope::Organization {
        name: String::new(),
        namespace: None,
    };
    let world = World::new()
        .provider("gateway/any", provider_of_anything())
        .key(
            "search/k",
            Key {
                organization: None,
                ..key_of("core", None)
            },
        )
        .rule(
            rule("gateway/r")
                .scope(scope)
                .target("t", "gateway/any", "", 1),
        );
    let table = world.table();
    assert_eq!(
        table.plan(
            &world.caller(&table, "search/k"),
            "m",
            &nothing(),
            &all_well
        ),
        Err(NoRoute::UnknownModel)
    );
    assert_eq!(world.caller(&table, "search/k").name(), &name("search/k"));
}
