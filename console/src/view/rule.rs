//! A rule as it is enforced.

use serde::Serialize;

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// `namespace/name`.
    pub name: String,
    /// Whether it goes before every Default rule.
    pub overrides: bool,
    /// Whose requests it is for, in words: `key search/checkout`.
    pub scope: String,
    /// Its order within the scope.
    pub priority: u32,
    /// The models that it is for; empty: any.
    pub models: Vec<String>,
    /// Its condition.
    pub when: Option<String>,
    /// How one of its targets is chosen.
    pub strategy: String,
    /// Whether it constrains, and chooses nothing.
    pub constrains: Option<String>,
    /// Where it sends requests.
    pub targets: Vec<TargetView>,
    /// Where they go when these have failed.
    pub fallbacks: Vec<TargetView>,
    /// What else it says: hedge, affinity, stream.
    pub traits: Vec<String>,
    /// How often its condition could not be evaluated.
    pub condition_errors: u64,
    /// The same rule as the builder's form says it; `None`: its object is not at hand.
    pub form: Option<super::build::Form>,
}

/// A target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// The provider, `namespace/name`.
    pub provider: String,
    /// The model to ask for; `None`: the name that the caller sent.
    pub model: Option<String>,
    /// Its weight.
    pub weight: u32,
    /// For which failures it is there; empty: those that fall back by themselves.
    pub on: Vec<String>,
    /// Why it cannot be tried.
    pub problem: Option<String>,
}
