//! A rule's references: the providers of its targets, and whom its scope names.
//!
//! A target that cannot be had stays in its rule, marked, and counts as a failed attempt: leaving it out would send its share elsewhere,
//! and a rule without it might match where it should not. The same function links new rules and last accepted versions.

use std::collections::BTreeMap;

use fairlead_snapshot::{Key, ObjectName, Problem, Provider, Rule, Scope, Target};

use crate::finding::{Finding, Reason};
use crate::owner::Owners;
use crate::path::Path;

/// What rules are linked to.
pub(crate) struct Linked<'a> {
    pub(crate) providers: &'a BTreeMap<ObjectName, Provider>,
    pub(crate) keys: &'a BTreeMap<ObjectName, Key>,
    pub(crate) owners: &'a Owners,
}

/// Marks the targets that cannot be tried, and says which references do not resolve.
pub(crate) fn link(rule: &mut Rule, to: &Linked<'_>) -> Vec<Finding> {
    let spec = Path::of("spec");
    let mut findings: Vec<Finding> = scope(&rule.scope, to, &spec.field("scope"))
        .into_iter()
        .collect();
    let targets = rule
        .targets
        .iter_mut()
        .enumerate()
        .map(|(at, target)| (spec.field("targets").index(at), target));
    let fallbacks = rule
        .fallbacks
        .iter_mut()
        .enumerate()
        .map(|(at, fallback)| (spec.field("fallbacks").index(at), &mut fallback.target));
    let mirrors = rule
        .mirrors
        .iter_mut()
        .enumerate()
        .map(|(at, mirror)| (spec.field("mirror").index(at), &mut mirror.target));
    for (path, target) in targets.chain(fallbacks).chain(mirrors) {
        target.problem = problem(target, &rule.name.namespace, to.providers);
        findings.extend(
            target
                .problem
                .map(|problem| told(problem, target, &rule.name.namespace, &path)),
        );
    }
    findings
}

fn problem(
    target: &Target,
    namespace: &str,
    providers: &BTreeMap<ObjectName, Provider>,
) -> Option<Problem> {
    let Some(provider) = providers.get(&target.provider) else {
        return Some(Problem::NotFound);
    };
    if !provider.access.permits(namespace) {
        return Some(Problem::NotPermitted);
    }
    let (Some(offered), Some(model)) = (&provider.models, &target.model) else {
        return None;
    };
    (!offered.iter().any(|offered| &offered.name == model)).then_some(Problem::ModelNotOffered)
}

fn told(problem: Problem, target: &Target, namespace: &str, path: &Path) -> Finding {
    let provider = &target.provider;
    match problem {
        Problem::NotFound => Finding::new(
            &path.field("providerRef"),
            Reason::ProviderNotFound,
            not_found(provider),
        ),
        Problem::NotPermitted => Finding::new(
            &path.field("providerRef"),
            Reason::NotPermitted,
            not_permitted(provider, namespace),
        ),
        Problem::ModelNotOffered => {
            let model = target.model.as_deref().unwrap_or_default();
            let message = format!(
                "the LLMProvider {provider} does not offer the model {model:?}; name one of its models, or add this one to them"
            );
            Finding::new(&path.field("model"), Reason::ModelNotOffered, message)
        }
    }
}

/// A provider that is not there.
pub(crate) fn not_found(provider: &ObjectName) -> String {
    format!("there is no accepted LLMProvider {provider}")
}

/// A provider that is there, but not for this namespace.
pub(crate) fn not_permitted(provider: &ObjectName, namespace: &str) -> String {
    format!(
        "the LLMProvider {provider} does not admit the namespace {namespace}; its owner can, with spec.access"
    )
}

fn scope(scope: &Scope, to: &Linked<'_>, path: &Path) -> Option<Finding> {
    let (missing, reason, what) = match scope {
        Scope::VirtualKey(name) => (
            !to.keys.contains_key(name),
            Reason::VirtualKeyNotFound,
            format!("VirtualKey {name}"),
        ),
        Scope::Team(name) => (
            to.owners.team(name).is_none(),
            Reason::TeamNotFound,
            format!("Team {name}"),
        ),
        Scope::Organization { name, .. } => (
            !to.owners.has_organization(name),
            Reason::OrganizationNotFound,
            format!("Organization {name}"),
        ),
        Scope::Namespace(_) | Scope::Global => return None,
    };
    missing.then(|| {
        Finding::new(
            &path.field("name"),
            reason,
            format!("there is no accepted {what}; until there is, the rule is for nobody"),
        )
    })
}
