//! The reader of format 1 as it was when that format was the only one: the types of the snapshot, with what they refuse. Never changed again.

#![expect(
    dead_code,
    reason = "what is read here is only looked at for whether it can be"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Reads an index.
pub(crate) fn index(text: &str) -> Result<Index, serde_json::Error> {
    let index: Index = serde_json::from_str(text)?;
    match index.format {
        1 => Ok(index),
        newer => Err(serde::de::Error::custom(format!("format {newer}"))),
    }
}

/// Reads a shard of the section of this name.
pub(crate) fn shard(section: &str, text: &str) -> Result<(), serde_json::Error> {
    match section {
        "providers" => serde_json::from_str::<BTreeMap<ObjectName, Provider>>(text).map(drop),
        "rules" => serde_json::from_str::<Vec<Rule>>(text).map(drop),
        "keys" => serde_json::from_str::<BTreeMap<ObjectName, Key>>(text).map(drop),
        other => Err(serde::de::Error::custom(format!("section {other}"))),
    }
}

/// Reads a whole snapshot, as the standalone gateway keeps one.
pub(crate) fn snapshot(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Snapshot>(text).map(drop)
}

type Digest = String;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Snapshot {
    format: u32,
    gateway_namespace: String,
    providers: BTreeMap<ObjectName, Provider>,
    rules: Vec<Rule>,
    keys: BTreeMap<ObjectName, Key>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    format: u32,
    generation: u64,
    gateway_namespace: String,
    shards: BTreeMap<Section, Vec<Digest>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Section {
    Providers,
    Rules,
    Keys,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ObjectName {
    namespace: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Key {
    digest: Option<Digest>,
    refused: Option<Refusal>,
    expires_at: Option<i64>,
    team: Option<String>,
    organization: Option<String>,
    allow: Allow,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Refusal {
    Suspended,
    NoValue,
    Conflict,
    NoTeam,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Allow {
    models: Option<Vec<ModelPattern>>,
    providers: Option<Vec<AllowedProvider>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AllowedProvider {
    provider: ObjectName,
    weight: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provider {
    protocol: Protocol,
    credentials: Vec<Credential>,
    models: Option<Vec<Model>>,
    timeouts: Timeouts,
    #[serde(default)]
    retries: Retries,
    #[serde(default)]
    health: Health,
    #[serde(default)]
    concurrency: Option<Concurrency>,
    #[serde(default)]
    continuation: Option<Continuation>,
    access: Access,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "type")]
enum Protocol {
    #[serde(rename_all = "camelCase")]
    OpenAi {
        base_url: String,
        private_network: bool,
        ca_certificates: Option<String>,
        stream_usage: bool,
    },
    Simulated(Simulated),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Simulated {
    text: Option<String>,
    tokens: Option<u32>,
    #[serde(deserialize_with = "millis::deserialize")]
    first_token_latency: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    token_latency: Duration,
    error_percent: u32,
    error_status: u16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Credential {
    name: String,
    weight: u32,
    models: Vec<ModelPattern>,
    value: Option<Digest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Model {
    name: String,
    upstream_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Timeouts {
    #[serde(deserialize_with = "millis::deserialize")]
    connect: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    first_token: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    first_byte: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    idle: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    total: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Access {
    All,
    Namespaces(BTreeSet<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Retries {
    max_retries: u32,
    #[serde(deserialize_with = "millis::deserialize")]
    initial_backoff: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    max_backoff: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    max_retry_after: Duration,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Health {
    consecutive_failures: u32,
    error_percent: u32,
    min_requests: u32,
    #[serde(deserialize_with = "millis::deserialize")]
    probe_interval: Duration,
    #[serde(deserialize_with = "millis::deserialize")]
    ramp_up: Duration,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Concurrency {
    max_in_flight: u32,
    overflow: Overflow,
    adaptive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Overflow {
    Fallback,
    Queue(Queue),
    Reject,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Queue {
    length: u32,
    #[serde(deserialize_with = "millis::deserialize")]
    wait: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Continuation {
    AssistantPrefix,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RetryOverrides {
    max_retries: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Streams {
    recovery: Recovery,
    commit: Commit,
    on_client_gone: OnClientGone,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Recovery {
    #[default]
    Fail,
    Continue,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Commit {
    #[default]
    Content,
    Complete,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OnClientGone {
    #[default]
    Cancel,
    Finish,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Hedge {
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    delay: Option<Duration>,
    max_percent: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Affinity {
    Header(String),
    Prefix,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    name: ObjectName,
    #[serde(rename = "override")]
    overrides: bool,
    scope: Scope,
    priority: u32,
    created: Option<i64>,
    models: Vec<ModelPattern>,
    when: Option<String>,
    strategy: Strategy,
    targets: Vec<Target>,
    fallbacks: Vec<Fallback>,
    timeouts: TimeoutOverrides,
    #[serde(default)]
    retries: RetryOverrides,
    #[serde(default)]
    stream: Streams,
    #[serde(default)]
    hedge: Option<Hedge>,
    #[serde(default)]
    affinity: Option<Affinity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Scope {
    VirtualKey(ObjectName),
    Team(ObjectName),
    Organization {
        name: String,
        namespace: Option<String>,
    },
    Namespace(String),
    Global,
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct ModelPattern(pub String);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Strategy {
    Weighted,
    RoundRobin,
    Priority,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    name: String,
    provider: ObjectName,
    model: Option<String>,
    weight: u32,
    problem: Option<Problem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fallback {
    target: Target,
    on: Option<Failover>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Failover {
    classes: Vec<FailureClass>,
    status_codes: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Problem {
    NotFound,
    NotPermitted,
    ModelNotOffered,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureClass {
    Connect,
    Reset,
    FirstTokenTimeout,
    IdleTimeout,
    TotalTimeout,
    RateLimited,
    Overloaded,
    ServerError,
    ProtocolError,
    BadCredential,
    ContextTooLong,
    ContentFiltered,
    BadRequest,
    ClientGone,
    Unavailable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimeoutOverrides {
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    connect: Option<Duration>,
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    first_token: Option<Duration>,
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    first_byte: Option<Duration>,
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    idle: Option<Duration>,
    #[serde(default, deserialize_with = "millis::optional::deserialize")]
    total: Option<Duration>,
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once('/') {
            Some((namespace, name))
                if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
            {
                Ok(Self {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(serde::de::Error::custom("not of the form namespace/name")),
        }
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }

    pub(super) mod optional {
        use super::{Deserializer, Duration};
        use serde::Deserialize as _;

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
        }
    }
}
