//! The rules of the configuration in force, in the order in which they are tried.

use std::collections::{BTreeMap, HashMap};

use fairlead_console::Viewer;
use fairlead_console::view::build::Form;
use fairlead_console::view::rule::{RuleView, TargetView};
use fairlead_route::Table;
use fairlead_snapshot::{
    Commit, Failover, Fallback, ObjectName, OnClientGone, OnUnsupported, Operator, Problem,
    Recovery, Rule, Scope, Selector, Snapshot, Strategy, Target,
};

/// Those that this viewer may see, each with its form, as far as its object is at hand.
#[must_use]
pub(crate) fn told(
    snapshot: &Snapshot,
    table: &Table,
    forms: &BTreeMap<ObjectName, Form>,
    viewer: &Viewer,
) -> Vec<RuleView> {
    let errors: HashMap<_, _> = table.condition_errors().collect();
    let seen = snapshot
        .rules
        .iter()
        .filter(|rule| viewer.rights.rules.sees(&rule.name.namespace));
    seen.map(|rule| RuleView {
        condition_errors: errors.get(&rule.name).copied().unwrap_or_default(),
        form: forms.get(&rule.name).cloned(),
        ..view(rule)
    })
    .collect()
}

fn view(rule: &Rule) -> RuleView {
    RuleView {
        name: rule.name.to_string(),
        overrides: rule.overrides,
        scope: scope(&rule.scope),
        priority: rule.priority,
        models: rule.models.iter().map(|model| model.0.clone()).collect(),
        when: rule.when.clone(),
        strategy: strategy(rule.strategy).to_owned(),
        constrains: rule.constrain.as_ref().map(selector),
        targets: rule.targets.iter().map(target).collect(),
        fallbacks: rule.fallbacks.iter().map(fallback).collect(),
        traits: traits(rule),
        condition_errors: 0,
        form: None,
    }
}

fn scope(scope: &Scope) -> String {
    match scope {
        Scope::VirtualKey(name) => format!("key {name}"),
        Scope::Team(name) => format!("team {name}"),
        Scope::Organization { name, .. } => format!("organization {name}"),
        Scope::Namespace(name) => format!("namespace {name}"),
        Scope::Global => "everybody".to_owned(),
    }
}

fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Weighted => "weighted",
        Strategy::RoundRobin => "round robin",
        Strategy::Priority => "priority",
        Strategy::LowestLatency => "lowest latency",
        Strategy::LowestCost => "lowest cost",
        Strategy::LeastBusy => "least busy",
        Strategy::Adaptive => "adaptive",
    }
}

/// A selector as `kubectl` writes one.
fn selector(selector: &Selector) -> String {
    let exact = selector
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let asked = selector.requirements.iter().map(|asked| {
        let (key, values) = (&asked.key, asked.values.join(", "));
        match asked.operator {
            Operator::In => format!("{key} in ({values})"),
            Operator::NotIn => format!("{key} notin ({values})"),
            Operator::Exists => key.clone(),
            Operator::DoesNotExist => format!("!{key}"),
        }
    });
    exact.chain(asked).collect::<Vec<_>>().join(", ")
}

fn target(target: &Target) -> TargetView {
    TargetView {
        name: target.name.clone(),
        provider: target.provider.to_string(),
        model: target.model.clone(),
        weight: target.weight,
        on: Vec::new(),
        problem: target.problem.map(problem).map(str::to_owned),
    }
}

fn fallback(fallback: &Fallback) -> TargetView {
    TargetView {
        on: fallback.on.as_ref().map(on).unwrap_or_default(),
        ..target(&fallback.target)
    }
}

/// The failures that a fallback is for.
pub(crate) fn on(on: &Failover) -> Vec<String> {
    let classes = on.classes.iter().map(|class| class.as_str().to_owned());
    classes
        .chain(on.status_codes.iter().map(u16::to_string))
        .collect()
}

/// Why a target cannot be tried.
pub(crate) fn problem(problem: Problem) -> &'static str {
    match problem {
        Problem::NotFound => "its provider does not exist",
        Problem::NotPermitted => "its provider does not admit the rule's namespace",
        Problem::ModelNotOffered => "its provider does not offer the model",
    }
}

/// What else a rule says.
fn traits(rule: &Rule) -> Vec<String> {
    let said = [
        (rule.hedge.is_some(), "a second attempt beside a silent one"),
        (rule.affinity.is_some(), "conversations stay together"),
        (
            rule.stream.recovery == Recovery::Continue,
            "broken streams go on elsewhere",
        ),
        (
            rule.stream.commit != Commit::default(),
            "streams are held until they are whole",
        ),
        (
            rule.stream.on_client_gone != OnClientGone::default(),
            "read to the end without the caller",
        ),
        (
            rule.on_unsupported == OnUnsupported::Drop,
            "what a target cannot be told is left out",
        ),
        (rule.max_cost.is_some(), "a cost is not passed"),
    ];
    let said = said.into_iter().filter(|(is, _)| *is);
    said.map(|(_, words)| words.to_owned()).collect()
}
