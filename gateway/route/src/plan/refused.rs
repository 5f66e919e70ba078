//! Why a request has nowhere to go, in words that say how to mend it.

use std::sync::Arc;

use fairlead_snapshot::ObjectName;

/// Why a request has nowhere to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// `allow.models` of the key or of an owner of it does not list the name, or `deny.models` does.
    #[error(
        "this key may not use this model; ask for one that /v1/models lists, or have it added to spec.allow.models of the VirtualKey, and permitted by its Team and Organization"
    )]
    ModelNotAllowed,
    /// The key may use none of the providers that it would take.
    #[error(
        "this key may not use any provider of this model; have one added to spec.allow of the VirtualKey, permitted by its Team and Organization, or opened by spec.access of the LLMProvider"
    )]
    ProviderNotAllowed,
    /// Constraints leave none of the providers that it would take.
    #[error(
        "{} leaves no provider for this model; ask for one that it permits, or have the platform team change it or the labels of the providers in the gateway's namespace",
        listed(.constraints)
    )]
    Constrained {
        /// Those that hold for the request, by name.
        constraints: Vec<Arc<str>>,
    },
    /// Rules know the name, and all of them declined.
    #[error("no rule for this model takes this request; `explain` says why each one declined")]
    NoRule,
    /// None of the providers that the rule sends it to offers the model.
    #[error(
        "rule {rule} takes this model, and no provider that it names offers it; have it added to spec.models of the LLMProvider, or a model named in the rule's target"
    )]
    ModelNotOffered {
        /// The rule.
        rule: ObjectName,
    },
    /// Nobody knows the name.
    #[error("this model is not known here; ask for one that /v1/models lists")]
    UnknownModel,
    /// A rule gives the request a name that nobody knows.
    #[error(
        "rule {rule} gives this request the model name {model:?}, which is not known here; have spec.changes.model of the rule mended"
    )]
    UnknownAlias {
        /// The rule.
        rule: ObjectName,
        /// The name.
        model: String,
    },
    /// More rules continue than may hold for one request.
    #[error(
        "more than ten rules continue for this request, the last of them {rule}; have some of them put into one"
    )]
    TooManyRules {
        /// The one that was too many.
        rule: ObjectName,
    },
    /// Whether an Override rule applies cannot be told.
    #[error(
        "the condition of rule {rule} cannot be evaluated for this request; mend spec.match.when of the rule (has() asks whether a value is there)"
    )]
    ConditionError {
        /// The rule.
        rule: ObjectName,
    },
}

/// A request that has nowhere to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: NoRoute,
    /// The constraints that it was held to by then, by every name that it had had.
    pub constraints: Vec<Arc<str>>,
}

/// Constraints, as a sentence begins with them.
fn listed(constraints: &[Arc<str>]) -> String {
    match constraints {
        [only] => format!("the constraint {only}"),
        several => format!("what the constraints {} have in common", several.join(", ")),
    }
}

impl NoRoute {
    /// Whether a request is refused for what it must not do, and not for what is missing: then no other reading of it may be served.
    #[must_use]
    pub fn is_binding(&self) -> bool {
        matches!(
            self,
            Self::Constrained { .. }
                | Self::ConditionError { .. }
                | Self::TooManyRules { .. }
                | Self::ModelNotAllowed
        )
    }
}
