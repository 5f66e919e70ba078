//! Callers that present a token of an issuer instead of a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which tokens a key takes (source: `OpenID` Connect Core 1.0, 2; RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Oidc {
    /// Whose tokens.
    pub issuer: Issuer,
    /// One of them at least is in a token's `aud`. Sorted.
    pub audiences: Vec<String>,
    /// What a token says beside that: exact values by names, of which those that begin with `/` are JSON Pointers (RFC 6901) into its claims,
    /// and all others are claims at the top.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// When the key was created, seconds since 1970: of two that say as much of a token, the older takes it.
    pub created: Option<i64>,
}

/// An issuer, and where its keys are had from. Keys from two places are never mixed, whatever the issuer calls itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// As it stands in `iss`, to the letter.
    pub name: String,
    /// Where its keys are; `None`: its discovery document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// Whether it may be asked at a private address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_network: bool,
}

impl Oidc {
    /// Whether both take the same tokens, as far as that can be told from what they say.
    #[must_use]
    pub fn takes_the_same(&self, other: &Self) -> bool {
        self.issuer.name == other.issuer.name
            && self.audiences == other.audiences
            && self.claims == other.claims
    }
}
