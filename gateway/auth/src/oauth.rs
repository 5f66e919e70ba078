//! The answers of token endpoints, as OAuth has them (RFC 6749, sections 5.1 and 5.2). Entra and Google both speak so.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::{Problem, Response, Secret, Token, Value, words};

/// A server's own words for a refusal.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// Such as `invalid_client`.
    pub(crate) code: String,
    /// A sentence or more; not cut clean.
    pub(crate) said: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds. A number; some servers write it as a text.
    expires_in: Json,
}

/// Reads a good answer to a request that was sent at `asked`.
///
/// # Errors
/// It is not one.
pub(crate) fn granted(
    server: &str,
    response: &Response,
    asked: SystemTime,
) -> Result<Token, Problem> {
    let malformed = |what| Problem::Malformed {
        server: server.to_owned(),
        what,
    };
    let granted: Granted = serde_json::from_slice(&response.body)
        .map_err(|_| malformed("an answer without access_token and expires_in"))?;
    let seconds = match &granted.expires_in {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    let seconds = seconds.filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| malformed("a token whose expires_in is not a time"))?;
    let expires = asked.checked_add(Duration::from_secs(seconds));
    bearer(server, granted.access_token, expires)
}

/// A token that goes into a header.
///
/// # Errors
/// It would not fit there, or lasts for ever.
pub(crate) fn bearer(
    server: &str,
    token: String,
    expires: Option<SystemTime>,
) -> Result<Token, Problem> {
    let value = Secret::new(token);
    if expires.is_none() || !value.fits_a_header() {
        return Err(Problem::Malformed {
            server: server.to_owned(),
            what: "a token that cannot be one",
        });
    }
    Ok(Token {
        value: Value::Bearer(value),
        expires,
    })
}

/// Reads a refusal: `{"error": "code", "error_description": "..."}`, or as Google's other services write it,
/// `{"error": {"status": "CODE", "message": "..."}}`. What is neither has no words.
pub(crate) fn refusal(body: &[u8]) -> Refusal {
    let Ok(Json::Object(answer)) = serde_json::from_slice(body) else {
        return Refusal::default();
    };
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    match answer.get("error") {
        Some(Json::Object(error)) => Refusal {
            code: text(error.get("status")),
            said: text(error.get("message")),
        },
        error => Refusal {
            code: text(error),
            said: text(answer.get("error_description")),
        },
    }
}

/// Makes a problem of a refusal. `secrets` were sent.
pub(crate) fn refused(
    server: &str,
    response: &Response,
    refusal: &Refusal,
    secrets: &[&Secret],
    mend: &'static str,
) -> Problem {
    // What is no answer of such a server at all: a login page, a redirect, a proxy's words.
    if refusal.code.is_empty() && !(400..500).contains(&response.status) {
        return Problem::Malformed {
            server: server.to_owned(),
            what: "an answer that is neither a token nor a refusal",
        };
    }
    let or = |text: String, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text
        }
    };
    Problem::Refused {
        server: server.to_owned(),
        status: response.status,
        code: or(words::clean(&refusal.code, secrets), "without a code"),
        said: or(words::clean(&refusal.said, secrets), "no reason was given"),
        mend,
    }
}
