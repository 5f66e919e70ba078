//! Answers, and what a browser is told of each of them.

use axum::response::{IntoResponse as _, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::source::Trouble;

/// Pages load what they are made of from here and from nowhere else, run no script that stands in them, and make no markup out of text.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What every answer says, whatever it is.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds what every answer says. What says nothing of caches is kept by none.
pub(crate) fn sealed(mut answer: Response) -> Response {
    let headers: &mut HeaderMap = answer.headers_mut();
    headers.extend(ALWAYS);
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// A value as JSON.
pub(crate) fn told(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => failed(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            &error.to_string(),
        ),
    }
}

/// A failure: a code for programs, and words for people that say what to do.
pub(crate) fn failed(status: StatusCode, code: &str, words: &str) -> Response {
    let body = json!({"error": {"code": code, "message": words}});
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, body.to_string()).into_response()
}

/// A failure after which the connection goes: the rest of what was being sent is not read.
pub(crate) fn cut(status: StatusCode, code: &str, words: &str) -> Response {
    let mut answer = failed(status, code, words);
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(header::CONNECTION, close);
    answer
}

/// A failure that is over by itself after so long.
pub(crate) fn wait(code: &str, words: &str, seconds: u64) -> Response {
    let mut answer = failed(StatusCode::TOO_MANY_REQUESTS, code, words);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.max(1).into());
    answer
}

impl Trouble {
    /// As an answer.
    pub(crate) fn answer(&self) -> Response {
        match self {
            Self::NotFound(words) => failed(StatusCode::NOT_FOUND, "not_found", words),
            Self::Bad(words) => failed(StatusCode::BAD_REQUEST, "bad_request", words),
            Self::Unavailable(words) => {
                failed(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words)
            }
            Self::Forbidden(words) => failed(StatusCode::FORBIDDEN, "forbidden", words),
            Self::Conflict(words) => failed(StatusCode::CONFLICT, "conflict", words),
            Self::TooOften(seconds) => {
                let words = format!("too many in a minute; it may be done again in {seconds} s");
                wait("too_often", &words, *seconds)
            }
            Self::Superseded => failed(
                StatusCode::CONFLICT,
                "superseded",
                "a later question of yours has taken the place of this one",
            ),
        }
    }
}
