//! The table of YAML: what is refused, what becomes a condition, what is accepted (`crds/tests/table/`, which its README explains).
//!
//! Test data, behind the feature `table`: the API's own tests, the compiler's and those against a real API server read the same cases
//! through here, so the three cannot drift apart. A file that does not follow the format is a [`TableError`] that names file and case.

mod edit;
mod read;

use serde_json::Value;

/// One case: an object, and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The file the case stands in, for messages.
    pub file: &'static str,
    /// What the case is about, unique in its file.
    pub name: String,
    /// Objects that are there besides [`world`].
    pub also: Vec<Value>,
    /// The object as it was, where the case is an update; it is accepted.
    pub before: Option<Value>,
    /// The object that is judged.
    pub object: Value,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The API server refuses it, by schema or CEL; where there is no API server, the compiler does: `Accepted=False`.
    Refused {
        /// The field that is named, as Kubernetes writes it: `spec.targets[1].weight`. A finding of the compiler may lie beneath it.
        field: String,
        /// The compiler's reason.
        reason: String,
        /// A piece of the API server's message.
        says: String,
    },
    /// The API server accepts it; a condition is False.
    Condition {
        /// The type of the condition: `Accepted` or `ResolvedRefs`.
        condition: String,
        /// The field that is named.
        field: String,
        /// The condition's reason.
        reason: String,
    },
    /// Nothing is wrong with it.
    Accepted,
}

/// A file of the table that does not follow the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("crds/tests/table/{file}: {message}")]
pub struct TableError {
    file: &'static str,
    message: String,
}

/// A file's name and text.
type File = (&'static str, &'static str);

macro_rules! file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/table/", $name)),
        )
    };
}

const WORLD: File = file!("world.yaml");
const FILES: &[File] = &[
    file!("provider.yaml"),
    file!("provider-connection.yaml"),
    file!("provider-endpoints.yaml"),
    file!("provider-types.yaml"),
    file!("provider-resilience.yaml"),
    file!("rule.yaml"),
    file!("rule-targets.yaml"),
    file!("rule-adaptive.yaml"),
    file!("rule-resilience.yaml"),
    file!("rule-constrain.yaml"),
    file!("rule-experiments.yaml"),
    file!("rule-logging.yaml"),
    file!("virtual-key.yaml"),
    file!("team.yaml"),
    file!("organization.yaml"),
    file!("limits-virtual-key.yaml"),
    file!("limits-team.yaml"),
    file!("limits-organization.yaml"),
    file!("limits-provider.yaml"),
];

/// The namespace of the gateway in the table; its name is `default`.
pub const GATEWAY_NAMESPACE: &str = "fairlead-system";

/// The objects that every case finds in place: Namespaces first, then Secrets, then our own kinds. Nothing is wrong with them.
///
/// # Errors
/// When `world.yaml` is not YAML.
pub fn world() -> Result<Vec<Value>, TableError> {
    read::objects(WORLD)
}

/// Every case of the table.
///
/// # Errors
/// When a file is not YAML or a case does not follow the format.
pub fn cases() -> Result<Vec<Case>, TableError> {
    let mut cases = Vec::new();
    for file in FILES {
        cases.extend(read::cases(*file)?);
    }
    Ok(cases)
}
