//! A routing rule as the gateway needs it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::provider::millis;
use crate::{
    Adaptive, Affinity, Headers, Hedge, Logging, ObjectName, Parameters, RetryOverrides, Selector,
    Streams,
};

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The rule's name; the namespace is where its references were resolved.
    pub name: ObjectName,
    /// Whether it goes before every Default rule.
    #[serde(rename = "override")]
    pub overrides: bool,
    /// Whose requests it is for.
    pub scope: Scope,
    /// Order within the scope, lowest first.
    pub priority: u32,
    /// When the object was created, seconds since 1970: the older goes first. `None` where nothing is known (standalone).
    pub created: Option<i64>,
    /// Model names as sent; empty: any.
    pub models: Vec<ModelPattern>,
    /// A CEL expression that must be true.
    pub when: Option<String>,
    /// How a target is chosen.
    pub strategy: Strategy,
    /// How they are judged; only under the strategy Adaptive.
    #[serde(default, skip_serializing_if = "Adaptive::is_default")]
    pub adaptive: Adaptive,
    /// Where requests are sent.
    pub targets: Vec<Target>,
    /// Where they go, in order, when the targets have failed.
    pub fallbacks: Vec<Fallback>,
    /// What the rule says of timeouts; goes before the provider's.
    pub timeouts: TimeoutOverrides,
    /// What the rule says of retries; goes before the provider's.
    #[serde(default)]
    pub retries: RetryOverrides,
    /// How streams are treated.
    #[serde(default)]
    pub stream: Streams,
    /// A second attempt while the first is silent; `None`: there is none.
    #[serde(default)]
    pub hedge: Option<Hedge>,
    /// How a conversation is known, whose turns go to one target; `None`: each request is placed by itself.
    #[serde(default)]
    pub affinity: Option<Affinity>,
    /// What becomes of a request that a target cannot be asked in full.
    #[serde(default, skip_serializing_if = "OnUnsupported::is_default")]
    pub on_unsupported: OnUnsupported,
    /// The providers that may be asked for the requests that it matches, whatever chooses them; it then has no targets and chooses nothing.
    /// `None`: it is a rule that chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constrain: Option<Selector>,
    /// What an attempt of its requests may probably cost at most, in nano-USD; `None`: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<i64>,
    /// How the users are known that are spread over the targets; `None`: requests are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// Who gets copies of requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Mirror>,
    /// Whether it chooses nothing, and matching goes on once it has taken a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// What it then changes in the request.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// What is at its default because the rule says so. Where rules continue, what one says holds over what another does, and what it does not say
    /// does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said_defaults: Vec<SaidDefault>,
    /// What is kept of the content of the requests that it takes; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Arc<Logging>>,
}

/// A default that a rule has written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SaidDefault {
    /// Of [`Streams::recovery`].
    Recovery,
    /// Of [`Streams::commit`].
    Commit,
    /// Of [`Streams::on_client_gone`].
    OnClientGone,
    /// Of [`Rule::on_unsupported`].
    OnUnsupported,
}

impl Rule {
    /// Whether it continues and holds requests to something: then nobody may be served without it.
    pub(crate) fn holds(&self) -> bool {
        self.continues && (self.max_cost.is_some() || !self.changes.is_empty())
    }
}

/// How a user is known who stays at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Sticky {
    /// By the header of this name, in lower case.
    Header(String),
    /// By the end user that the request names.
    EndUser,
}

/// Who gets copies of some of a rule's requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mirror {
    /// The target; its weight is 1.
    pub target: Target,
    /// How many of a hundred requests are copied, 1 to 100.
    pub percent: u32,
    /// How many copies may be under way at a time, in each replica.
    pub max_in_flight: u32,
    /// Whose limits they count towards.
    pub charge: Charge,
}

/// Whose limits copies of requests count towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Charge {
    /// The provider's alone.
    Provider,
    /// The provider's and the caller's.
    Caller,
}

/// What a rule that continues changes in requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Changes {
    /// The name that is matched and asked for from there on; `None`: the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Members of the body, whatever target is asked.
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// Headers, whatever target is asked.
    #[serde(skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Changes {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.model.is_none() && self.parameters.is_empty() && self.headers.is_empty()
    }
}

/// What becomes of a request of which something cannot be said in a target's dialect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnUnsupported {
    /// The target is not asked.
    #[default]
    Refuse,
    /// It is asked without that, and the caller is told.
    Drop,
}

impl OnUnsupported {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whose requests a rule is for, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Scope {
    /// One key.
    VirtualKey(ObjectName),
    /// The keys of a team.
    Team(ObjectName),
    /// The keys of an organization's teams.
    Organization {
        /// The organization.
        name: String,
        /// Only keys of this namespace; `None`: of any (a rule of the gateway's namespace).
        namespace: Option<String>,
    },
    /// The keys of a namespace.
    Namespace(String),
    /// Every key.
    Global,
}

impl Scope {
    /// Whether there may be a key that is in both, as far as their namespaces tell.
    #[must_use]
    pub fn may_meet(&self, other: &Self) -> bool {
        match (self.namespace(), other.namespace()) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        }
    }

    /// The namespace of the keys that are meant; `None`: of any.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::VirtualKey(name) | Self::Team(name) => Some(&name.namespace),
            Self::Organization { namespace, .. } => namespace.as_deref(),
            Self::Namespace(namespace) => Some(namespace),
            Self::Global => None,
        }
    }
}

/// A model name, or a prefix followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelPattern(pub String);

