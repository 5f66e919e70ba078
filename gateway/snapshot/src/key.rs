//! A virtual key as the gateway needs it: a digest, never a value.

use serde::{Deserialize, Serialize};

use crate::{Digest, Limits, ModelPattern, ObjectName};

/// The SHA-256 of a virtual key's value, in lower-case hexadecimal.
pub type KeyDigest = Digest;

/// A caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The digest of the value; `None` while there is no usable value, which `refused` then explains.
    pub digest: Option<KeyDigest>,
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

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// Its owner suspended it.
    Suspended,
    /// Its Secret is missing, not labelled, or holds no usable value.
    NoValue,
    /// Another key had the same value first.
    Conflict,
    /// Its team is missing: without it, the team's rules would not hold.
    NoTeam,
}

/// What a key may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allow {
    /// The model names it may send; `None`: any.
    pub models: Option<Vec<ModelPattern>>,
    /// The providers it may be sent to; `None`: all that its namespace may use, with equal weights.
    pub providers: Option<Vec<AllowedProvider>>,
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
