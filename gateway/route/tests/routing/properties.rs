//! What holds for every snapshot and request, whatever the compiler let through.

use std::collections::HashSet;

use fairlead_route::{NoRoute, Plan, Table, all_well};
use fairlead_snapshot::{Key, ObjectName, Problem, Scope, Strategy as Spread};
use proptest::prelude::*;

use crate::world::{
    GATEWAY, RuleBuilder, World, allowing, asked, key_of, lines, name, only_from, patterns,
    provider, provider_of_anything, rule,
};

pub(crate) const NAMESPACES: [&str; 3] = [GATEWAY, "search", "other"];
pub(crate) const PROVIDERS: [&str; 5] = [
    "gateway/a",
    "gateway/b",
    "search/a",
    "other/c",
    "gateway/gone",
];
pub(crate) const MODELS: [&str; 6] = ["m", "n", "chat", "a/m", "c/m", "gone"];

pub(crate) fn scope() -> impl Strategy<Value = Scope> {
    let namespace = prop::sample::select(&NAMESPACES[..]);
    prop_oneof![
        namespace
            .clone()
            .prop_map(|namespace| Scope::VirtualKey(ObjectName::new(namespace, "k"))),
        namespace
            .clone()
            .prop_map(|namespace| Scope::Team(ObjectName::new(namespace, "core"))),
        prop::option::of(namespace.clone()).prop_map(|namespace| Scope::Organization {
            name: "acme".to_owned(),
            namespace: namespace.map(str::to_owned)
        }),
        namespace.prop_map(|namespace| Scope::Namespace(namespace.to_owned())),
        Just(Scope::Global),
    ]
}

pub(crate) fn conditions() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        None,
        Some("request.stream"),
        Some("!request.stream"),
        Some("request.params.n > 1"),
        Some("request."),
    ])
}

fn a_rule() -> impl Strategy<Value = RuleBuilder> {
    let head = (
        prop::sample::select(&NAMESPACES[..]),
        any::<bool>(),
        scope(),
        0_u32..3,
    );
    let matching = (
        prop::collection::vec(
            prop::sample::select(vec!["m", "chat", "c*", "*", "a/m"]),
            0..3,
        ),
        conditions(),
    );
    let spread = prop::sample::select(vec![Spread::Weighted, Spread::RoundRobin, Spread::Priority]);
    let target = (
        prop::sample::select(&PROVIDERS[..]),
        prop::sample::select(vec!["", "m", "n"]),
        prop::sample::select(vec![0_u32, 1, 70]),
    );
    (
        head,
        matching,
        spread,
        prop::collection::vec(target.clone(), 1..5),
        prop::collection::vec(target, 0..3),
    )
        .prop_map(
            |(
                (namespace, overrides, scope, priority),
                (models, when),
                spread,
                targets,
                fallbacks,
            )| {
                let mut made = rule(&format!("{namespace}/r"))
                    .scope(scope)
                    .priority(priority)
                    .models(&models)
                    .strategy(spread);
                made.0.overrides = overrides;
                made.0.when = when.map(str::to_owned);
                for (n, (provider, model, weight)) in targets.into_iter().enumerate() {
                    made = made.target(&format!("t{n}"), provider, model, weight);
                }
                for (n, (provider, model, _)) in fallbacks.into_iter().enumerate() {
                    made = made.fallback(&format!("f{n}"), provider, model, &[]);
                }
                made
            },
        )
}

pub(crate) fn a_key() -> impl Strategy<Value = (&'static str, Key)> {
    let listed = (
        prop::sample::select(&PROVIDERS[..]),
        prop::sample::select(vec![0_u32, 1, 5]),
    );
    let allowed = (
        prop::option::of(prop::collection::vec(listed, 1..4)),
        prop::option::of(prop::sample::select(vec!["m", "c*", "*"])),
    );
    (prop::sample::select(&NAMESPACES[..]), allowed).prop_map(|(namespace, (providers, models))| {
        let mut key = key_of("core", Some("acme"));
        key.allow.providers = providers.and_then(|list| allowing(&list).allow.providers);
        key.allow.models = models.map(|model| patterns(&[model]));
        (namespace, key)
    })
}

pub(crate) fn a_world() -> impl Strategy<Value = World> {
    prop::collection::vec(a_rule(), 0..8).prop_map(|rules| {
        let world = World::new()
            .provider("gateway/a", provider(&["m", "n"]))
            .provider("gateway/b", provider_of_anything())
            .provider("search/a", only_from(&["search"], provider(&["m"])))
            .provider(
                "other/c",
                only_from(&["other", "search"], provider(&["m", "a/m"])),
            );
        rules
            .into_iter()
            .enumerate()
            .fold(world, |world, (n, mut rule)| {
                rule.0.name.name = format!("r{n}");
                world.rule(rule)
            })
    })
}

