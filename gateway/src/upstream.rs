//! A provider as requests see it: built once per configuration, with what did not change carried over.

mod availability;
pub(crate) mod body;
mod dial;
mod egress;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod gate;
mod hosts;
mod http2;
pub(crate) mod network;
pub(crate) mod pool;
pub(crate) mod proxy;
mod sender;
mod shared;
pub(crate) mod simulated;
pub(crate) mod source;
pub(crate) mod ticket;
pub(crate) mod transport;
mod unconnected;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairlead_health::ProviderHealth;
use fairlead_snapshot::Credentials;
use fairlead_snapshot::{Dialect, Digest, ObjectName, Protocol, Provider};
use fairlead_translate::chat::request::Host;
use fairlead_wire::redact::Redactor;
use http::{HeaderName, HeaderValue, header};

use crate::clock::Clock;
use endpoint::Endpoint;
use environment::Environment;
use gate::Gate;
use network::Network;

/// A provider, ready to be sent to.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// `namespace/name`, as headers, logs and metrics show it.
    pub label: Arc<str>,
    /// What the snapshot says of it.
    pub provider: Provider,
    /// How it is reached.
    pub reach: Reach,
    /// One per credential of the provider. `None`: there is no value.
    authorizations: Vec<Option<Authorization>>,
    /// How it does; of the same place in every configuration.
    pub health: Arc<ProviderHealth>,
    /// The places at it.
    pub gate: Arc<Gate>,
    /// Whether it has refused to be asked for a stream's usage, and has answered without.
    no_stream_usage: Arc<AtomicBool>,
    /// In what it departs from Chat Completions.
    host: Host,
    /// Whether it speaks Responses beside Chat Completions.
    responses: bool,
    /// What makes each credential the same one after an edit: its name and its value's digest.
    identities: Vec<Arc<str>>,
    clock: Clock,
}

/// A credential as it is sent, and as it is cut out of what comes back.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    /// The header that it stands in.
    pub name: HeaderName,
    /// Its value, marked sensitive.
    pub value: HeaderValue,
    /// What cuts it out of the provider's words.
    pub redactor: Option<Arc<Redactor>>,
}

/// How a provider is reached.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Over the network.
    Http(Arc<Endpoint>),
    /// The gateway answers by itself.
    Simulated,
    /// Not at all; why was logged when it was built. Only this provider is harmed.
    Broken,
}

impl Upstream {
    /// Builds a provider; if `previous` means the same place, its connections are kept.
    #[must_use]
    pub(crate) fn build(
        name: &ObjectName,
        provider: &Provider,
        credentials: &Credentials,
        environment: &Environment,
        previous: Option<&Self>,
    ) -> Self {
        let reach = match previous.map(|previous| &previous.reach) {
            Some(Reach::Http(endpoint)) if endpoint.is(&provider.protocol) => {
                Reach::Http(Arc::clone(endpoint))
            }
            _ => Self::reach(name, &provider.protocol, credentials, &environment.network),
        };
        let authorization = |credential: &fairlead_snapshot::Credential| {
            let value = credentials.get(credential.value.as_ref()?)?;
            Authorization::new(value.expose(), provider.protocol.dialect())
        };
        let health = environment
            .health
            .provider(&identity(name, &provider.protocol));
        let named = |credential: &fairlead_snapshot::Credential| {
            let value = credential.value.as_ref().map_or("", Digest::as_str);
            format!("{} {value}", credential.name).into()
        };
        Self {
            label: name.to_string().into(),
            provider: provider.clone(),
            reach,
            authorizations: provider.credentials.iter().map(authorization).collect(),
            gate: previous
                .map(|previous| Arc::clone(&previous.gate))
                .unwrap_or_default(),
            no_stream_usage: previous
                .filter(|previous| previous.provider.protocol == provider.protocol)
                .map(|previous| Arc::clone(&previous.no_stream_usage))
                .unwrap_or_default(),
            host: match &provider.protocol {
                Protocol::Http { base_url, .. } => hosts::host(base_url),
                Protocol::Simulated(_) => Host::default(),
            },
            responses: match &provider.protocol {
                Protocol::Http {
                    base_url, dialect, ..
                } => *dialect == Dialect::OpenAi && hosts::speaks_responses(base_url),
                Protocol::Simulated(_) => false,
            },
            identities: provider.credentials.iter().map(named).collect(),
            health,
            clock: environment.clock,
        }
    }

