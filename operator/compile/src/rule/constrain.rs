//! `constrain`: a rule that chooses nothing and narrows what may be asked.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{Precedence, RoutingRule, RoutingRuleSpec};
use fairlead_snapshot::{ObjectName, Provider, Rule};

use crate::finding::{Finding, Reason};
use crate::object::Object;
use crate::path::Path;
use crate::selector;

/// What CEL refuses, said again for those without an API server.
pub(super) fn faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let targets = path.field("targets");
    let Some(constrain) = &spec.constrain else {
        let needs_targets = spec.targets.is_none() && spec.continues != Some(true);
        let nothing = needs_targets.then(|| {
            Finding::new(
                &targets,
                Reason::Required,
                "is required; a rule needs targets, or constrain or continue instead of them",
            )
        });
        return nothing.into_iter().collect();
    };
    let path = path.field("constrain");
    let mut faults = selector::provider_faults(
        &constrain.provider_selector,
        &path.field("providerSelector"),
    );
    let mut fault = |path: &Path, message: &str| {
        faults.push(Finding::new(path, Reason::Invalid, message));
    };
    if spec.targets.is_some() {
        fault(
            &targets,
            "a rule that constrains chooses nothing; remove the targets, or put constrain into a rule of its own",
        );
    }
    if spec.precedence != Some(Precedence::Override) {
        fault(&path, "constrain goes with precedence: Override only");
    }
    let when = spec
        .matches
        .as_ref()
        .and_then(|matches| matches.when.as_deref());
    if when.is_some_and(|when| when.contains("costUsd")) {
        fault(
            &Path::of("spec").field("match").field("when"),
            "what a request costs depends on who is asked, which a constraint decides; go by request.estimate.inputTokens instead of costUsd",
        );
    }
    if chooses(spec) {
        fault(
            &path,
            "a rule that constrains chooses nothing and has no order among others: only precedence, scope and match go with constrain",
        );
    }
    faults
}

/// Says of each constraint that no provider satisfies that it refuses all that it matches. The providers have their labels.
pub(crate) fn look_up(
    objects: &mut [Object<'_, RoutingRule>],
    rules: &[Rule],
    providers: &BTreeMap<ObjectName, Provider>,
    gateway: &str,
) {
    let refuses = |rule: &&Rule| {
        let picks = |(name, provider): (&ObjectName, &Provider)| {
            let selector = rule.constrain.as_ref();
            selector.is_none_or(|selector| {
                selector.picks(&rule.name.namespace, gateway, name, provider)
            })
        };
        rule.constrain.is_some() && !providers.iter().any(picks)
    };
    let refusing: Vec<&Rule> = rules.iter().filter(refuses).collect();
    for object in objects {
        if refusing.iter().any(|rule| rule.name == object.name) {
            let message = format!(
                "no accepted LLMProvider of the gateway's namespace, {gateway}, has these labels; until one has, every request that the rule matches is refused"
            );
            let path = Path::of("spec")
                .field("constrain")
                .field("providerSelector");
            object.also(vec![Finding::new(&path, Reason::ProviderNotFound, message)]);
        }
    }
}

/// Whether it says anything of how a target is chosen or asked.
fn chooses(spec: &RoutingRuleSpec) -> bool {
    spec.priority.is_some()
        || spec.strategy.is_some()
        || spec.fallbacks.is_some()
        || spec.timeouts.is_some()
        || spec.retries.is_some()
        || spec.stream.is_some()
        || spec.hedge.is_some()
        || spec.affinity.is_some()
        || spec.on_unsupported.is_some()
        || spec.max_cost_per_request.is_some()
        || spec.mirror.is_some()
}
