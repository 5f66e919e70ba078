//! How a provider is shown who asks.

use std::sync::Arc;

use fairlead_auth::NoToken;
use fairlead_snapshot::{Authentication, Credential, Dialect, ObjectName, Protocol};
use fairlead_wire::redact::Redactor;
use http::{HeaderName, HeaderValue, header};

use super::cloud::{Made, Signer};
use super::environment::Environment;

/// A credential as it is sent, and as it is cut out of what comes back.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    /// What is sent.
    pub proof: Proof,
    /// What cuts it out of the provider's words.
    pub redactor: Option<Arc<Redactor>>,
}

/// What is sent of a credential.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// Nothing.
    None,
    /// A header, marked sensitive.
    Header(HeaderName, HeaderValue),
    /// A signature over the request.
    Signature(Arc<Signer>),
}

/// Why a credential cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unshown {
    /// It cannot be used; why was logged when it was built.
    Broken,
    /// Its token could not be had; why is logged where that fails.
    NoToken,
}

/// What is shown of a credential of a provider.
#[derive(Debug)]
pub(super) enum Shown {
    /// Always the same.
    Fixed(Option<Authorization>),
    /// Made of others.
    Made(Arc<Made>),
    /// It cannot be used.
    Broken,
}

/// What it is built of.
pub(super) struct Built<'a> {
    /// What the snapshot says of it.
    pub(super) credential: &'a Credential,
    /// Its value, if there is one.
    pub(super) value: Option<&'a [u8]>,
    /// What its provider speaks.
    pub(super) protocol: &'a Protocol,
    /// What it was before this configuration.
    pub(super) previous: Option<&'a Shown>,
}

impl Built<'_> {
    pub(super) fn shown(self, provider: &ObjectName, environment: &Environment) -> Shown {
        let Protocol::Http {
            authentication,
            private_network,
            ..
        } = self.protocol
        else {
            return Shown::Fixed(None);
        };
        let previous = match self.previous {
            Some(Shown::Made(made)) => Some(made),
            Some(Shown::Fixed(_) | Shown::Broken) | None => None,
        };
        let (credential, value) = (self.credential, self.value);
        match Made::new(
            credential,
            value,
            authentication,
            *private_network,
            previous,
        ) {
            Some(Ok((made, refresher))) => {
                if let Some(refresher) = refresher {
                    environment.keep_fresh(refresher.run());
                }
                Shown::Made(made)
            }
            Some(Err(error)) => {
                tracing::error!(%provider, credential = credential.name, %error, "this credential cannot be used");
                Shown::Broken
            }
            None => Shown::Fixed(value.and_then(|value| Authorization::of(value, self.protocol))),
        }
    }
}

impl Shown {
    /// Whether there is something to send, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self, Self::Fixed(Some(_)) | Self::Made(_))
    }

    pub(super) async fn now(&self) -> Result<Option<Authorization>, Unshown> {
        match self {
            Self::Fixed(authorization) => Ok(authorization.clone()),
            Self::Made(made) => match made.authorization().await {
                Ok(authorization) => Ok(Some(authorization)),
                Err(NoToken::Never(_) | NoToken::Expired(_) | NoToken::Stopped) => {
                    Err(Unshown::NoToken)
                }
            },
            Self::Broken => Err(Unshown::Broken),
        }
    }

    pub(super) fn refused(&self) {
        if let Self::Made(made) = self {
            made.refused();
        }
    }
}

impl Proof {
    /// A header, marked sensitive.
    pub(super) fn header(name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self::Header(name, value)
    }
}

impl Authorization {
    /// How a token is sent to a provider; `None`: it does not go into a header.
    fn of(value: &[u8], protocol: &Protocol) -> Option<Self> {
        let name = match protocol {
            Protocol::Http {
                authentication: Authentication::Azure,
                ..
            } => "api-key",
            Protocol::Http {
                authentication: Authentication::Google,
                ..
            }
            | Protocol::Http {
                dialect: Dialect::Gemini,
                ..
            } => "x-goog-api-key",
            Protocol::Http {
                dialect: Dialect::Anthropic,
                ..
            } => "x-api-key",
            Protocol::Http { .. } | Protocol::Simulated(_) => "authorization",
        };
        let (name, header) = if name == "authorization" {
            let bearer = [b"Bearer ".as_slice(), value].concat();
            (header::AUTHORIZATION, HeaderValue::from_bytes(&bearer))
        } else {
            (
                HeaderName::from_static(name),
                HeaderValue::from_bytes(value),
            )
        };
        Some(Self {
            proof: Proof::header(name, header.ok()?),
            redactor: Redactor::new(value).map(Arc::new),
        })
    }
}