    fn reach(
        name: &ObjectName,
        protocol: &Protocol,
        values: &Credentials,
        network: &Network,
    ) -> Reach {
        match Endpoint::new(protocol, values, network) {
            Ok(Some(endpoint)) => Reach::Http(Arc::new(endpoint)),
            Ok(None) => Reach::Simulated,
            Err(error) => {
                tracing::error!(provider = %name, %error, "this provider cannot be used");
                Reach::Broken
            }
        }
    }

    /// The time by which is told what is remembered of it.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.clock.uptime()
    }

    /// What a credential is sent as.
    #[must_use]
    pub(crate) fn authorization(&self, credential: usize) -> Option<Authorization> {
        self.authorizations.get(credential)?.clone()
    }

    /// Whether a stream may be asked for its usage.
    #[must_use]
    pub(crate) fn reports_stream_usage(&self) -> bool {
        match self.provider.protocol {
            Protocol::Http { stream_usage, .. } => {
                stream_usage && !self.no_stream_usage.load(Ordering::Relaxed)
            }
            Protocol::Simulated(_) => true,
        }
    }

    /// In what it departs from Chat Completions now.
    #[must_use]
    pub(crate) fn host(&self) -> Host {
        Host {
            stream_usage: self.reports_stream_usage(),
            ..self.host
        }
    }

    /// Whether Responses is asked of it as it came, and what it was asked to keep can be referred to.
    #[must_use]
    pub(crate) fn speaks_responses(&self) -> bool {
        self.responses
    }

    /// It does not take the wish for usage: it is not asked again, as long as it is the same place.
    pub(crate) fn takes_no_stream_usage(&self) {
        if !self.no_stream_usage.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                provider = %self.label,
                "it refuses stream_options, so its streams are not asked for their usage any more; set openAI.streamUsage to false on the LLMProvider"
            );
        }
    }

    /// The value of `gen_ai.provider.name`.
    #[must_use]
    pub(crate) fn system(&self) -> &'static str {
        match self.provider.protocol {
            Protocol::Http { dialect, .. } => match dialect {
                Dialect::OpenAi => "openai",
                Dialect::Anthropic => "anthropic",
                Dialect::Gemini => "gcp.gemini",
            },
            Protocol::Simulated(_) => "fairlead.simulated",
        }
    }
}

impl Authorization {
    /// How a credential is sent to a provider of this dialect; `None`: it does not go into a header.
    fn new(value: &[u8], dialect: Dialect) -> Option<Self> {
        let (name, mut header) = match dialect {
            Dialect::OpenAi => {
                let bearer = [b"Bearer ".as_slice(), value].concat();
                (header::AUTHORIZATION, HeaderValue::from_bytes(&bearer))
            }
            Dialect::Anthropic => {
                let name = HeaderName::from_static("x-api-key");
                (name, HeaderValue::from_bytes(value))
            }
            Dialect::Gemini => {
                let name = HeaderName::from_static("x-goog-api-key");
                (name, HeaderValue::from_bytes(value))
            }
        };
        if let Ok(header) = &mut header {
            header.set_sensitive(true);
        }
        Some(Self {
            name,
            value: header.ok()?,
            redactor: Redactor::new(value).map(Arc::new),
        })
    }
}

/// What makes a provider the same one after an edit: what is known of one address says nothing of another.
fn identity(name: &ObjectName, protocol: &Protocol) -> String {
    match protocol {
        Protocol::Http { base_url, .. } => format!("{name} {base_url}"),
        Protocol::Simulated(_) => name.to_string(),
    }
}
