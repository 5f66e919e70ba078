//! What a source gives: something to send or to sign with, and until when it is good.

use std::time::{Duration, SystemTime};

use crate::Secret;

/// Something to prove oneself with, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What is sent or signed with.
    pub value: Value,
    /// When it stops being good; `None`: never, as far as is known.
    pub expires: Option<SystemTime>,
}

/// What is sent or signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Sent as `Authorization: Bearer`. Fits a header.
    Bearer(Secret),
    /// Signed with ([`sigv4`](crate::sigv4)).
    Aws(AwsCredentials),
}

/// What AWS calls credentials. The id of the access key is no secret: it stands in every signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// The id of the access key.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// Sent along with keys that are good for a time only.
    pub session_token: Option<Secret>,
}

impl Token {
    /// How long it is good at this time; `None`: it is not. One that does not expire is good for ever.
    pub(crate) fn left(&self, now: SystemTime) -> Option<Duration> {
        let Some(expires) = self.expires else {
            return Some(Duration::MAX);
        };
        let left = expires.duration_since(now).ok()?;
        (!left.is_zero()).then_some(left)
    }
}
