//! A rule that is written from here, as the viewer.

use serde::{Deserialize, Serialize};

use super::build::Form;

/// Whether a rule that was built can be written from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Whether it is only tried: the API server checks all of it, and stores nothing.
    pub dry_run: bool,
    /// The version of the object that is there now; `None`: there is none.
    pub version: Option<String>,
    /// Why it cannot; `None`: it can, as far as that is known before the API server is asked.
    pub why_not: Option<String>,
}

/// What is to be written: what was shown, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// The rule.
    pub form: Form,
    /// [`Built::seen`](super::build::Built::seen): the SHA-256 of the YAML that was shown, in hexadecimal.
    pub seen: String,
    /// [`Offer::version`]: what it was made from; `None`: there was none.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether it is only to be tried.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The rule, `namespace/name`.
    pub name: String,
    /// Whether it was not there before.
    pub created: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Its generation now; of one that was only tried, the one that it would have.
    pub generation: i64,
    /// What the API server had to say.
    pub warnings: Vec<String>,
    /// What to tell of it.
    pub words: String,
    /// Whether more is to be told in a while: see [`Awaited`].
    pub waits: bool,
}

/// A rule that was written, of which somebody wants to know whether gateways have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Awaited {
    /// [`Applied::name`].
    pub name: String,
    /// [`Applied::generation`].
    pub generation: i64,
}
