//! What an upstream speaks, and where and how it is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CredentialId, millis};
use crate::OLDEST;

/// What an upstream speaks, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "type")]
pub enum Protocol {
    /// An API over HTTP. Its name in the snapshot is that of the first dialect there was.
    #[serde(rename = "openAi", rename_all = "camelCase")]
    Http {
        /// What it speaks.
        #[serde(default, skip_serializing_if = "Dialect::is_default")]
        dialect: Dialect,
        /// Whose it is, in the words of `gen_ai.provider.name`; empty: what the dialect says.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        vendor: String,
        /// How it is shown who asks.
        #[serde(default, skip_serializing_if = "Authentication::is_default")]
        authentication: Authentication,
        /// Where below the base URL its operations are.
        #[serde(default, skip_serializing_if = "Addressing::is_default")]
        addressing: Addressing,
        /// Without a trailing slash, the version path included.
        base_url: String,
        /// Whether private, loopback and link-local addresses may be connected to.
        private_network: bool,
        /// The certificates to trust instead of the system's, PEM.
        ca_certificates: Option<String>,
        /// Which certificate to show, with its key: a value that travels as those of credentials do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_certificate: Option<CredentialId>,
        /// Whether streams are asked for their usage.
        stream_usage: bool,
        /// The version of HTTP that connections to it speak.
        #[serde(default, skip_serializing_if = "HttpVersion::is_default")]
        http_version: HttpVersion,
    },
    /// The gateway answers by itself.
    Simulated(Simulated),
}

impl Protocol {
    /// The lowest format in which all of it can be said.
    pub(crate) fn format(&self) -> u32 {
        match self {
            Self::Http {
                dialect: Dialect::OpenAi,
                vendor,
                authentication: Authentication::Dialect,
                addressing: Addressing::Below,
                client_certificate: None,
                http_version: HttpVersion::Http1,
                ..
            } if vendor.is_empty() => OLDEST,
            Self::Simulated(_) => OLDEST,
            Self::Http { .. } => 2,
        }
    }

    /// The lowest format whose readers do not take it for something else: to whom it speaks another dialect, or is shown a key otherwise, it is
    /// not there.
    pub(crate) fn safe_format(&self) -> u32 {
        match self {
            Self::Http {
                dialect: Dialect::OpenAi,
                authentication: Authentication::Dialect,
                addressing: Addressing::Below,
                ..
            }
            | Self::Simulated(_) => OLDEST,
            Self::Http { .. } => 2,
        }
    }

    /// What it speaks.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Http { dialect, .. } => *dialect,
            Self::Simulated(_) => Dialect::OpenAi,
        }
    }

    /// What it speaks where it is asked for a model: of Vertex AI's publishers Anthropic has its own words.
    #[must_use]
    pub fn dialect_of(&self, model: &str) -> Dialect {
        match self {
            Self::Http {
                addressing: Addressing::Publishers,
                ..
            } if model.starts_with("claude") => Dialect::Anthropic,
            Self::Http { .. } | Self::Simulated(_) => self.dialect(),
        }
    }

    /// The same for readers of format 1, who speak HTTP/1.1 with everybody and show no certificate: the upstream refuses them, and nobody is
    /// permitted more.
    pub(crate) fn in_format_1(&self) -> Self {
        let mut reduced = self.clone();
        if let Self::Http {
            vendor,
            client_certificate,
            http_version,
            ..
        } = &mut reduced
        {
            vendor.clear();
            *client_certificate = None;
            *http_version = HttpVersion::Http1;
        }
        reduced
    }
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// The OpenAI API, or one compatible with it.
    #[default]
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Bedrock's Converse.
    Converse,
}

impl Dialect {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a provider is shown who asks. A credential is a token, or a JSON object of what tokens and signatures are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Authentication {
    /// As the dialect has it.
    #[default]
    Dialect,
    /// Azure: a key in `api-key`, or a token of Entra.
    Azure,
    /// AWS: a bearer key, or a signature.
    Aws {
        /// The region that is signed for.
        region: String,
    },
    /// Google Cloud: a key in `x-goog-api-key`, or a token of Google's.
    Google,
}

impl Authentication {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where below a base URL the operations are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Addressing {
    /// Where the dialect has them.
    #[default]
    Below,
    /// Azure's, below a deployment for each model.
    Deployments {
        /// The version of the API, for the query.
        api_version: String,
    },
    /// Vertex AI's, below a publisher.
    Publishers,
}

impl Addressing {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a provider is told where in a trace a request stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tracing {
    /// One that may be at a private address is: a server of one's own may well trace, and no public one makes anything of it.
    #[default]
    IfPrivate,
    /// It is.
    Propagate,
    /// It is not.
    None,
}

impl Tracing {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HttpVersion {
    /// HTTP/1.1: a connection for each request.
    #[default]
    Http1,
    /// HTTP/2, which requests share connections of; over TLS HTTP/1.1 with a server that does not select it.
    Http2,
}

impl HttpVersion {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
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
