//! A provider as requests see it: built once per configuration, with what did not change carried over.

mod allowance;
pub(crate) mod amend;
pub(crate) mod authorization;
mod availability;
pub(crate) mod betas;
pub(crate) mod body;
mod cloud;
mod dial;
mod egress;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod gate;
mod hosts;
pub(crate) mod http1;
mod http2;
pub(crate) mod network;
pub(crate) mod pool;
pub(crate) mod proxy;
pub(crate) mod retry_after;
mod sender;
pub(crate) mod servers;
mod shared;
pub(crate) mod simulated;
pub(crate) mod source;
pub(crate) mod ticket;
pub(crate) mod transport;
mod unconnected;
mod uris;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairlead_health::{Asker, ProviderHealth};
use fairlead_snapshot::Credentials;
use fairlead_snapshot::{
    Dialect, Digest, FailureClass, ObjectName, Protocol, Provider, SecretBytes,
};
use fairlead_translate::chat::request::Host;

use crate::clock::Clock;
use crate::facts::{Book, Facts};
use crate::failure::{Failure, Skip};
use crate::govern::bound::{Bound, Level};
use crate::govern::tariff::Tariff;
use crate::govern::{Target, chain};
use crate::judges::{CredentialJudges, Judged};
use crate::surface::Operation;
use amend::Amends;
use authorization::{Authorization, Built, Shown, Unshown};
use endpoint::Endpoint;
use environment::Environment;
use gate::Gate;
use hosts::Known;
use network::Network;
use servers::{Servers, Visit, Visitor};

/// A provider, ready to be sent to.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// `namespace/name`, as headers, logs and metrics show it.
    pub label: Arc<str>,
    /// What the snapshot says of it.
    pub provider: Provider,
    /// How it is reached.
    pub reach: Reach,
    /// One per credential of the provider.
    shown: Vec<Shown>,
    /// How it does; of the same place in every configuration.
    pub health: Arc<ProviderHealth>,
    /// The places at it.
    pub gate: Arc<Gate>,
    /// Whether it has refused to be asked for a stream's usage, and has answered without.
    no_stream_usage: Arc<AtomicBool>,
    /// The value of `gen_ai.provider.name`.
    pub system: Arc<str>,
    /// What is changed in requests to it.
    pub amends: Amends,
    /// What is known of it by its host.
    known: Known,
    /// What is known of its models.
    models: Book,
    /// How much may be used of it.
    pub limits: Arc<[Bound]>,
    /// Host and port of its address, unless the gateway answers by itself.
    pub address: Option<Arc<str>>,
    /// The names of its credentials.
    credential_names: Vec<Arc<str>>,
    /// What makes each credential the same one after an edit: its name and its value's digest.
    identities: Vec<Arc<str>>,
    /// Who judges them, where one is chosen by how it does.
    judges: Option<Arc<CredentialJudges>>,
    clock: Clock,
}

