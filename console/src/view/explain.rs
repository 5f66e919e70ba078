//! Why a request would go where it would go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::key::LimitView;

/// A request that is thought of.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// Whose it is, `namespace/name`.
    pub key: String,
    /// What is asked for, as a path says it below `/v1`; absent: `chat/completions`.
    #[serde(default)]
    pub operation: Option<String>,
    /// Headers, their names in any case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; `model` is needed.
    pub body: Map<String, Value>,
}

/// What would become of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Every rule, in the order in which they are tried.
    pub rules: Vec<ConsideredView>,
    /// The rule that takes it; `None`: none does.
    pub taken: Option<String>,
    /// What puts the first target there.
    pub chosen_by: Option<String>,
    /// What would be tried, in order.
    pub steps: Vec<StepView>,
    /// Why it would be refused.
    pub refused: Option<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// The limits that it has to keep, as they stand.
    pub limits: Vec<LimitView>,
}

/// What a rule says to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsideredView {
    /// `namespace/name`.
    pub rule: String,
    /// `matched`, `constrains`, `outranked`, `no` or `error`.
    pub verdict: String,
    /// The same in words.
    pub words: String,
}

/// An attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// The target's name.
    pub target: String,
    /// The provider, `namespace/name`; `None`: there is none.
    pub provider: Option<String>,
    /// The model's name at the provider.
    pub model: String,
    /// Whether it is a fallback.
    pub fallback: bool,
    /// For which failures; empty: those that fall back by themselves.
    pub on: Vec<String>,
    /// Why it cannot be tried, or would be passed over.
    pub problem: Option<String>,
    /// The state of its breaker just now.
    pub breaker: Option<String>,
}
