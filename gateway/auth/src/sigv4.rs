//! Requests signed as AWS wants it: Signature Version 4, in headers.
//!
//! Last thing before an attempt is sent, when its path, headers and body are what they will be: a signature covers them all. Pure; nothing
//! fails, what AWS does not like it refuses. Source: "Signature Version 4 signing process", AWS General Reference; where that leaves a
//! choice, what botocore does, which the tests compare with. Paths are encoded once more than they are sent, as everywhere but in S3.

mod canonical;

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use jiff::Timestamp;

use crate::encode::hex;
use crate::{AwsCredentials, Secret};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What of a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The method.
    pub method: &'a str,
    /// The `Host` header (or `:authority`) exactly as it is sent: with a port only if it is not the usual one.
    pub host: &'a str,
    /// The path as it is sent, percent-encoded.
    pub path: &'a str,
    /// The query as it is sent, without the question mark.
    pub query: &'a str,
    /// Headers that are signed besides those of the signature itself. Those that change on the way are left out, as botocore leaves them out.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub payload: Payload<'a>,
}

/// The body of a request, as a signature covers it.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Its SHA-256, where somebody knows it already.
    Sha256([u8; 32]),
    /// Not covered; few services take this.
    Unsigned,
}

/// What a signature is good for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Such as `eu-west-1`.
    pub region: &'a str,
    /// Such as `bedrock`.
    pub service: &'a str,
}

/// The headers of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `Authorization`
    pub authorization: Secret,
    /// `X-Amz-Date`
    pub date: String,
    /// `X-Amz-Security-Token`, where the credentials have a session token.
    pub session_token: Option<Secret>,
    /// `X-Amz-Content-Sha256`, where the body is not covered.
    pub content: Option<&'static str>,
}

impl Signed {
    /// Names, in lower case, and values: to be set, in place of any that are there.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let token = self.session_token.as_ref().map(Secret::expose);
        let pairs = [
            ("authorization", Some(self.authorization.expose())),
            ("x-amz-date", Some(self.date.as_str())),
            ("x-amz-security-token", token),
            ("x-amz-content-sha256", self.content),
        ];
        let there = |(name, value): (&'static str, Option<_>)| value.map(|value| (name, value));
        pairs.into_iter().filter_map(there)
    }
}

/// Signs a request. AWS takes it for five minutes before and after `time`.
#[must_use]
pub fn sign(
    parts: &Parts<'_>,
    credentials: &AwsCredentials,
    scope: Scope<'_>,
    time: SystemTime,
) -> Signed {
    // A clock that is set beyond the end of 9999 has its request refused like any other that is wrong.
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = date.get(..8).unwrap_or_default();
    let Scope { region, service } = scope;
    let content = matches!(parts.payload, Payload::Unsigned).then_some(UNSIGNED);
    let mut own = vec![("host", parts.host), ("x-amz-date", &date)];
    let token = credentials.session_token.as_ref();
    own.extend(token.map(|token| ("x-amz-security-token", token.expose())));
    own.extend(content.map(|content| ("x-amz-content-sha256", content)));
    let canonical = canonical::request(parts, &own, &payload(parts.payload));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{scope}\n{}",
        hex(digest(&SHA256, canonical.text.as_bytes()).as_ref())
    );
    let first = Secret::new(format!("AWS4{}", credentials.secret_key.expose()));
    let mut key = mac(first.expose().as_bytes(), day);
    for part in [region, service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    let signature = hex(mac(key.as_ref(), &to_sign).as_ref());
    let (access_key, names) = (&credentials.access_key, &canonical.names);
    Signed {
        authorization: Secret::new(format!(
            "{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )),
        date,
        session_token: credentials.session_token.clone(),
        content,
    }
}

fn payload(payload: Payload<'_>) -> String {
    match payload {
        Payload::Bytes(bytes) => hex(digest(&SHA256, bytes).as_ref()),
        Payload::Sha256(digest) => hex(&digest),
        Payload::Unsigned => UNSIGNED.to_owned(),
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}
