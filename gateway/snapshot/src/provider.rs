//! A provider as the gateway needs it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Concurrency, Continuation, Digest, Health, ModelPattern, Retries};

/// An upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// What it speaks, and where.
    pub protocol: Protocol,
    /// The credentials to choose from; empty: none is sent.
    pub credentials: Vec<Credential>,
    /// The models it offers; `None`: any name by rule or `provider/model`, none by bare name.
    pub models: Option<Vec<Model>>,
    /// How long each part of a request may take.
    pub timeouts: Timeouts,
    /// How often a failed attempt is repeated here.
    #[serde(default)]
    pub retries: Retries,
    /// When it counts as down, and how it comes back.
    #[serde(default)]
    pub health: Health,
    /// How many requests it is sent at a time; `None`: as many as there are.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// How it continues an answer that another provider has begun; `None`: not at all.
    #[serde(default)]
    pub continuation: Option<Continuation>,
    /// The namespaces whose keys may name it in a request; rules were checked at compile.
    pub access: Access,
}

/// What an upstream speaks, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "type")]
pub enum Protocol {
    /// The OpenAI API, or one compatible with it.
    #[serde(rename_all = "camelCase")]
    OpenAi {
        /// Without a trailing slash, the version path included.
        base_url: String,
        /// Whether private, loopback and link-local addresses may be connected to.
        private_network: bool,
        /// The certificates to trust instead of the system's, PEM.
        ca_certificates: Option<String>,
        /// Whether streams are asked for their usage.
        stream_usage: bool,
    },
    /// The gateway answers by itself.
    Simulated(Simulated),
}

/// How a simulated provider behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Simulated {
    /// The text of an answer; `None`: a sentence that names the provider and the model.
    pub text: Option<String>,
    /// How many tokens an answer has; `None`: as many as the text has words.
    pub tokens: Option<u32>,
    /// Time to the first token.
    #[serde(with = "millis")]
    pub first_token_latency: Duration,
    /// Time between two tokens of a stream.
    #[serde(with = "millis")]
    pub token_latency: Duration,
    /// The share of requests that fail, 0 to 100.
    pub error_percent: u32,
    /// The status a failed request gets.
    pub error_status: u16,
}

/// One of a provider's credentials. The value is not here: it is looked up by [`CredentialId`] in the credentials that travel apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// Its name within the provider.
    pub name: String,
    /// Its share; 0 is never chosen.
    pub weight: u32,
    /// The requested models it may serve; empty: all.
    pub models: Vec<ModelPattern>,
    /// Which value to send; `None`: the Secret is missing or not usable, so the credential cannot be chosen.
    pub value: Option<CredentialId>,
}

/// Names one version of one credential's value: the digest of the value together with whose it is, so that equal values of two tenants have different ids.
pub type CredentialId = Digest;

/// A model that a provider offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Model {
    /// The name callers and rules use.
    pub name: String,
    /// The name the upstream knows it by.
    pub upstream_name: String,
}

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeouts {
    /// To open a connection, TLS included.
    #[serde(with = "millis")]
    pub connect: Duration,
    /// To the first content of a stream.
    #[serde(with = "millis")]
    pub first_token: Duration,
    /// To the first byte of the body of an answer that is not streamed.
    #[serde(with = "millis")]
    pub first_byte: Duration,
    /// Between two pieces of an answer; on streams, between two events with content.
    #[serde(with = "millis")]
    pub idle: Duration,
    /// Over all attempts.
    #[serde(with = "millis")]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(120),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// A set of namespaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Access {
    /// Every namespace.
    All,
    /// These.
    Namespaces(BTreeSet<String>),
}

impl Access {
    /// Whether the set holds `namespace`.
    #[must_use]
    pub fn permits(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(set) => set.contains(namespace),
        }
    }
}

/// Durations travel as whole milliseconds.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }

    /// The same for a duration that may be absent.
    pub(crate) mod optional {
        use super::{Deserializer, Duration, Serializer};
        use serde::{Deserialize as _, Serialize as _};

        #[expect(clippy::ref_option, reason = "the signature that serde calls")]
        pub(crate) fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            duration
                .map(|value| u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
                .serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
        }
    }
}