impl ModelPattern {
    /// Whether `model` is meant.
    #[must_use]
    pub fn matches(&self, model: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => self.0 == model,
        }
    }

    /// Whether `model` is meant, with a provider in front or without: what is to be restricted is it under either name.
    #[must_use]
    pub fn catches(&self, model: &str) -> bool {
        let behind = model.split_once('/').map(|(_, behind)| behind);
        self.matches(model) || behind.is_some_and(|behind| self.matches(behind))
    }

    /// Whether `model` is meant, behind whatever stands before a slash: who asks for one name may mean another one's provider.
    #[must_use]
    pub fn holds_for(&self, model: &str) -> bool {
        let behind = model.match_indices('/').map(|(at, _)| &model[at + 1..]);
        self.matches(model) || behind.into_iter().any(|behind| self.matches(behind))
    }

    /// The one name that is meant, if it is only one.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.ends_with('*')).then_some(self.0.as_str())
    }
}

/// How a target is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// By weight, evenly spread.
    Weighted,
    /// One after the other.
    RoundRobin,
    /// The first in the list.
    Priority,
    /// Who has lately been quickest to answer.
    LowestLatency,
    /// Who will probably cost the least for the request.
    LowestCost,
    /// Who is answering the fewest requests for its weight.
    LeastBusy,
    /// By weight and by how each does.
    Adaptive,
}

impl Strategy {
    /// Whether it was there from the first format on.
    pub(crate) fn is_fixed(self) -> bool {
        matches!(self, Self::Weighted | Self::RoundRobin | Self::Priority)
    }
}

/// Where a request is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The target's name.
    pub name: String,
    /// The provider.
    pub provider: ObjectName,
    /// The model to ask for, by the name the provider offers; `None`: the name the caller sent.
    pub model: Option<String>,
    /// Its share; 0 is never chosen.
    pub weight: u32,
    /// Why it cannot be tried, if it cannot. It stays in the rule and counts as a failed attempt.
    pub problem: Option<Problem>,
    /// Members of the body that are set or taken away in what it is sent; they go before the provider's.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// Headers that are set or taken away in what it is sent; they go before the provider's.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Target {
    /// Whether requests to it are changed.
    #[must_use]
    pub fn amends(&self) -> bool {
        !(self.parameters.is_empty() && self.headers.is_empty())
    }
}

/// Where a request goes when the targets have failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fallback {
    /// The target; its weight is 1.
    pub target: Target,
    /// The failures it is for; `None`: every class that falls back by itself.
    pub on: Option<Failover>,
}

/// A set of failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// Classes.
    pub classes: Vec<FailureClass>,
    /// Status codes of the provider's answer.
    pub status_codes: Vec<u16>,
}

/// Why a target cannot be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Problem {
    /// There is no such provider, or it was never accepted.
    NotFound,
    /// The provider does not admit the rule's namespace.
    NotPermitted,
    /// The provider does not offer the model.
    ModelNotOffered,
}

/// A class of failure (`docs/failures.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No connection came about.
    Connect,
    /// The connection broke before the answer was complete.
    Reset,
    /// No content, or no body, in time.
    FirstTokenTimeout,
    /// Nothing more in time.
    IdleTimeout,
    /// The request's own deadline passed.
    TotalTimeout,
    /// The provider limits our rate.
    RateLimited,
    /// The provider has no capacity.
    Overloaded,
    /// The provider failed.
    ServerError,
    /// The answer was not what its API promises.
    ProtocolError,
    /// The provider refused the credential.
    BadCredential,
    /// The request is too long for the model.
    ContextTooLong,
    /// The provider refused the content.
    ContentFiltered,
    /// The provider refused the request.
    BadRequest,
    /// The caller hung up.
    ClientGone,
    /// The target could not be tried.
    Unavailable,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::Connect,
        Self::Reset,
        Self::FirstTokenTimeout,
        Self::IdleTimeout,
        Self::TotalTimeout,
        Self::RateLimited,
        Self::Overloaded,
        Self::ServerError,
        Self::ProtocolError,
        Self::BadCredential,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::BadRequest,
        Self::ClientGone,
        Self::Unavailable,
    ];

    /// The class as headers, logs and metrics show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::ProtocolError => "protocol_error",
            Self::BadCredential => "bad_credential",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::BadRequest => "bad_request",
            Self::ClientGone => "client_gone",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a rule says of timeouts; what is absent is left to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeoutOverrides {
    /// See [`crate::Timeouts::connect`].
    #[serde(default, with = "millis::optional")]
    pub connect: Option<Duration>,
    /// See [`crate::Timeouts::first_token`]; given, it holds for models that reason too, and for what was learned.
    #[serde(default, with = "millis::optional")]
    pub first_token: Option<Duration>,
    /// See [`crate::Timeouts::first_byte`].
    #[serde(default, with = "millis::optional")]
    pub first_byte: Option<Duration>,
    /// See [`crate::Timeouts::idle`].
    #[serde(default, with = "millis::optional")]
    pub idle: Option<Duration>,
    /// See [`crate::Timeouts::total`].
    #[serde(default, with = "millis::optional")]
    pub total: Option<Duration>,
}

impl TimeoutOverrides {
    /// The timeouts of an attempt: the rule's where it gives them, else the provider's.
    #[must_use]
    pub fn over(&self, provider: &crate::Timeouts) -> crate::Timeouts {
        crate::Timeouts {
            connect: self.connect.unwrap_or(provider.connect),
            first_token: self.first_token.unwrap_or(provider.first_token),
            first_token_reasoning: self.first_token.unwrap_or(provider.first_token_reasoning),
            first_token_learned: self.first_token.is_none() && provider.first_token_learned,
            first_byte: self.first_byte.unwrap_or(provider.first_byte),
            idle: self.idle.unwrap_or(provider.idle),
            total: self.total.unwrap_or(provider.total),
        }
    }
}
