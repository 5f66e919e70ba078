//! A token that a caller presents: a JSON Web Token, signed, in the compact form (source: RFC 7519, RFC 7515, 7.1, and the advice of RFC 8725).
//!
//! What is read here is not verified yet: it says whose keys to look for, and nothing else until [`KeySet::verify`](crate::KeySet::verify) has
//! said that its issuer wrote it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// The longest token looked at, in bytes. Those of Kubernetes and of identity providers have one or two KiB.
pub const TOKEN_BYTES: usize = 8 * 1024;

/// How far clocks may be apart: a token is taken for so long before its time and after it.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Why a token is not taken, whoever sent it. A sentence for the caller, which says nothing of what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is not even looked at.
    #[error("the token is longer than 8192 bytes; have its issuer put fewer claims into it")]
    TooLong,
    /// It cannot be read.
    #[error(
        "the token cannot be read; send a signed JSON Web Token in its compact form, three parts of base64url with dots between them"
    )]
    Unreadable,
    /// It is signed in a way that is not taken, or not at all.
    #[error(
        "the token is signed in a way that is not taken; its issuer must sign with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA"
    )]
    Algorithm,
    /// It needs something understood that is not.
    #[error(
        "the token has critical header parameters (crit), which are not understood; have its issuer leave them out"
    )]
    Critical,
    /// It does not say who issued it.
    #[error("the token says no issuer (iss), so that nobody can say whose it is")]
    NoIssuer,
    /// It would be good for ever.
    #[error("the token has no time of expiry (exp), and such a one is not taken")]
    NoExpiry,
    /// The key that it names is not among its issuer's.
    #[error(
        "the token is signed with a key that its issuer does not publish; take a new token, and try again in a moment if the issuer has just changed its keys"
    )]
    UnknownKey,
    /// Its issuer did not sign it.
    #[error("the signature of the token is not its issuer's")]
    Signature,
    /// Its time has not come.
    #[error(
        "the token is not good yet (nbf); the clocks of its issuer and of the gateway must be right"
    )]
    NotYet,
    /// Its time is over.
    #[error("the token has expired; take a new one from its issuer")]
    Expired,
}

/// How a token is signed (source: RFC 7518, 3.1; RFC 8037, 3.1). Those with a shared secret, and none at all, are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// By its name, to the letter.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// A token, read and not verified. Printing shows none of it.
pub struct Jwt {
    pub(crate) algorithm: Algorithm,
    /// Which of its issuer's keys it is signed with, if it says.
    pub(crate) key_id: Option<String>,
    /// What is signed.
    pub(crate) signed: String,
    pub(crate) signature: Vec<u8>,
    issuer: String,
    claims: Value,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

impl Jwt {
    /// Whether this looks like a token rather than a key: it begins as an object does in base64, and has three parts.
    #[must_use]
    pub fn is_one(presented: &[u8]) -> bool {
        presented.starts_with(b"eyJ") && presented.iter().filter(|byte| **byte == b'.').count() == 2
    }

    /// Reads a token.
    ///
    /// # Errors
    /// It is none that can be taken, whoever signed it.
    pub fn read(presented: &[u8]) -> Result<Self, BadToken> {
        if presented.len() > TOKEN_BYTES {
            return Err(BadToken::TooLong);
        }
        let text = std::str::from_utf8(presented).map_err(|_| BadToken::Unreadable)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(BadToken::Unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or(BadToken::Unreadable)?;
        let header: Header =
            serde_json::from_slice(&decoded(header)?).map_err(|_| BadToken::Unreadable)?;
        let algorithm = Algorithm::named(&header.alg).ok_or(BadToken::Algorithm)?;
        if header.crit.is_some() {
            return Err(BadToken::Critical);
        }
        let claims: Value =
            serde_json::from_slice(&decoded(claims)?).map_err(|_| BadToken::Unreadable)?;
        if !claims.is_object() {
            return Err(BadToken::Unreadable);
        }
        let issuer = claims["iss"].as_str().ok_or(BadToken::NoIssuer)?.to_owned();
        Ok(Self {
            algorithm,
            key_id: header.kid,
            signed: signed.to_owned(),
            signature: decoded(signature)?,
            issuer,
            claims,
        })
    }

    /// Who issued it, as it says.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// All that it says: an object.
    #[must_use]
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// From when on it is not taken any more, in seconds since 1970: the leeway is in it.
    ///
    /// # Errors
    /// Now is not its time, or it has no end. `now` is in seconds since 1970.
    pub fn good_until(&self, now: i64) -> Result<i64, BadToken> {
        let leeway = i64::try_from(LEEWAY.as_secs()).unwrap_or(0);
        let expires = seconds(&self.claims["exp"])?.ok_or(BadToken::NoExpiry)?;
        let end = expires.saturating_add(leeway);
        if end <= now {
            return Err(BadToken::Expired);
        }
        let begins = seconds(&self.claims["nbf"])?;
        if begins.is_some_and(|begins| begins.saturating_sub(leeway) > now) {
            return Err(BadToken::NotYet);
        }
        Ok(end)
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").finish_non_exhaustive()
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, BadToken> {
    let decoded = URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| BadToken::Unreadable)
}

/// A time (source: RFC 7519, 2, `NumericDate`): a number of seconds, whose fraction counts for nothing; `None` if there is none.
fn seconds(claim: &Value) -> Result<Option<i64>, BadToken> {
    /// 2^53, about 285 million years: beyond it a number is no time, and no exact one.
    const MOST: f64 = 9_007_199_254_740_992.0;
    match claim {
        Value::Null => Ok(None),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(seconds), _) => Ok(Some(seconds)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is within the bounds of the type, and the fraction is to go"
            )]
            (None, Some(seconds)) if seconds.abs() < MOST => Ok(Some(seconds.floor() as i64)),
            _ => Err(BadToken::Unreadable),
        },
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(BadToken::Unreadable)
        }
    }
}

#[cfg(test)]
mod tests;