/// What the key `k` of a namespace gets.
pub(crate) fn plan(
    table: &Table,
    (namespace, key): &(&str, Key),
    model: &str,
) -> Result<Plan, NoRoute> {
    let caller = table.caller(&ObjectName::new(*namespace, "k"), key);
    table.plan(&caller, model, &asked(model, &[]), &all_well)
}

/// A key's namespace may name the provider, or a rule did.
fn permitted(table: &Table, key: &(&str, Key), plan: &Plan) -> bool {
    plan.steps.iter().all(|step| {
        let Some((provider_name, provider)) =
            step.provider.map(|index| &table.providers()[index.0])
        else {
            return matches!(
                step.problem,
                Some(Problem::NotFound | Problem::NotPermitted)
            );
        };
        let listed = key.1.allow.providers.as_ref().is_none_or(|list| {
            list.iter()
                .any(|allowed| allowed.provider == *provider_name)
        });
        listed && (plan.rule.is_some() || provider.access.permits(key.0))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_same_snapshot_and_request_give_the_same_plan(world in a_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let (one, two) = (world.table(), world.table());
        prop_assert_eq!(plan(&one, &key, model), plan(&two, &key, model));
    }

    #[test]
    fn no_plan_holds_a_provider_that_the_key_may_not_use(world in a_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let table = world.table();
        if let Ok(plan) = plan(&table, &key, model) {
            prop_assert!(permitted(&table, &key, &plan), "{:?}", lines(&table, &plan));
        }
    }

    #[test]
    fn no_plan_is_empty_repeats_a_target_or_tries_one_of_weight_0(world in a_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let table = world.table();
        for _ in 0..20 {
            let Ok(plan) = plan(&table, &key, model) else { break };
            let names: HashSet<&str> = plan.steps.iter().map(|step| &*step.target).collect();
            prop_assert!(!plan.steps.is_empty() && names.len() == plan.steps.len(), "{:?}", lines(&table, &plan));
            let Some(head) = &plan.rule else { continue };
            let rule = world.0.rules.iter().find(|rule| rule.name == head.name).unwrap();
            let off = rule.targets.iter().filter(|target| target.weight == 0).any(|target| names.contains(target.name.as_str()));
            prop_assert!(!off, "{:?}", lines(&table, &plan));
        }
    }

    #[test]
    fn the_rule_that_takes_a_request_is_the_first_that_may_in_the_snapshots_order(world in a_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let table = world.table();
        let own = ObjectName::new(key.0, "k");
        let takes = |rule: &fairlead_snapshot::Rule| {
            let reaches = match &rule.scope {
                Scope::VirtualKey(name) => *name == own,
                Scope::Team(team) => *team == ObjectName::new(key.0, "core"),
                Scope::Organization { namespace, .. } => namespace.as_deref().is_none_or(|namespace| namespace == key.0),
                Scope::Namespace(namespace) => namespace == key.0,
                Scope::Global => true,
            };
            let within = match &rule.scope {
                _ if rule.name.namespace == GATEWAY => true,
                Scope::Global | Scope::Organization { namespace: None, .. } => false,
                Scope::VirtualKey(_) | Scope::Team(_) | Scope::Organization { .. } | Scope::Namespace(_) => !rule.overrides && rule.name.namespace == key.0,
            };
            let named = rule.models.is_empty() || rule.models.iter().any(|pattern| pattern.matches(model));
            reaches && within && named && matches!(rule.when.as_deref(), None | Some("!request.stream"))
        };
        let expected = world.0.rules.iter().find(|rule| takes(rule)).map(|rule| &rule.name);
        match plan(&table, &key, model) {
            Ok(plan) => prop_assert_eq!(plan.rule.as_ref().map(|head| &head.name), expected),
            Err(NoRoute::ModelNotOffered { rule }) => prop_assert_eq!(Some(&rule), expected),
            Err(NoRoute::ModelNotAllowed | NoRoute::ConditionError { .. } | NoRoute::ProviderNotAllowed) => {}
            Err(NoRoute::NoRule | NoRoute::UnknownModel) => prop_assert_eq!(None, expected),
            Err(NoRoute::Constrained { .. }) => prop_assert!(false, "nothing constrains"),
            Err(NoRoute::UnknownAlias { .. } | NoRoute::TooManyRules { .. }) => prop_assert!(false, "nothing continues"),
        }
    }

    #[test]
    fn explain_agrees_with_plan(world in a_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let table = world.table();
        let caller = table.caller(&name(&format!("{}/k", key.0)), &key.1);
        let made = asked(model, &[]);
        let explanation = table.explain(&caller, model, &made);
        prop_assert_eq!(explanation.rules.len(), world.0.rules.len());
        prop_assert_eq!(explanation.outcome, table.plan(&caller, model, &made, &all_well));
    }
}
