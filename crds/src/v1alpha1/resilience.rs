//! What happens when a provider fails: retries, health, concurrency, and how a rule treats streams, hedges and conversations.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{DurationText, HeaderName};

/// Repeated attempts at the same provider.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Retries {
    /// How often a target is asked again after a reset, a server error, or a rate limit that says when it ends. Absent: 2.
    #[schemars(range(min = 0, max = 10), extend("format" = "int32"))]
    pub max_retries: Option<u32>,
    /// How long to pause before each.
    pub backoff: Option<Backoff>,
    /// The longest that a rate-limited target is waited for; if it asks for more (Retry-After), the next target is tried at once. Absent: 5s.
    pub max_retry_after: Option<DurationText>,
}

/// Pauses between attempts: random, up to a limit that doubles each time.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The limit of the first pause. Absent: 100ms.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub initial: Option<DurationText>,
    /// What the limit never passes. Absent: 2s.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub max: Option<DurationText>,
}

/// What a rule says of repeated attempts; goes before the provider's.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RuleRetries {
    /// How often each target is asked again.
    #[schemars(range(min = 0, max = 10), extend("format" = "int32"))]
    pub max_retries: u32,
}

/// When a provider, one of its models or one of its credentials counts as down, and how it comes back. Judged by each replica on what it sees
/// itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// It is down after so many failures in a row; 0: however many. Absent: 5.
    #[schemars(range(min = 0, max = 1000), extend("format" = "int32"))]
    pub consecutive_failures: Option<u32>,
    /// It is down when this share of the last 10 seconds' requests has failed; 0: whatever the share. Absent: 50.
    #[schemars(range(min = 0, max = 100), extend("format" = "int32"))]
    pub error_percent: Option<u32>,
    /// Fewer requests than this in 10 seconds are too few to judge a share by. Absent: 20.
    #[schemars(range(min = 1, max = 100_000), extend("format" = "int32"))]
    pub min_requests: Option<u32>,
    /// While it is down, one request is let through each time this has passed. Absent: 5s.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub probe_interval: Option<DurationText>,
    /// Once a request has succeeded, how long its share takes to grow back to the whole. Absent: 10s.
    pub ramp_up: Option<DurationText>,
}

/// How many requests a provider is sent at a time. Counted by each replica for itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.queue) || !has(self.overflow) || self.overflow == 'Queue'").message("queue goes with overflow: Queue only").field_path(".queue"))]
pub struct Concurrency {
    /// The most requests at a time; streams count until they end.
    #[schemars(range(min = 1, max = 100_000), extend("format" = "int32"))]
    pub max_in_flight: u32,
    /// Where requests over it wait; only for overflow: Queue.
    pub queue: Option<Queue>,
    /// What becomes of a request over it. Absent: Queue.
    pub overflow: Option<Overflow>,
    /// Whether the limit adapts: it is halved when the provider throttles, is overloaded or lets the first content wait too long, and grows
    /// back with every success, up to maxInFlight. Absent: false.
    pub adaptive: Option<bool>,
}

/// Where requests wait for their turn at a provider, first come first served.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// How many may wait; the next goes on to the next target. Absent: 100.
    #[schemars(range(min = 1, max = 100_000), extend("format" = "int32"))]
    pub length: Option<u32>,
    /// How long each waits, then it goes on to the next target. Absent: 1s.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub wait: Option<DurationText>,
}

/// What becomes of a request that a provider has no room for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It goes on to the next target at once.
    Fallback,
    /// It waits, then goes on to the next target.
    Queue,
    /// It is refused with 503 at once.
    Reject,
}

/// How an answer that was cut off can be continued.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// A last message of the role assistant is taken as the beginning of the answer, and continued.
    AssistantPrefix,
}

/// How streams are treated.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// What follows a stream that breaks after the caller has had content. Absent: Fail.
    pub recovery: Option<Recovery>,
    /// When the caller gets the first of it. Absent: Content.
    pub commit: Option<Commit>,
    /// What follows when the caller hangs up. Absent: Cancel.
    pub on_client_gone: Option<OnClientGone>,
}

/// What follows a stream that breaks.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The caller gets an error in the stream.
    Fail,
    /// Another target that declares a continuation goes on where it broke: for answers of one choice and plain text.
    Continue,
}

/// When a stream's caller gets the first of it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// With the first content.
    Content,
    /// When all of it is there, or more than can be held: so that a stream may break anywhere and the next target still answers.
    Complete,
}

/// What follows when a stream's caller hangs up.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClientGone {
    /// The provider is hung up on.
    Cancel,
    /// The rest is read, for a minute at most, to learn what was used.
    Finish,
}

/// A second attempt at the next target while the first is silent; the first to bring content wins.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Hedge {
    /// How long the first may be silent. Absent: as long as 95 of 100 of its recent answers took to begin.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub delay: Option<DurationText>,
    /// The share of the rule's requests that may get one, in percent. Absent: 10.
    #[schemars(range(min = 1, max = 100), extend("format" = "int32"))]
    pub max_percent: Option<u32>,
}

/// Which requests belong to one conversation and go to one target, as long as it is healthy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.header) || self.type == 'Header'").message("header goes with type Header only").field_path(".header"))]
pub struct Affinity {
    /// How a conversation is known.
    #[serde(rename = "type")]
    pub kind: AffinityType,
    /// The header that names it, in lower case; only for type Header. Absent: x-session-id.
    pub header: Option<HeaderName>,
}

/// How a conversation is known.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffinityType {
    /// By a header of the request.
    Header,
    /// By the messages it begins with.
    Prefix,
}
