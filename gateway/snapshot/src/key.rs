//! A virtual key as the gateway needs it: a digest, never a value.

use serde::{Deserialize, Serialize};

use crate::{Digest, Limits, ModelPattern, Network, ObjectName, Oidc, Selector};

/// The SHA-256 of a virtual key's value, in lower-case hexadecimal.
pub type KeyDigest = Digest;

/// A caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The digest of the value; `None` while there is no usable value, which `refused` then explains, and where tokens are presented.
    pub digest: Option<KeyDigest>,
    /// The tokens that are presented instead of a value; a key has one or the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
    /// Where its callers connect from; empty: anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    /// The value it had before this one, while that is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Why the key is refused, if it is, apart from time.
    pub refused: Option<Refusal>,
    /// The moment from which it is refused, seconds since 1970.
    pub expires_at: Option<i64>,
    /// The team, in the key's namespace.
    pub team: Option<String>,
    /// The organization of the team.
    pub organization: Option<String>,
    /// What it may use.
    pub allow: Allow,
    /// How much it may use.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

impl Key {
    /// Whether there is anything that a caller could present for it.
    #[must_use]
    pub fn can_be_presented(&self) -> bool {
        self.digest.is_some() || self.oidc.is_some()
    }
}

/// The value that a key had before. It works as the key's own until its time is over; from then on it is remembered only so that whoever still
/// sends it is told why it is refused, and so that it becomes nobody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Previous {
    /// The digest of the value.
    pub digest: KeyDigest,
    /// The moment from which it is refused, seconds since 1970.
    pub until: i64,
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// Its owner suspended it.
    Suspended,
    /// Its Secret is missing, not labelled, or holds no usable value.
    NoValue,
    /// Another key had the same value first, or takes the same tokens.
    Conflict,
    /// Its team is missing: without it, the team's rules and limits would not hold.
    NoTeam,
    /// Its team's organization is missing, or does not take the team: the same holds for what that one says.
    NoOrganization,
}

/// What a key may use, as far as its owners permit the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allow {
    /// The model names it may send; `None`: any.
    pub models: Option<Vec<ModelPattern>>,
    /// The providers it may be sent to; `None`: all that its namespace may use, with equal weights.
    pub providers: Option<Vec<AllowedProvider>>,
    /// The labels that these must have; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// What of that it may not use after all.
    #[serde(default, skip_serializing_if = "Deny::is_empty")]
    pub deny: Deny,
}

impl Allow {
    /// Whether a caller may send this model name.
    #[must_use]
    pub fn permits_model(&self, model: &str) -> bool {
        let listed =
            |patterns: &[ModelPattern]| patterns.iter().any(|pattern| pattern.matches(model));
        let mut denied = self.deny.models.iter();
        self.models.as_deref().is_none_or(listed) && !denied.any(|pattern| pattern.catches(model))
    }

    /// Whether a caller may be sent to this provider, as far as names say it.
    #[must_use]
    pub fn permits_provider(&self, provider: &ObjectName) -> bool {
        let mut allowed = self.providers.iter().flatten();
        (self.providers.is_none() || allowed.any(|allowed| allowed.provider == *provider))
            && !self.deny.providers.contains(provider)
    }

    /// Whether it permits everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let lists = self.models.is_none() && self.providers.is_none();
        lists && self.selector.is_none() && self.deny.is_empty()
    }
}

/// What may not be used, whatever is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deny {
    /// Model names that may not be sent, be it with a provider in front.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelPattern>,
    /// Providers that may not be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<ObjectName>,
}

impl Deny {
    /// Whether nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.models.is_empty() && self.providers.is_empty()
    }
}

/// A provider that a key may be sent to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllowedProvider {
    /// The provider.
    pub provider: ObjectName,
    /// Its share for bare model names.
    pub weight: u32,
}
