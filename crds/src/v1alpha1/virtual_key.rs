//! VirtualKey: a caller with its limits.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allow::{Allow, Deny};
use super::limits::{Budget, InFlightLimit, RateLimit};
use super::provider::SecretReference;
use super::status::VirtualKeyStatus;
use crate::text::Label;

/// A caller: the key it presents, whom it belongs to, and what it may use.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "VirtualKey",
    namespaced,
    status = "VirtualKeyStatus",
    shortname = "vk",
    category = "fairlead",
    derive = "PartialEq",
    doc = "A caller: the key it presents, whom it belongs to, and what it may use.",
    printcolumn(name = "Team", type_ = "string", json_path = ".spec.teamRef.name"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspended"),
    printcolumn(name = "Key", type_ = "string", json_path = ".status.key.hint"),
    printcolumn(name = "Used%", type_ = "integer", json_path = ".status.usage.tightest.usedPercent"),
    printcolumn(name = "Resets", type_ = "string", json_path = ".status.usage.tightest.resetsAt"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt", priority = 1),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.usage.tightest.limit", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct VirtualKeySpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The team it belongs to, in the same namespace. Absent: none.
    pub team_ref: Option<OwnerReference>,
    /// Where the key's value comes from.
    pub key: KeySource,
    /// A suspended key is refused until this is taken back. Absent: false.
    pub suspended: Option<bool>,
    /// The moment from which the key is refused (RFC 3339), by the gateway's clock. Absent: never.
    pub expires_at: Option<Time>,
    /// What the key may use. Absent: all that its namespace may.
    pub allow: Option<Allow>,
    /// What the key may not use, whatever is allowed.
    pub deny: Option<Deny>,
    /// How much money the key may use for each window.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 8))]
    pub budgets: Option<Vec<Budget>>,
    /// How many requests and tokens the key may use within an interval.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// How many requests the key may have in flight at a time.
    pub concurrency: Option<InFlightLimit>,
}

/// An owner in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// The owner's name.
    pub name: Label,
}

/// Where a key's value comes from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeySource {
    /// Whether the value is made or supplied.
    #[serde(rename = "type")]
    pub kind: KeySourceType,
    /// The Secret that holds the value, or that will: same namespace, labelled fairlead.dev/secret: virtual-key.
    pub secret_ref: SecretReference,
}

/// Whether a key's value is made or supplied.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySourceType {
    /// A value is made and the Secret created; a Secret that is there already is never adopted.
    Generate,
    /// The value stands in a Secret; at least 32 characters.
    SecretRef,
}
