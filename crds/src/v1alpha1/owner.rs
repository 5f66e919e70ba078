//! Team and Organization: the owners that rules are scoped by, and that limit what their keys use together.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::allow::{Allow, Deny};
use super::common::LabelSelector;
use super::limits::{Budget, InFlightLimit, RateLimit};
use super::status::LimitedStatus;
use super::virtual_key::OwnerReference;
use crate::text::{Label, Usd};

/// The owner of virtual keys.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Team",
    namespaced,
    status = "LimitedStatus",
    category = "fairlead",
    derive = "PartialEq",
    doc = "The owner of virtual keys.",
    printcolumn(name = "Organization", type_ = "string", json_path = ".spec.organizationRef.name"),
    printcolumn(name = "Used%", type_ = "integer", json_path = ".status.usage.tightest.usedPercent"),
    printcolumn(name = "Resets", type_ = "string", json_path = ".status.usage.tightest.resetsAt"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.usage.tightest.limit", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct TeamSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The organization it belongs to, which must select this namespace: while it does not, or is not there, the team's keys are refused. Absent:
    /// none.
    pub organization_ref: Option<OwnerReference>,
    /// What its keys may use, as far as they are allowed it themselves. Absent: whatever they may.
    pub allow: Option<Allow>,
    /// What its keys may not use, whatever is allowed.
    pub deny: Option<Deny>,
    /// How much money its keys together may use for each window.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 8))]
    pub budgets: Option<Vec<Budget>>,
    /// How many requests and tokens its keys together may use within an interval.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// How many requests its keys together may have in flight at a time.
    pub concurrency: Option<InFlightLimit>,
    /// What a request of its keys may probably cost at most, in US dollars; quote it. Absent: anything.
    pub max_cost_per_request: Option<Usd>,
}

/// The owner of teams, in the gateway's namespace.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "Organization",
    namespaced,
    status = "LimitedStatus",
    category = "fairlead",
    derive = "PartialEq",
    doc = "The owner of teams, in the gateway's namespace.",
    printcolumn(name = "Used%", type_ = "integer", json_path = ".status.usage.tightest.usedPercent"),
    printcolumn(name = "Resets", type_ = "string", json_path = ".status.usage.tightest.resetsAt"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.usage.tightest.limit", priority = 1),
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
    /// What its keys may use, as far as they are allowed it themselves. Absent: whatever they may.
    pub allow: Option<Allow>,
    /// What its keys may not use, whatever is allowed.
    pub deny: Option<Deny>,
    /// How much money its keys together may use for each window.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 8))]
    pub budgets: Option<Vec<Budget>>,
    /// How many requests and tokens its keys together may use within an interval.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// How many requests its keys together may have in flight at a time.
    pub concurrency: Option<InFlightLimit>,
    /// What a request of its keys may probably cost at most, in US dollars; quote it. Absent: anything.
    pub max_cost_per_request: Option<Usd>,
}
