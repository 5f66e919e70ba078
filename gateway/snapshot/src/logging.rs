//! What is kept of the content of a rule's requests, as the gateway needs it.

use serde::{Deserialize, Serialize};

/// What is kept of the content of a rule's requests, as far as the installation lets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logging {
    /// How much.
    pub content: LoggedContent,
    /// What is masked in it beside what always is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<RedactPattern>,
}

/// How much is kept of the content of a request; what comes later is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoggedContent {
    /// What the caller has sent.
    Request,
    /// That, and what it was answered.
    Full,
}

/// What is masked before content is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedactPattern {
    /// What stands in its place, as `[redacted:NAME]`.
    pub name: String,
    /// A regular expression.
    pub pattern: String,
}