/// How a provider is reached.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Over the network.
    Http(Arc<Endpoint>),
    /// The same, at one of several servers.
    Pool(Arc<Servers>),
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
        generation: u64,
        previous: Option<&Self>,
    ) -> Self {
        let before = previous.map(|previous| &previous.reach);
        let reach = Self::reached(name, provider, credentials, &environment.network, before);
        let shown = provider.credentials.iter().enumerate();
        let shown = shown.map(|(at, credential)| {
            let value = credential.value.as_ref().and_then(|id| credentials.get(id));
            let built = Built {
                credential,
                value: value.map(SecretBytes::expose),
                protocol: &provider.protocol,
                previous: previous.and_then(|previous| previous.shown.get(at)),
            };
            built.shown(name, environment)
        });
        let shown = shown.collect();
        let health = environment
            .health
            .provider(&identity(name, &provider.protocol));
        let clock = environment.clock;
        let named = |credential: &fairlead_snapshot::Credential| {
            let value = credential.value.as_ref().map_or("", Digest::as_str);
            format!("{} {value}", credential.name).into()
        };
        let identities: Vec<Arc<str>> = provider.credentials.iter().map(named).collect();
        let before = previous.and_then(|previous| previous.judges.as_deref());
        Self {
            judges: CredentialJudges::build(provider, &identities, &health, clock, before),
            label: name.to_string().into(),
            provider: provider.clone(),
            address: match &reach {
                Reach::Http(endpoint) => Some(endpoint.address()),
                Reach::Pool(servers) => Some(servers.common().address()),
                Reach::Simulated | Reach::Broken => None,
            },
            credential_names: (provider.credentials.iter())
                .map(|credential| credential.name.as_str().into())
                .collect(),
            reach,
            shown,
            gate: previous
                .map(|previous| Arc::clone(&previous.gate))
                .unwrap_or_default(),
            no_stream_usage: previous
                .filter(|previous| previous.provider.protocol == provider.protocol)
                .map(|previous| Arc::clone(&previous.no_stream_usage))
                .unwrap_or_default(),
            system: system(&provider.protocol).into(),
            amends: Amends::new(provider),
            known: Known::of(&provider.protocol),
            models: Book::of(provider),
            limits: limits(name, provider, generation),
            identities,
            health,
            clock,
        }
    }

    /// How it is reached; what was `before` is kept where it means the same place.
    fn reached(
        name: &ObjectName,
        provider: &Provider,
        credentials: &Credentials,
        network: &Network,
        before: Option<&Reach>,
    ) -> Reach {
        let known = match before {
            Some(Reach::Http(endpoint)) => Some(endpoint),
            Some(Reach::Pool(servers)) => Some(servers.common()),
            Some(Reach::Simulated | Reach::Broken) | None => None,
        };
        let reach = match known.filter(|endpoint| endpoint.is(&provider.protocol)) {
            Some(endpoint) => Reach::Http(Arc::clone(endpoint)),
            None => Self::reach(name, &provider.protocol, credentials, network),
        };
        match (reach, &provider.endpoints) {
            (Reach::Http(common), Some(endpoints)) => {
                let before = match before {
                    Some(Reach::Pool(servers)) => Some(&**servers),
                    _ => None,
                };
                Reach::Pool(Arc::new(Servers::build(common, endpoints, before)))
            }
            (reach, _) => reach,
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

    /// The name of a credential.
    #[must_use]
    pub(crate) fn credential_name(&self, credential: usize) -> Option<Arc<str>> {
        self.credential_names.get(credential).cloned()
    }

    /// The servers, where it is a pool.
    #[must_use]
    pub(crate) fn servers(&self) -> Option<&Arc<Servers>> {
        match &self.reach {
            Reach::Pool(servers) => Some(servers),
            Reach::Http(_) | Reach::Simulated | Reach::Broken => None,
        }
    }

    /// Visits a server of it, where it is a pool that has one; `again` after another has failed with the same request.
    #[must_use]
    pub(crate) fn visit(
        &self,
        key: Option<u64>,
        visited: &[u64],
        again: bool,
        asker: Asker,
    ) -> Option<Visit> {
        let servers = self.servers()?;
        servers.visit(&Visitor {
            visited,
            again,
            ..self.visitor(servers, key, asker)
        })
    }

    /// Visits one of its servers that nothing is known to be wrong with, for the copy of a request, where there is one.
    #[must_use]
    pub(crate) fn visit_for_copy(&self, key: Option<u64>, asker: Asker) -> Option<Visit> {
        let servers = self.servers()?;
        servers.visit_for_copy(&self.visitor(servers, key, asker))
    }

    fn visitor(&self, servers: &Servers, key: Option<u64>, asker: Asker) -> Visitor<'_> {
        Visitor {
            key: key.filter(|_| servers.places_by_prefix()),
            visited: &[],
            again: false,
            asker,
            policy: &self.provider.health,
            clock: self.clock,
        }
    }

    /// What makes it the same one after an edit: its name and where it is.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        identity(&self.label, &self.provider.protocol)
    }

    /// Who judges its credentials for a model, by the upstream's name; `None`: they are chosen by weight.
    #[must_use]
    pub(crate) fn credential_judge(&self, model: &Arc<str>) -> Option<Arc<Judged>> {
        Some(self.judges.as_ref()?.of(model, &self.health))
    }

    /// The same, if they have been judged for the model.
    #[must_use]
    pub(crate) fn judged_credentials(&self, model: &str) -> Option<Arc<Judged>> {
        self.judges.as_ref()?.known(model)
    }

    /// Who judges its credentials for each model.
    #[must_use]
    pub(crate) fn all_judged_credentials(&self) -> Vec<(Arc<str>, Arc<Judged>)> {
        let judges = self.judges.as_ref();
        judges.map(|judges| judges.all()).unwrap_or_default()
    }

    /// The time by which is told what is remembered of it.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.clock.uptime()
    }

    /// What a credential is sent as now. The first token of one that is made is waited for, so long.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn authorization_within(
        &self,
        credential: usize,
        wait: Duration,
    ) -> Result<Option<Authorization>, Failure> {
        let Some(shown) = self.shown.get(credential) else {
            return Ok(None);
        };
        if let Shown::Fixed(authorization) = shown {
            return Ok(authorization.clone());
        }
        // Apart, so that who does not wait is not as large as this.
        let now = Box::pin(tokio::time::timeout(wait, shown.now()));
        let detail = match now.await {
            Ok(Ok(authorization)) => return Ok(authorization),
            Ok(Err(Unshown::Broken)) => "its credential cannot be used; see the gateway's log",
            Ok(Err(Unshown::NoToken)) | Err(_) => {
                "no token could be had for its credential; see the gateway's log"
            }
        };
        Err(Failure {
            detail,
            ..Failure::skipped(Skip::Unusable, FailureClass::Unavailable)
        })
    }

    /// The provider has refused what a credential was sent as.
    pub(crate) fn refused(&self, credential: usize) {
        if let Some(shown) = self.shown.get(credential) {
            shown.refused();
        }
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
            ..self.known.host
        }
    }

    /// What is known of a model of it, by the upstream's name.
    #[must_use]
    pub(crate) fn facts(&self, model: &str) -> Facts {
        self.models.facts(model)
    }

    /// The name of the model that is behind the upstream's name, as far as that is known.
    #[must_use]
    pub(crate) fn behind<'a>(&'a self, model: &'a str) -> &'a str {
        self.models.behind(model)
    }

    /// Whether what it tells of its input in Anthropic's format holds what went through a cache.
    #[must_use]
    pub(crate) fn counts_cache_as_input(&self) -> bool {
        self.known.cache_as_input
    }

    /// Whether it is Vertex AI, whose models are below their publishers.
    #[must_use]
    pub(crate) fn has_publishers(&self) -> bool {
        self.amends.publishers()
    }

    /// A model of it as limits look at it, by the upstream's name.
    #[must_use]
    pub(crate) fn target<'a>(&'a self, model: &'a str, operation: Operation) -> Target<'a> {
        Target {
            provider: &self.label,
            model,
            limits: &self.limits,
            tariff: if operation.is_free() {
                Tariff::FREE
            } else {
                self.tariff(model)
            },
            max_output: self.facts(model).max_output().map(u64::from),
        }
    }

    /// What a model of it costs, by the upstream's name.
    #[must_use]
    pub(crate) fn tariff(&self, model: &str) -> Tariff {
        self.models.tariff(model)
    }

    /// Whether Responses is asked of it as it came, and what it was asked to keep can be referred to.
    #[must_use]
    pub(crate) fn speaks_responses(&self) -> bool {
        self.known.responses
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
}

/// How much may be used of a provider, as of a generation of the configuration.
fn limits(name: &ObjectName, provider: &Provider, generation: u64) -> Arc<[Bound]> {
    let holder = chain::holder(Level::Provider, name);
    Bound::all(&holder, &provider.limits, generation)
}

/// The value of `gen_ai.provider.name` (source: OpenTelemetry GenAI semantic conventions).
pub(crate) fn system(protocol: &Protocol) -> &str {
    match protocol {
        Protocol::Http { vendor, .. } if !vendor.is_empty() => vendor,
        Protocol::Http { dialect, .. } => match dialect {
            Dialect::OpenAi => "openai",
            Dialect::Anthropic => "anthropic",
            Dialect::Gemini => "gcp.gemini",
            Dialect::Converse => "aws.bedrock",
        },
        Protocol::Simulated(_) => "fairlead.simulated",
    }
}

/// What makes a provider the same one after an edit: what is known of one address says nothing of another.
fn identity(name: &impl fmt::Display, protocol: &Protocol) -> String {
    match protocol {
        Protocol::Http { base_url, .. } => format!("{name} {base_url}"),
        Protocol::Simulated(_) => name.to_string(),
    }
}
