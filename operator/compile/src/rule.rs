//! RoutingRule -> [`Rule`], before anything it names is looked at.

pub(crate) mod constrain;
mod continues;
mod faults;
mod link;
mod logging;
mod mirror;
mod sticky;

use fairlead_crds::text::Usd;
use fairlead_crds::v1alpha1::{
    Failover as FailoverSpec, FailureClass as ClassSpec, Fallback as FallbackSpec,
    OnUnsupported as OnUnsupportedSpec, Precedence, ProviderReference, RoutingRule,
    RoutingRuleSpec, Scope as ScopeSpec, ScopeType, StrategyType, Target as TargetSpec,
};
use fairlead_snapshot::{
    Failover, FailureClass, Fallback, ModelPattern, ObjectName, OnUnsupported, Rule, Scope,
    Strategy, Target,
};

use crate::adaptive;
use crate::amend;
use crate::durations;
use crate::finding::Finding;
use crate::inputs::Settings;
use crate::kinds::{About, Kind};
use crate::resilience;
use crate::selector;

pub(crate) use continues::Aliases;
pub(crate) use link::{Linked, link, not_found, not_permitted};

impl Kind for RoutingRule {
    const NAME: &'static str = "RoutingRule";
    type Spec = RoutingRuleSpec;

    fn faults(spec: &RoutingRuleSpec, about: &About<'_>) -> Vec<Finding> {
        faults::all(spec, about)
    }
}

/// A rule with names resolved and defaults filled in; its targets are still to be linked.
pub(crate) fn build(
    name: &ObjectName,
    created: Option<i64>,
    spec: &RoutingRuleSpec,
    settings: &Settings,
) -> Rule {
    let own = name.namespace.as_str();
    let matches = spec.matches.clone().unwrap_or_default();
    Rule {
        name: name.clone(),
        overrides: spec.precedence == Some(Precedence::Override),
        scope: scope(own, spec.scope.as_ref(), settings),
        priority: spec.priority.unwrap_or(0),
        created,
        models: matches
            .models
            .unwrap_or_default()
            .iter()
            .map(|pattern| ModelPattern(pattern.to_string()))
            .collect(),
        when: matches.when,
        strategy: strategy(
            spec.strategy
                .as_ref()
                .map_or(StrategyType::Weighted, |strategy| strategy.kind),
        ),
        adaptive: adaptive::build(spec.strategy.as_ref()),
        targets: spec
            .targets
            .iter()
            .flatten()
            .map(|target| build_target(own, target))
            .collect(),
        fallbacks: spec
            .fallbacks
            .iter()
            .flatten()
            .map(|fallback| build_fallback(own, fallback))
            .collect(),
        timeouts: durations::given(spec.timeouts.as_ref()),
        retries: resilience::retry_overrides(spec.retries.as_ref()),
        stream: resilience::streams(spec.stream.as_ref()),
        hedge: spec.hedge.as_ref().map(resilience::hedge),
        affinity: spec.affinity.as_ref().map(resilience::affinity),
        on_unsupported: on_unsupported(spec.on_unsupported),
        constrain: spec
            .constrain
            .as_ref()
            .map(|constrain| selector::build(&constrain.provider_selector)),
        max_cost: spec.max_cost_per_request.as_ref().map(Usd::to_nanos),
        sticky: spec
            .strategy
            .as_ref()
            .and_then(|strategy| sticky::build(strategy.sticky.as_ref()?)),
        mirrors: spec
            .mirror
            .iter()
            .flatten()
            .map(|mirror| mirror::build(own, mirror, settings))
            .collect(),
        continues: spec.continues == Some(true),
        changes: continues::changes(spec.changes.as_ref()),
        said_defaults: continues::said_defaults(spec),
        logging: logging::build(spec.logging.as_ref()),
    }
}

