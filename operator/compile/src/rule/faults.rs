//! What is wrong with a rule by itself: contradictions, what its namespace may not ask for, and a condition that does not compile.

use fairlead_condition::Condition;
use fairlead_crds::v1alpha1::{Fallback, Precedence, RoutingRuleSpec, Scope, ScopeType};

use crate::adaptive;
use crate::amend;
use crate::durations;
use crate::finding::{Finding, Reason};
use crate::kinds::About;
use crate::path::Path;
use crate::resilience;
use crate::rule::{constrain, continues, logging, mirror, sticky};

pub(super) fn all(spec: &RoutingRuleSpec, about: &About<'_>) -> Vec<Finding> {
    let path = Path::of("spec");
    let mut faults = Vec::new();
    if spec.precedence == Some(Precedence::Override) && !about.is_gateway() {
        let message = format!(
            "Override is permitted only in the gateway's namespace, {}; remove the field",
            about.settings.gateway_namespace
        );
        faults.push(Finding::new(
            &path.field("precedence"),
            Reason::NotPermitted,
            message,
        ));
    }
    if let Some(scope) = &spec.scope {
        faults.extend(scope_faults(scope, about, &path.field("scope")));
    }
    if let Some(Err(error)) = spec
        .matches
        .as_ref()
        .and_then(|matches| matches.when.as_deref())
        .map(Condition::parse)
    {
        faults.push(Finding::new(
            &path.field("match").field("when"),
            Reason::ConditionInvalid,
            error.to_string(),
        ));
    }
    faults.extend(constrain::faults(spec, &path));
    if let Some(strategy) = &spec.strategy {
        faults.extend(adaptive::faults(strategy, &path.field("strategy")));
    }
    faults.extend(continues::faults(spec, &path));
    faults.extend(mirror::faults(spec, about, &path));
    faults.extend([sticky::faults(spec, &path), logging::faults(spec, &path)].concat());
    let targets = spec.targets.as_deref().unwrap_or_default();
    if !targets.is_empty() && targets.iter().all(|target| target.weight == Some(0)) {
        faults.push(Finding::new(
            &path.field("targets"),
            Reason::Invalid,
            "at least one target needs a weight above 0",
        ));
    }
    faults.extend(fallback_faults(spec, &path.field("fallbacks")));
    for (at, target) in targets.iter().enumerate() {
        let path = path.field("targets").index(at);
        let (parameters, headers) = (target.parameters.as_ref(), target.headers.as_ref());
        faults.extend(amend::faults(parameters, headers, &path));
    }
    for (at, target) in spec.fallbacks.iter().flatten().enumerate() {
        let path = path.field("fallbacks").index(at);
        let (parameters, headers) = (target.parameters.as_ref(), target.headers.as_ref());
        faults.extend(amend::faults(parameters, headers, &path));
    }
    faults.extend(durations::faults(
        spec.timeouts.as_ref(),
        &path.field("timeouts"),
    ));
    faults.extend(resilience::rule_faults(spec, &path));
    faults
}

fn scope_faults(scope: &Scope, about: &About<'_>, path: &Path) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, reason, message: String| {
        faults.push(Finding::new(&path.field(field), reason, message));
    };
    let gateway = &about.settings.gateway_namespace;
    if matches!(
        scope.kind,
        ScopeType::VirtualKey | ScopeType::Team | ScopeType::Organization
    ) != scope.name.is_some()
    {
        fault(
            "name",
            Reason::Invalid,
            "name goes with type VirtualKey, Team or Organization, and only with them".to_owned(),
        );
    }
    if scope.namespace.is_some()
        && matches!(scope.kind, ScopeType::Organization | ScopeType::Global)
    {
        fault(
            "namespace",
            Reason::Invalid,
            "namespace goes with type VirtualKey, Team or Namespace only".to_owned(),
        );
    }
    if scope.kind == ScopeType::Global && !about.is_gateway() {
        fault(
            "type",
            Reason::NotPermitted,
            format!(
                "Global is permitted only in the gateway's namespace, {gateway}; use Namespace"
            ),
        );
    }
    let foreign = scope
        .namespace
        .as_ref()
        .is_some_and(|namespace| namespace.as_str() != about.name.namespace);
    if foreign && !about.is_gateway() {
        fault(
            "namespace",
            Reason::NotPermitted,
            format!(
                "a rule is for keys of its own namespace; only rules of the gateway's namespace, {gateway}, may name another"
            ),
        );
    }
    faults
}

fn fallback_faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let fallbacks = spec.fallbacks.iter().flatten().enumerate();
    fallbacks
        .filter_map(|(at, fallback)| fallback_fault(spec, fallback, &path.index(at)))
        .collect()
}

fn fallback_fault(spec: &RoutingRuleSpec, fallback: &Fallback, path: &Path) -> Option<Finding> {
    if spec
        .targets
        .iter()
        .flatten()
        .any(|target| target.name == fallback.name)
    {
        return Some(Finding::new(
            &path.field("name"),
            Reason::Invalid,
            "a fallback has the name of a target; names are unique over both lists",
        ));
    }
    let empty = fallback
        .on_failure
        .as_ref()
        .is_some_and(|on| on.classes.is_none() && on.status_codes.is_none());
    empty.then(|| {
        Finding::new(
            &path.field("onFailure"),
            Reason::Invalid,
            "onFailure needs classes, statusCodes or both; leave it out to mean every failure",
        )
    })
}
