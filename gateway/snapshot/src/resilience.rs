//! What happens when a provider fails, as the gateway needs it: retries, health, concurrency of a provider; streams, hedges and affinity of
//! a rule.
//!
//! Every type has a `Default`: what a configuration that says nothing means, resolved once for the compiler and for stored snapshots that
//! were written before there was anything to say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::provider::millis;

/// Repeated attempts at the same provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retries {
    /// How often a target is asked again.
    pub max_retries: u32,
    /// The limit of the first pause; doubles each time.
    #[serde(with = "millis")]
    pub initial_backoff: Duration,
    /// What the limit of a pause never passes.
    #[serde(with = "millis")]
    pub max_backoff: Duration,
    /// The longest that a rate-limited target is waited for.
    #[serde(with = "millis")]
    pub max_retry_after: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max_retries: 2,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            max_retry_after: Duration::from_secs(5),
        }
    }
}

/// When a provider, one of its models or one of its credentials counts as down, and how it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// Failures in a row after which it is down; 0: never.
    pub consecutive_failures: u32,
    /// Share of failures, 1 to 100, at which it is down; 0: never.
    pub error_percent: u32,
    /// How many requests of the last 10 seconds it takes to judge a share.
    pub min_requests: u32,
    /// While it is down, the time from one probe to the next.
    #[serde(with = "millis")]
    pub probe_interval: Duration,
    /// How long its share takes to grow back to the whole.
    #[serde(with = "millis")]
    pub ramp_up: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            error_percent: 50,
            min_requests: 20,
            probe_interval: Duration::from_secs(5),
            ramp_up: Duration::from_secs(10),
        }
    }
}

/// How many requests a provider is sent at a time, per replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    /// The most at a time.
    pub max_in_flight: u32,
    /// What becomes of a request over it.
    pub overflow: Overflow,
    /// Whether the limit adapts below `max_in_flight`.
    pub adaptive: bool,
}

/// What becomes of a request that a provider has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Overflow {
    /// It goes on to the next target at once.
    Fallback,
    /// It waits, then goes on to the next target.
    Queue(Queue),
    /// It is refused.
    Reject,
}

/// Where requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Queue {
    /// How many may.
    pub length: u32,
    /// How long each does.
    #[serde(with = "millis")]
    pub wait: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            length: 100,
            wait: Duration::from_secs(1),
        }
    }
}

/// How a provider continues an answer that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Continuation {
    /// From a last message of the role assistant.
    AssistantPrefix,
}

/// What a rule says of retries; what is absent is left to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryOverrides {
    /// See [`Retries::max_retries`].
    pub max_retries: Option<u32>,
}

impl RetryOverrides {
    /// The retries of a target: the rule's where it says anything, else the provider's.
    #[must_use]
    pub fn over(&self, provider: &Retries) -> Retries {
        Retries {
            max_retries: self.max_retries.unwrap_or(provider.max_retries),
            ..*provider
        }
    }
}

/// How a rule treats streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Streams {
    /// What follows a stream that breaks after its first content.
    pub recovery: Recovery,
    /// When the caller gets the first of it.
    pub commit: Commit,
    /// What follows when the caller hangs up.
    pub on_client_gone: OnClientGone,
}

/// What follows a stream that breaks after its first content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recovery {
    /// An error in the stream.
    #[default]
    Fail,
    /// Another target goes on.
    Continue,
}

/// When a stream's caller gets the first of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Commit {
    /// With the first content.
    #[default]
    Content,
    /// When all of it is there, or more than can be held.
    Complete,
}

/// What follows when a stream's caller hangs up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnClientGone {
    /// The provider is hung up on.
    #[default]
    Cancel,
    /// The rest is read to learn the usage.
    Finish,
}

/// A second attempt while the first is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hedge {
    /// How long the first may be silent; `None`: the 95th percentile of its recent times to the first content.
    #[serde(default, with = "millis::optional")]
    pub delay: Option<Duration>,
    /// The share of the rule's requests that may get one, 1 to 100.
    pub max_percent: u32,
}

/// How a conversation is known, whose turns go to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Affinity {
    /// By the header of this name, in lower case.
    Header(String),
    /// By the messages it begins with.
    Prefix,
}
