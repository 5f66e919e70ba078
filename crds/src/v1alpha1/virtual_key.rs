//! VirtualKey: a caller with its limits.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::provider::SecretReference;
use super::status::VirtualKeyStatus;
use crate::text::{Label, ModelPattern};

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
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt", priority = 1),
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

/// What a key may use.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Allow {
    /// The model names it may send: exact, or a prefix ending in *. Absent: any.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// The providers it may be sent to. Absent: all that its namespace may use.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name && has(a.__namespace__) == has(b.__namespace__) && (!has(a.__namespace__) || a.__namespace__ == b.__namespace__)))").message("a provider is listed twice"),
        validation = Rule::new("self.exists(p, !has(p.weight) || p.weight > 0)").message("at least one provider needs a weight above 0"))]
    pub providers: Option<Vec<AllowedProvider>>,
}

/// A provider that a key may be sent to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AllowedProvider {
    /// The provider's name.
    pub name: Label,
    /// The provider's namespace. Absent: the key's.
    pub namespace: Option<Label>,
    /// Its share of the requests for a bare model name that several providers offer. 0: never for a bare name. Absent: 1.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub weight: Option<u32>,
}
