//! Team and Organization: the owners that rules are scoped by.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::LabelSelector;
use super::status::Status;
use super::virtual_key::OwnerReference;
use crate::text::Label;

/// The owner of virtual keys.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Team",
    namespaced,
    status = "Status",
    category = "fairlead",
    derive = "PartialEq",
    doc = "The owner of virtual keys.",
    printcolumn(name = "Organization", type_ = "string", json_path = ".spec.organizationRef.name"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct TeamSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The organization it belongs to, which must select this namespace. Absent: none.
    pub organization_ref: Option<OwnerReference>,
}

/// The owner of teams, in the gateway's namespace.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Organization",
    namespaced,
    status = "Status",
    category = "fairlead",
    derive = "PartialEq",
    doc = "The owner of teams, in the gateway's namespace.",
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The namespaces whose teams may join. An empty selector selects every namespace.
    pub namespace_selector: LabelSelector,
}
