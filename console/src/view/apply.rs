//! A rule that is to be written.

use serde::{Deserialize, Serialize};

use super::build::Form;

/// What is to be written: what was shown, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// The rule.
    pub form: Form,
    /// [`Built::seen`](super::build::Built::seen): the SHA-256 of the YAML that was shown, in hexadecimal.
    pub seen: String,
    /// The version of the object that it was made from; `None`: there was none.
    #[serde(default)]
    pub resource_version: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The rule, `namespace/name`.
    pub name: String,
    /// Whether it was not there before.
    pub created: bool,
    /// Its generation now.
    pub generation: Option<i64>,
    /// What the API server had to say.
    pub warnings: Vec<String>,
}
