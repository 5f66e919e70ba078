//! What other parts refuse a request for, as refusals.

use std::sync::Arc;

use fairlead_route::NoRoute;
use fairlead_wire::json::JsonError;
use fairlead_wire::openai::request::RequestError;

use super::Rejection;

impl From<RequestError> for Rejection {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Json(JsonError::DuplicateKey { key }) => {
                Self::DuplicateKey(shorten(&key))
            }
            RequestError::Json(_)
            | RequestError::MissingModel
            | RequestError::EmptyModel
            | RequestError::WrongType { .. }
            | RequestError::Misspelt { .. } => Self::InvalidRequest(error.to_string()),
        }
    }
}

impl Rejection {
    /// What is told where nothing may be passed through.
    #[must_use]
    pub(crate) fn not_passed_through(reason: &NoRoute) -> Self {
        match reason {
            NoRoute::ConditionError { rule } => Self::RuleError(rule.to_string()),
            NoRoute::TooManyRules { rule } => Self::TooManyRules(rule.to_string()),
            NoRoute::Constrained { constraints } => {
                Self::PassThroughConstrained(listed(constraints))
            }
            NoRoute::ModelNotAllowed
            | NoRoute::ProviderNotAllowed
            | NoRoute::NoRule
            | NoRoute::UnknownModel
            | NoRoute::UnknownAlias { .. }
            | NoRoute::ModelNotOffered { .. } => Self::NotPassedThrough,
        }
    }

    /// What a request for `model` is told when there is no route.
    #[must_use]
    pub(crate) fn no_route(reason: NoRoute, model: &str) -> Self {
        let model = shorten(model);
        match reason {
            NoRoute::ModelNotAllowed => Self::ModelNotAllowed(model),
            NoRoute::ProviderNotAllowed => Self::ProviderNotAllowed(model),
            NoRoute::Constrained { constraints } => Self::Constrained(model, listed(&constraints)),
            NoRoute::NoRule => Self::NoRule(model),
            NoRoute::UnknownModel => Self::UnknownModel(model),
            NoRoute::ModelNotOffered { rule } => Self::ModelNotOffered(model, rule.to_string()),
            NoRoute::UnknownAlias { rule, model: alias } => {
                Self::UnknownAlias(model, rule.to_string(), alias)
            }
            NoRoute::TooManyRules { rule } => Self::TooManyRules(rule.to_string()),
            NoRoute::ConditionError { rule } => Self::RuleError(rule.to_string()),
        }
    }
}

/// Constraints, as a sentence begins with them. Their names are all that a tenant learns of them.
fn listed(constraints: &[Arc<str>]) -> String {
    match constraints {
        [only] => format!("the constraint {only}"),
        several => format!("what the constraints {} have in common", several.join(", ")),
    }
}

/// Callers' text is repeated to them only up to a length that cannot be abused.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
