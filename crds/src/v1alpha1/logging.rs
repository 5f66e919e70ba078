//! `logging` of RoutingRule: what is kept of the content of requests.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Label;

/// What is kept of the content of a rule's requests: for hours, to be read by whoever has a right of its own, and each reading is audited.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// How much. Absent: None.
    pub content: Option<LoggedContent>,
    /// What is masked in it, beside keys, tokens, private keys, addresses of e-mail and numbers of cards and accounts, which always are.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub redact: Option<Vec<RedactPattern>>,
}

/// How much is kept of the content of a request.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedContent {
    /// Nothing.
    None,
    /// What the caller has sent.
    Request,
    /// What the caller has sent, and what it was answered.
    Full,
}

/// What is masked in content before it is kept.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RedactPattern {
    /// The pattern's name, unique in its rule. What it finds becomes [redacted:NAME].
    pub name: Label,
    /// A regular expression, in the syntax of Rust's regex: without look-around and backreferences. 256 bytes at most.
    #[schemars(length(min = 1, max = 256))]
    pub pattern: String,
}
