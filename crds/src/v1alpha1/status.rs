//! What the operator says about an object: the same shape on every kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// Condition: the object by itself is acceptable, and this version of it is in force.
pub const ACCEPTED: &str = "Accepted";
/// Condition: everything the object names exists and may be used by it.
pub const RESOLVED_REFS: &str = "ResolvedRefs";
/// Condition: every ready gateway replica enforces this version of the object, with all that it names.
pub const PROGRAMMED: &str = "Programmed";
/// Condition: the same as [`PROGRAMMED`], under the name that tools look for which know only what is usual (kstatus, and so Flux).
pub const READY: &str = "Ready";

/// What the operator says about an object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The generation of the spec that this status speaks of.
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Accepted, ResolvedRefs and Programmed.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Option<Vec<Condition>>,
}

/// What the operator says about an object that may have limits.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LimitedStatus {
    /// The generation of the spec that this status speaks of.
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Accepted, ResolvedRefs and Programmed.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Option<Vec<Condition>>,
    /// How its budgets and rate limits stand. Absent: it has none, or no gateway has said so yet.
    pub usage: Option<Usage>,
}

/// What the operator says about a virtual key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VirtualKeyStatus {
    /// The generation of the spec that this status speaks of.
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Accepted, ResolvedRefs and Programmed.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Option<Vec<Condition>>,
    /// Where the key is, and how to recognise it.
    pub key: Option<KeyStatus>,
    /// How its budgets and rate limits stand. Absent: it has none, or no gateway has said so yet.
    pub usage: Option<Usage>,
}

/// Where a key is, and how to recognise it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The last four characters; only for generated keys.
    #[schemars(length(max = 16))]
    pub hint: Option<String>,
    /// The Secret that holds the key.
    #[schemars(length(max = 253))]
    pub secret_name: Option<String>,
    /// When the value last took the place of another; only for generated keys.
    pub rotated_at: Option<Time>,
    /// The moment from which the value before the present one is refused. Absent: there is none that is known.
    pub previous_valid_until: Option<Time>,
}
