//! Gemini: `generateContent` and `streamGenerateContent`, which Vertex AI's Google publisher speaks, too.
//!
//! The model and whether the answer is streamed stand in the URL, so [`request::read`] leaves `stream` to its caller and
//! [`request::write`] writes neither. Members may be named in `camelCase` or in `snake_case`, as proto's JSON has it; null is absent.
//! Calls may come without an id, and then are told apart by name and order; who they came from is proved by a signature
//! beside the part that bears it.
//!
//! Numbers go as they are written, but Gemini itself reads those of `args` and `response` as doubles (they are proto's `Struct`): a whole number
//! beyond 2^53 comes to the model, and back from it, rounded. Whoever needs all its digits has to make a text of it.

pub mod answer;
mod candidate;
pub mod embed;
mod finish;
mod ids;
mod logprobs;
mod media;
mod members;
mod named;
mod part;
pub mod predict;
pub mod request;
mod response;
mod schema;
mod signature;
mod spoken;
pub mod stream;
mod usage;

pub use named::{may_name_model, renamed};

use crate::write::Json;

/// An error as Google tells it; our code is the reason in its details.
#[must_use]
pub fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let mut json = Json::with_capacity(192 + message.len());
    json.object(|json| {
        json.key("error").object(|json| {
            json.key("code").number(u64::from(status));
            json.key("message").str(message);
            json.key("status").str(status_word(status));
            json.key("details").array(|json| {
                json.object(|json| {
                    json.key("@type")
                        .str("type.googleapis.com/google.rpc.ErrorInfo");
                    json.key("reason").str(code);
                    json.key("domain").str("fairlead.dev");
                });
            });
        });
    });
    json.finish()
}

/// How many tokens `countTokens` has counted, if that is what a body says.
#[must_use]
pub fn counted(body: &[u8]) -> Option<u64> {
    let object = fairlead_json::Object::parse(body, &fairlead_json::Limits::default()).ok()?;
    members::whole(object.read("totalTokens").ok()??)
}

/// The name of gRPC that goes with a status of HTTP.
fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 412 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        502 | 503 | 529 => "UNAVAILABLE",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_error_has_the_shape_of_google() {
        let error = super::error(429, "rate_limited", "wait \"a bit\"");
        assert_eq!(
            String::from_utf8(error).unwrap(),
            r#"{"error":{"code":429,"message":"wait \"a bit\"","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"rate_limited","domain":"fairlead.dev"}]}}"#
        );
    }
}
