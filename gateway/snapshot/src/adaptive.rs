//! How candidates are judged that are chosen by how they do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::provider::millis;

/// How candidates are judged. The `Default` is what a configuration that says nothing means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adaptive {
    /// From one look at all candidates to the next.
    #[serde(with = "millis")]
    pub interval: Duration,
    /// The share of the requests, in percent, that finds out how those do that would get hardly any; 0: none.
    pub explore_percent: u32,
    /// How long the share of one that is new or has come back takes to grow to the whole.
    #[serde(with = "millis")]
    pub ramp_up: Duration,
    /// What counts how much.
    pub weights: AdaptiveWeights,
}

/// How much each thing counts against a candidate, in percent of what it does by itself; 0: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdaptiveWeights {
    /// Answers that fail.
    pub errors: u32,
    /// The time to the first token.
    pub first_token: u32,
    /// The time of each further token.
    pub per_token: u32,
    /// How much of what it may be sent it is sent.
    pub utilization: u32,
}

/// How a credential of a provider is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialStrategy {
    /// By weight, evenly spread.
    #[default]
    Weighted,
    /// By weight and by how each does.
    Adaptive,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            explore_percent: 2,
            ramp_up: Duration::from_secs(10),
            weights: AdaptiveWeights::default(),
        }
    }
}

impl Default for AdaptiveWeights {
    /// A caller waits for the first token; those after it come faster than they are read.
    fn default() -> Self {
        Self {
            errors: 100,
            first_token: 100,
            per_token: 50,
            utilization: 100,
        }
    }
}

impl Adaptive {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl CredentialStrategy {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
