//! Candidates that are chosen by how they do: the targets of a rule, the credentials of a provider.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::DurationText;

/// How targets are judged under the strategy Adaptive.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Adaptive {
    /// From one look at all targets to the next; between two, shares stay as they are. Absent: 5s.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('5m')").message("must be from 1s to 5m"))]
    pub interval: Option<DurationText>,
    /// The share of the rule's requests, in percent, that finds out how those targets do that would get hardly any. 0: none, so that a target that
    /// was slow once stays without requests. Absent: 2.
    #[schemars(range(min = 0, max = 20), extend("format" = "int32"))]
    pub explore_percent: Option<u32>,
    /// How long the share of a target that is new or has come back takes to grow to the whole; 0s: it has it at once. Absent: 10s.
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("must be at most 1h"))]
    pub ramp_up: Option<DurationText>,
    /// What counts how much against a target.
    pub weights: Option<AdaptiveWeights>,
}

/// What counts how much against a target, in percent of what it does by itself. 0: it does not count.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.errors) ? self.errors : 100) + (has(self.firstToken) ? self.firstToken : 100) + (has(self.perToken) ? self.perToken : 50) + (has(self.utilization) ? self.utilization : 100) > 0").message("nothing counts, so that all targets would be alike; give one of them a weight above 0, or use strategy Weighted"))]
pub struct AdaptiveWeights {
    /// Answers that fail: at 100, one percent more than elsewhere halves a share. Absent: 100.
    #[schemars(range(min = 0, max = 1000), extend("format" = "int32"))]
    pub errors: Option<u32>,
    /// The time to the first token: at 100, twice the best one's leaves a 23rd of a share. Absent: 100.
    #[schemars(range(min = 0, max = 1000), extend("format" = "int32"))]
    pub first_token: Option<u32>,
    /// The time of each further token, as the time to the first one. Absent: 50.
    #[schemars(range(min = 0, max = 1000), extend("format" = "int32"))]
    pub per_token: Option<u32>,
    /// How much is used of a provider's concurrency, and of what it says is left of its accounts. At 0 shares keep to neither. Absent: 100.
    #[schemars(range(min = 0, max = 1000), extend("format" = "int32"))]
    pub utilization: Option<u32>,
}

/// How one of the credentials of a provider is chosen.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialStrategy {
    /// By weight, evenly spread.
    Weighted,
    /// By weight, and by how each has done of late: its errors, its latency and what is left of its account.
    Adaptive,
}
