//! What holds for every snapshot with constraints, and for what is written of it for gateways that know none.

use std::collections::BTreeSet;

use fairlead_route::{NoRoute, Plan, Table};
use fairlead_snapshot::{Key, ObjectName, Rule, Scope, Snapshot};
use proptest::prelude::*;

use crate::properties::{MODELS, NAMESPACES, a_key, a_world, conditions, plan, scope};
use crate::world::{GATEWAY, RuleBuilder, World, lines, name, rule};

const LABELS: [&str; 3] = ["region=eu", "tier=gold", "region=nowhere"];

fn a_constraint() -> impl Strategy<Value = RuleBuilder> {
    let models = prop::collection::vec(prop::sample::select(vec!["m", "n", "chat", "*"]), 0..2);
    let labels = prop::sample::select(&LABELS[..]);
    (
        scope(),
        models,
        conditions(),
        labels,
        prop::sample::select(&NAMESPACES[..]),
    )
        .prop_map(|(scope, models, when, labels, namespace)| {
            let mut made = rule(&format!("{namespace}/c"))
                .constraining(labels)
                .scope(scope)
                .models(&models);
            made.0.when = when.map(str::to_owned);
            made
        })
}

/// A world whose providers have labels, of which those of tenants are worth nothing, and constraints, of which the same is true.
fn a_constrained_world() -> impl Strategy<Value = World> {
    let labels = prop::collection::vec(
        prop::sample::select(vec!["", "region=eu", "tier=gold", "region=eu tier=gold"]),
        4,
    );
    (
        a_world(),
        labels,
        prop::collection::vec(a_constraint(), 1..4),
    )
        .prop_map(|(mut world, labels, constraints)| {
            for (provider, labels) in world.0.providers.values_mut().zip(labels) {
                provider.labels = crate::world::labelled(labels, provider.clone()).labels;
            }
            for (n, mut constraint) in constraints.into_iter().enumerate() {
                constraint.0.name.name = format!("c{n}");
                world = world.rule(constraint);
            }
            world
        })
}

/// Whether a constraint is for what a key sends, and what it can be told of it: no request here streams, and none has parameters.
fn holds(constraint: &Rule, key: &(&str, Key), model: &str) -> bool {
    let reaches = match &constraint.scope {
        Scope::VirtualKey(name) => *name == ObjectName::new(key.0, "k"),
        Scope::Team(team) => *team == ObjectName::new(key.0, "core"),
        Scope::Organization { namespace, .. } => namespace
            .as_deref()
            .is_none_or(|namespace| namespace == key.0),
        Scope::Namespace(namespace) => namespace == key.0,
        Scope::Global => true,
    };
    let behind = model.split_once('/').map_or(model, |(_, behind)| behind);
    let named = constraint.models.is_empty()
        || constraint
            .models
            .iter()
            .any(|pattern| pattern.matches(model) || pattern.matches(behind));
    let ours = constraint.name.namespace == GATEWAY;
    ours && reaches && named && constraint.when.as_deref() != Some("request.stream")
}

fn constraints(snapshot: &Snapshot) -> impl Iterator<Item = &Rule> {
    snapshot
        .rules
        .iter()
        .filter(|rule| rule.constrain.is_some())
}

/// Whether all that a plan would ask is what every constraint that holds picks.
fn is_within(
    snapshot: &Snapshot,
    table: &Table,
    plan: &Plan,
    key: &(&str, Key),
    model: &str,
) -> bool {
    let held: Vec<&Rule> = constraints(snapshot)
        .filter(|constraint| holds(constraint, key, model))
        .collect();
    plan.steps.iter().all(|step| {
        let Some(index) = step.provider else {
            return held.is_empty() || step.problem.is_some();
        };
        let (provider_name, _) = &table.providers()[index.0];
        // The labels of the world itself: who knows no constraints has none.
        let given = &snapshot.providers[provider_name].labels.given;
        held.iter().all(|constraint| {
            let picks = |selector: &fairlead_snapshot::Selector| {
                let mut wanted = selector.labels.iter();
                wanted.all(|(key, value)| given.get(key) == Some(value))
            };
            provider_name.namespace == GATEWAY && constraint.constrain.as_ref().is_some_and(picks)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_holds_a_provider_that_a_constraint_does_not_pick(world in a_constrained_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let table = world.table();
        if let Ok(plan) = plan(&table, &key, model) {
            prop_assert!(is_within(&world.0, &table, &plan, &key, model), "{:?}", lines(&table, &plan));
            let told: BTreeSet<String> = plan.constraints.iter().map(ToString::to_string).collect();
            let held = constraints(&world.0).filter(|constraint| holds(constraint, &key, model));
            prop_assert_eq!(told, held.map(|constraint| constraint.name.to_string()).collect());
        }
    }

    #[test]
    fn a_constraint_whose_condition_is_an_error_refuses_everything_that_it_may_be_for(world in a_constrained_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        let failing = |constraint: &Rule| {
            let errs = matches!(constraint.when.as_deref(), Some("request.params.n > 1" | "request."));
            errs && holds(constraint, &key, model)
        };
        if constraints(&world.0).any(failing) {
            let table = world.table();
            let told = plan(&table, &key, model);
            prop_assert!(matches!(told, Err(NoRoute::ConditionError { .. } | NoRoute::ModelNotAllowed)), "{:?}", told);
        }
    }

    #[test]
    fn who_is_not_constrained_gets_what_it_would_get_anyway(world in a_constrained_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        if constraints(&world.0).any(|constraint| holds(constraint, &key, model)) {
            return Ok(());
        }
        let mut without = world.clone();
        without.0.rules.retain(|rule| rule.constrain.is_none());
        prop_assert_eq!(plan(&world.table(), &key, model), plan(&without.table(), &key, model));
    }

    #[test]
    fn who_knows_no_constraints_serves_nobody_what_they_forbid(world in a_constrained_world(), key in a_key(), model in prop::sample::select(&MODELS[..])) {
        // As the compiler writes it: a world's snapshot says its own format.
        let Snapshot { providers, rules, keys, .. } = world.0.clone();
        let rules = rules.into_iter().filter(|rule| rule.constrain.is_none() || rule.name.namespace == GATEWAY).collect();
        let snapshot = Snapshot::new(GATEWAY, providers, rules, keys);
        let (before, _) = snapshot.readable_in(1);
        prop_assert!(constraints(&before).next().is_none());
        let table = Table::build(&before, None);
        if let Ok(plan) = plan(&table, &key, model) {
            prop_assert!(is_within(&snapshot, &table, &plan, &key, model), "{:?}", lines(&table, &plan));
        }
    }
}

#[test]
fn most_of_these_worlds_constrain_somebody() {
    // Else the properties would say nothing.
    let world = World::new()
        .provider("gateway/a", crate::world::provider(&["m"]))
        .rule(rule("gateway/c0").constraining("region=eu"));
    let constraint = &world.0.rules[0];
    assert!(holds(constraint, &("search", crate::world::key()), "m"));
    assert_eq!(constraint.name, name("gateway/c0"));
}
