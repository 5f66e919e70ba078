//! A provider as the gateway needs it.

mod endpoints;
mod protocol;
mod timeouts;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use endpoints::{
    EndpointAffinity, EndpointMetrics, Endpoints, ServicePort, is_never_an_endpoint,
};
pub use protocol::{
    Addressing, Authentication, Dialect, HttpVersion, Protocol, Simulated, Tracing,
};
pub use timeouts::Timeouts;

use crate::{
    Concurrency, Continuation, CredentialStrategy, Digest, Headers, Health, Labels, Limits,
    ModelPattern, ModelPrice, Parameters, Retries,
};

/// An upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// What it speaks, and where.
    pub protocol: Protocol,
    /// The servers that are connected to in the place of the host of its base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    /// The credentials to choose from; empty: none is sent.
    pub credentials: Vec<Credential>,
    /// How one of them is chosen.
    #[serde(default, skip_serializing_if = "CredentialStrategy::is_default")]
    pub credential_strategy: CredentialStrategy,
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
    /// Members of the body that are set or taken away in what it is sent.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// Headers that are set or taken away in what it is sent.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// Paths below its base URL that are passed through, and all below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passthrough: Vec<String>,
    /// Whether it is told where in a trace a request stands.
    #[serde(default, skip_serializing_if = "Tracing::is_default")]
    pub tracing: Tracing,
    /// What models cost that name no price of their own; `None`: what the catalog says, if it knows them. See [`Provider::price_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<ModelPrice>,
    /// How much may be used of it.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Its labels, as far as a selector asks for them.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The namespaces whose keys may name it in a request; rules were checked at compile.
    pub access: Access,
}

impl Provider {
    /// What a model costs, by the upstream's name; `None`: what the catalog says, if it knows the model. Of several offers of one model the first
    /// that has a price counts. What the gateway answers by itself is free.
    #[must_use]
    pub fn price_of(&self, upstream_name: &str) -> Option<ModelPrice> {
        let offers = self.models.iter().flatten();
        let own = offers
            .filter(|model| model.upstream_name == upstream_name)
            .find_map(|model| model.price);
        let simulated = matches!(self.protocol, Protocol::Simulated(_)).then_some(ModelPrice::Free);
        own.or(self.price).or(simulated)
    }

    /// Whether it is told where in a trace a request stands.
    #[must_use]
    pub fn is_told_of_traces(&self) -> bool {
        match (self.tracing, &self.protocol) {
            (Tracing::Propagate, _) => true,
            (Tracing::None, _) | (Tracing::IfPrivate, Protocol::Simulated(_)) => false,
            (
                Tracing::IfPrivate,
                Protocol::Http {
                    private_network, ..
                },
            ) => *private_network,
        }
    }

    /// Whether nobody has edited it since `other`, whichever pods have come and gone.
    #[must_use]
    pub fn is_but_for_pods(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let pods = |provider: &Self| {
            let endpoints = provider.endpoints.as_ref();
            endpoints.is_some_and(Endpoints::are_pods)
        };
        if !(pods(self) && pods(other)) {
            return false;
        }
        let bare = |provider: &Self| {
            let mut bare = provider.clone();
            if let Some(endpoints) = &mut bare.endpoints {
                endpoints.addresses.clear();
            }
            bare
        };
        bare(self) == bare(other)
    }

    /// Every value that it needs from those that travel apart, and what it is: the name of a credential, or `tls.clientCertificateRef`.
    pub fn values(&self) -> impl Iterator<Item = (&str, &CredentialId)> {
        let certificate = match &self.protocol {
            Protocol::Http {
                client_certificate, ..
            } => client_certificate.as_ref(),
            Protocol::Simulated(_) => None,
        };
        let credentials = self.credentials.iter();
        credentials
            .filter_map(|credential| Some((credential.name.as_str(), credential.value.as_ref()?)))
            .chain(certificate.map(|id| ("tls.clientCertificateRef", id)))
    }
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
    /// The gateway's own identity at the cloud, in place of a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<WorkloadIdentity>,
}

impl Credential {
    /// Whether there is something to send.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.value.is_some() || self.identity.is_some()
    }
}

/// The identity that the gateway's pods have at a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadIdentity {
    /// The role to take on with it (AWS); `None`: none but its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
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
    /// What it costs; `None`: what the provider or the catalog says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<ModelPrice>,
    /// What its owner knows of it.
    #[serde(default, skip_serializing_if = "ModelFacts::is_empty")]
    pub facts: ModelFacts,
}

/// What its owner knows of a model, whatever the catalog says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelFacts {
    /// The window: prompt and answer together, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// The longest answer, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u32>,
    /// What it can do, by the catalog's names. A name that a reader does not know is nothing that it acts on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supports: Vec<String>,
    /// What it cannot do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

impl ModelFacts {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
