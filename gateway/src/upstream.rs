//! A provider as requests see it: built once per configuration, with what did not change carried over.

pub mod body;
mod egress;
pub mod endpoint;
pub mod gate;
pub mod pool;
pub mod simulated;
pub mod source;
mod standing;

use std::sync::Arc;

use fairlead_compile::Credentials;
use fairlead_health::{ProviderHealth, Registry};
use fairlead_snapshot::{Digest, ObjectName, Protocol, Provider};
use http::HeaderValue;

use endpoint::Endpoint;
use gate::Gate;

/// A provider, ready to be sent to.
#[derive(Debug)]
pub struct Upstream {
    /// `namespace/name`, as headers, logs and metrics show it.
    pub label: Arc<str>,
    /// What the snapshot says of it.
    pub provider: Provider,
    /// How it is reached.
    pub reach: Reach,
    /// One per credential of the provider: the Authorization header, marked sensitive. `None`: there is no value.
    authorizations: Vec<Option<HeaderValue>>,
    /// How it does; of the same place in every configuration.
    pub health: Arc<ProviderHealth>,
    /// The places at it.
    pub gate: Arc<Gate>,
    /// What makes each credential the same one after an edit: its name and its value's digest.
    identities: Vec<Arc<str>>,
}

/// How a provider is reached.
#[derive(Debug, Clone)]
pub enum Reach {
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
    pub fn build(
        name: &ObjectName,
        provider: &Provider,
        credentials: &Credentials,
        registry: &Registry,
        previous: Option<&Self>,
    ) -> Self {
        let reach = match previous.map(|previous| &previous.reach) {
            Some(Reach::Http(endpoint)) if endpoint.is(&provider.protocol) => {
                Reach::Http(Arc::clone(endpoint))
            }
            _ => Self::reach(name, &provider.protocol),
        };
        let authorization = |credential: &fairlead_snapshot::Credential| {
            let value = credentials.get(credential.value.as_ref()?)?;
            let mut header =
                HeaderValue::from_bytes(&[b"Bearer ".as_slice(), value.expose()].concat()).ok()?;
            header.set_sensitive(true);
            Some(header)
        };
        let health = registry.provider(&identity(name, &provider.protocol));
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
            identities: provider.credentials.iter().map(named).collect(),
            health,
        }
    }

    fn reach(name: &ObjectName, protocol: &Protocol) -> Reach {
        match Endpoint::new(protocol) {
            Ok(Some(endpoint)) => Reach::Http(Arc::new(endpoint)),
            Ok(None) => Reach::Simulated,
            Err(error) => {
                tracing::error!(provider = %name, %error, "this provider cannot be used");
                Reach::Broken
            }
        }
    }

    /// The Authorization header of a credential.
    #[must_use]
    pub fn authorization(&self, credential: usize) -> Option<HeaderValue> {
        self.authorizations.get(credential)?.clone()
    }

    /// Whether a stream may be asked for its usage.
    #[must_use]
    pub fn reports_stream_usage(&self) -> bool {
        match self.provider.protocol {
            Protocol::OpenAi { stream_usage, .. } => stream_usage,
            Protocol::Simulated(_) => true,
        }
    }

    /// The value of `gen_ai.provider.name`.
    #[must_use]
    pub fn system(&self) -> &'static str {
        match self.provider.protocol {
            Protocol::OpenAi { .. } => "openai",
            Protocol::Simulated(_) => "fairlead.simulated",
        }
    }
}

/// What makes a provider the same one after an edit: what is known of one address says nothing of another.
fn identity(name: &ObjectName, protocol: &Protocol) -> String {
    match protocol {
        Protocol::OpenAi { base_url, .. } => format!("{name} {base_url}"),
        Protocol::Simulated(_) => name.to_string(),
    }
}
