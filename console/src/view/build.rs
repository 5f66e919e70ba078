//! A rule that is being written: a form, and what would come of it.

use serde::{Deserialize, Serialize};

use super::apply::Offer;
use super::configuration::FindingView;

/// A rule as a form says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Form {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its order.
    pub priority: Option<u32>,
    /// `Namespace`, `Global`, `Team`, `VirtualKey` or `Organization`; empty: its namespace.
    pub scope: String,
    /// The name of the team, key or organization.
    pub scope_name: String,
    /// The namespace of the organization, or the one that a rule of the platform is for; empty: the rule's own.
    pub scope_namespace: String,
    /// The models that it is for.
    pub models: Vec<String>,
    /// Its condition; empty: none.
    pub when: String,
    /// How a target is chosen; empty: by weight.
    pub strategy: String,
    /// Where requests are sent.
    pub targets: Vec<FormTarget>,
    /// Where they go when these have failed.
    pub fallbacks: Vec<FormTarget>,
}

/// A target as a form says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FormTarget {
    /// Its name; empty: the provider's.
    pub name: String,
    /// The provider, `namespace/name` or a name in the rule's own namespace.
    pub provider: String,
    /// The model; empty: the name that the caller sent.
    pub model: String,
    /// Its weight; absent: 1.
    pub weight: Option<u32>,
    /// Of a fallback: the failures it is for.
    pub on: Vec<String>,
}

/// What comes of it. Nothing is written anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Built {
    /// The rule.
    pub yaml: String,
    /// The SHA-256 of that, in hexadecimal: who applies it says what they have seen.
    pub seen: String,
    /// Whether it can be written from here; `None`: nothing is.
    pub offer: Option<Offer>,
    /// The rule of this name that is in force now, where it comes from files that can be read.
    pub live: Option<String>,
    /// What the compiler says of it.
    pub findings: Vec<FindingView>,
    /// What it would change for the requests that have lately been.
    pub effect: Effect,
}

/// What a rule would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// How many requests were looked at.
    pub looked_at: usize,
    /// How many of them another rule would take.
    pub moved: usize,
    /// From which rule to which, and how many.
    pub moves: Vec<(String, String, usize)>,
    /// How many could not be judged: their key or model is no longer there.
    pub unjudged: usize,
}