/// Names resolve in the namespace of the object that says them; an organization's keys are meant as far as the rule's namespace reaches.
fn scope(own: &str, scope: Option<&ScopeSpec>, settings: &Settings) -> Scope {
    let Some(scope) = scope else {
        return Scope::Namespace(own.to_owned());
    };
    let namespace = scope
        .namespace
        .as_ref()
        .map_or(own, |namespace| namespace.as_str());
    let name = scope.name.as_ref().map_or("", |name| name.as_str());
    match scope.kind {
        ScopeType::VirtualKey => Scope::VirtualKey(ObjectName::new(namespace, name)),
        ScopeType::Team => Scope::Team(ObjectName::new(namespace, name)),
        ScopeType::Organization => Scope::Organization {
            name: name.to_owned(),
            namespace: (!settings.is_gateway(own)).then(|| own.to_owned()),
        },
        ScopeType::Namespace => Scope::Namespace(namespace.to_owned()),
        ScopeType::Global => Scope::Global,
    }
}

fn build_target(own: &str, spec: &TargetSpec) -> Target {
    Target {
        name: spec.name.to_string(),
        provider: resolve(own, &spec.provider_ref),
        model: spec.model.as_ref().map(ToString::to_string),
        weight: spec.weight.unwrap_or(1),
        problem: None,
        parameters: amend::parameters(spec.parameters.as_ref()),
        headers: amend::headers(spec.headers.as_ref()),
    }
}

fn build_fallback(own: &str, spec: &FallbackSpec) -> Fallback {
    let target = Target {
        name: spec.name.to_string(),
        provider: resolve(own, &spec.provider_ref),
        model: spec.model.as_ref().map(ToString::to_string),
        weight: 1,
        problem: None,
        parameters: amend::parameters(spec.parameters.as_ref()),
        headers: amend::headers(spec.headers.as_ref()),
    };
    Fallback {
        target,
        on: spec.on_failure.as_ref().map(failover),
    }
}

fn resolve(own: &str, reference: &ProviderReference) -> ObjectName {
    ObjectName::new(
        reference
            .namespace
            .as_ref()
            .map_or(own, |namespace| namespace.as_str()),
        reference.name.as_str(),
    )
}

fn failover(spec: &FailoverSpec) -> Failover {
    Failover {
        classes: spec.classes.iter().flatten().copied().map(class).collect(),
        status_codes: spec.status_codes.clone().unwrap_or_default(),
    }
}

fn on_unsupported(given: Option<OnUnsupportedSpec>) -> OnUnsupported {
    match given {
        None | Some(OnUnsupportedSpec::Refuse) => OnUnsupported::Refuse,
        Some(OnUnsupportedSpec::Drop) => OnUnsupported::Drop,
    }
}

fn strategy(kind: StrategyType) -> Strategy {
    match kind {
        StrategyType::Weighted => Strategy::Weighted,
        StrategyType::RoundRobin => Strategy::RoundRobin,
        StrategyType::Priority => Strategy::Priority,
        StrategyType::LowestLatency => Strategy::LowestLatency,
        StrategyType::LowestCost => Strategy::LowestCost,
        StrategyType::LeastBusy => Strategy::LeastBusy,
        StrategyType::Adaptive => Strategy::Adaptive,
    }
}

fn class(class: ClassSpec) -> FailureClass {
    match class {
        ClassSpec::Connect => FailureClass::Connect,
        ClassSpec::Reset => FailureClass::Reset,
        ClassSpec::FirstTokenTimeout => FailureClass::FirstTokenTimeout,
        ClassSpec::IdleTimeout => FailureClass::IdleTimeout,
        ClassSpec::RateLimited => FailureClass::RateLimited,
        ClassSpec::Overloaded => FailureClass::Overloaded,
        ClassSpec::ServerError => FailureClass::ServerError,
        ClassSpec::ProtocolError => FailureClass::ProtocolError,
        ClassSpec::BadCredential => FailureClass::BadCredential,
        ClassSpec::ContextTooLong => FailureClass::ContextTooLong,
        ClassSpec::ContentFiltered => FailureClass::ContentFiltered,
        ClassSpec::Unavailable => FailureClass::Unavailable,
    }
}
