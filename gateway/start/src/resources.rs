//! The resources that are made: what of the custom resources a beginning needs, in plain values. [`crate::write`] turns them into YAML.

use std::time::Duration;

use serde_json::Value;

use crate::secret::Hidden;
use crate::vendor::Vendor;

/// Everything that is made.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// LLMProviders.
    pub providers: Vec<Provider>,
    /// RoutingRules.
    pub rules: Vec<Rule>,
    /// VirtualKeys.
    pub callers: Vec<Caller>,
    /// Teams.
    pub teams: Vec<Team>,
}

/// An LLMProvider.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Who it is.
    pub(crate) vendor: &'static Vendor,
    /// Where it is, if not where everybody finds it.
    pub base_url: Option<String>,
    /// Where in its cloud it is.
    pub place: Place,
    /// Headers that every request to it has.
    pub headers: Vec<(String, String)>,
    /// Its keys.
    pub credentials: Vec<Credential>,
    /// How long its answers may take.
    pub timeouts: Timeouts,
    /// How often it is asked again.
    pub max_retries: Option<u64>,
    /// The limits of the pauses before that.
    pub backoff: (Option<Duration>, Option<Duration>),
    /// How many requests it is sent at a time.
    pub max_in_flight: Option<u64>,
}

/// Where in its cloud a provider is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// Nothing has to be said.
    #[default]
    Anywhere,
    /// A region of AWS.
    Region(String),
    /// A project and a location of Google Cloud.
    Project(String, String),
    /// A version of Azure's API by deployments.
    Version(String),
}

/// A key of a provider. Several values where a key has several parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// Its share.
    pub weight: Option<u64>,
    /// The models it may serve; none: all.
    pub models: Vec<String>,
    /// What the Secret holds.
    pub secret: Vec<(&'static str, Hidden)>,
    /// The gateway's own identity at the cloud instead, perhaps in a role.
    pub identity: Option<Identity>,
}

/// The identity of the gateway's pods or machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The role that is taken on with it.
    pub role: Option<String>,
}

/// How long the parts of an answer may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// To the first content of a stream.
    pub first_token: Option<Duration>,
    /// To the first byte of an answer that comes whole.
    pub first_byte: Option<Duration>,
    /// Between two pieces.
    pub idle: Option<Duration>,
}

/// A RoutingRule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// A line for whoever reads it.
    pub comment: String,
    /// Its place among the others.
    pub priority: Option<u64>,
    /// Whose requests it is for.
    pub scope: Option<Scope>,
    /// The models it is for; none: all.
    pub models: Vec<String>,
    /// A further condition.
    pub when: Option<String>,
    /// Whether the first target goes first, and not by weight.
    pub in_order: bool,
    /// Where requests go.
    pub targets: Vec<Target>,
    /// Where they go when that has failed.
    pub fallbacks: Vec<Fallback>,
    /// How often each target is asked again.
    pub max_retries: Option<u64>,
    /// Whether what a target cannot be told is left out rather than refused.
    pub drop_unsupported: bool,
}

/// Whose requests a rule is for, if not everybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A VirtualKey's.
    VirtualKey(String),
    /// A Team's.
    Team(String),
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The provider.
    pub provider: String,
    /// The model to ask for; `None`: the name that was sent.
    pub model: Option<String>,
    /// Its share.
    pub weight: Option<u64>,
    /// What a request has where its caller says nothing of it.
    pub defaults: Vec<(String, Value)>,
}

/// Where a request goes when the targets have failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// Where.
    pub target: Target,
    /// The one class of failure it is for; `None`: all but content filters.
    pub class: Option<&'static str>,
}

/// A VirtualKey.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caller {
    /// Its name.
    pub name: String,
    /// Its value; `None`: the gateway makes one.
    pub value: Option<Hidden>,
    /// Whether it is refused for now.
    pub suspended: bool,
    /// When it ends (RFC 3339).
    pub expires_at: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// The models it may ask for; none: all.
    pub models: Vec<String>,
    /// The providers it may be sent to, with their shares; none: all.
    pub providers: Vec<(String, Option<u64>)>,
}

/// A Team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its name.
    pub name: String,
}

impl Provider {
    /// A provider of which nothing but its vendor is known.
    pub(crate) fn new(name: impl Into<String>, vendor: &'static Vendor) -> Self {
        Self {
            name: name.into(),
            vendor,
            base_url: None,
            place: Place::Anywhere,
            headers: Vec::new(),
            credentials: Vec::new(),
            timeouts: Timeouts::default(),
            max_retries: None,
            backoff: (None, None),
            max_in_flight: None,
        }
    }
}

impl Credential {
    /// A key that is one value.
    pub(crate) fn of(name: impl Into<String>, value: Hidden) -> Self {
        Self {
            name: name.into(),
            weight: None,
            models: Vec::new(),
            secret: vec![("apiKey", value)],
            identity: None,
        }
    }

    /// A key that is several values, or an identity instead.
    pub(crate) fn in_parts(
        name: impl Into<String>,
        secret: Vec<(&'static str, Hidden)>,
        identity: Option<Identity>,
    ) -> Self {
        Self {
            name: name.into(),
            weight: None,
            models: Vec::new(),
            secret,
            identity,
        }
    }
}

impl Target {
    /// A provider that is asked for the model that was sent.
    pub(crate) fn of(provider: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: None,
            weight: None,
            defaults: Vec::new(),
        }
    }
}
