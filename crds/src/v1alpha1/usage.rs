//! How the limits of an object stand: what the operator writes into its status, as the gateways have counted it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::limits::RateUnit;
use crate::text::Label;

/// How the limits of an object stand, over all gateways. Written at most once a minute, and only when something changed: between two writes
/// more is used.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// When the gateways were asked (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Time>,
    /// The limit of which the largest part is used: a budget, or where there is none, a rate limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tightest: Option<TightestLimit>,
    /// How each budget stands.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Vec<BudgetUsage>>,
    /// How each rate limit stands, but those of which each end user has one.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<Vec<RateLimitUsage>>,
    /// How rules judge a provider whose targets they choose by how they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Judged>,
}

/// How a provider is judged, as one of the gateways has seen it, under the rule where it does worst.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// healthy, degraded, failed or recovering.
    #[schemars(length(max = 16))]
    pub state: String,
    /// Its score beside the best one's, which is 1.
    #[schemars(length(max = 8))]
    pub score: String,
    /// What decides its share of the requests.
    #[schemars(length(max = 128))]
    pub reason: String,
}

/// The limit of which the largest part is used.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TightestLimit {
    /// The name of the limit.
    pub limit: Label,
    /// How much of it is used, in percent, rounded down; over 100 where more was used than there is.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub used_percent: u32,
    /// When a budget's next window begins (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Time>,
}

/// How a budget stands.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetUsage {
    /// The name of the limit.
    pub name: Label,
    /// US dollars used in this window.
    #[schemars(length(max = 24))]
    pub used: String,
    /// US dollars that this window has: the override's while it holds.
    #[schemars(length(max = 24))]
    pub amount: String,
    /// US dollars left in this window; "0.00" where more was used than there is.
    #[schemars(length(max = 24))]
    pub remaining: String,
    /// How much is used, in percent, rounded down; over 100 where more was used than there is.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub used_percent: u32,
    /// When this window began (RFC 3339).
    pub window_start: Time,
    /// When the next window begins (RFC 3339).
    pub resets_at: Time,
}

/// How a rate limit stands.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitUsage {
    /// The name of the limit.
    pub name: Label,
    /// What is counted.
    pub unit: RateUnit,
    /// How many were used within the interval that ended when the gateways were asked.
    #[schemars(range(min = 0))]
    pub used: i64,
    /// How many there are for each interval.
    #[schemars(range(min = 0))]
    pub limit: i64,
    /// How many were left.
    #[schemars(range(min = 0))]
    pub remaining: i64,
    /// How much was used, in percent, rounded down; over 100 where more was used than there is.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub used_percent: u32,
}
