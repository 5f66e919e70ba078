//! What the compiler says of the objects.

use std::collections::BTreeMap;

use serde::Serialize;

/// The configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// How many objects there are of each kind.
    pub counts: BTreeMap<String, usize>,
    /// Those of which there is something to say.
    pub objects: Vec<ObjectView>,
}

/// An object of which there is something to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    /// Its kind.
    pub kind: String,
    /// `namespace/name`.
    pub name: String,
    /// The file it stands in.
    pub file: Option<String>,
    /// `this`, `previous` or `nothing`: which version of it is in force.
    pub in_force: String,
    /// Its own faults.
    pub faults: Vec<FindingView>,
    /// What it names and cannot have.
    pub unresolved: Vec<FindingView>,
    /// What is worth knowing.
    pub notes: Vec<FindingView>,
}

/// Something that is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    /// The field.
    pub path: String,
    /// The line.
    pub line: Option<u32>,
    /// Why, in one word.
    pub reason: String,
    /// What is wrong and how to mend it.
    pub message: String,
}
