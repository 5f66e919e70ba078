//! The provider's own words, where they are for the caller. Pure.

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use fairlead_wire::json::{Limits, Object};
use fairlead_wire::openai::ErrorFacts;

use http::StatusCode;

use super::reject;
use crate::failure::class::consequences;
use crate::surface::Surface;

/// To whom an error is told, and as what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling {
    /// What it counts as.
    pub class: FailureClass,
    /// Its status.
    pub status: u16,
    /// What the caller speaks.
    pub surface: Surface,
    /// Whether the provider speaks the same.
    pub same: bool,
}

/// A provider's error as the body of a refusal: as it came, unless the provider speaks otherwise than the caller (`same`), it is a list, or its
/// code is one of the gateway's.
#[must_use]
pub(crate) fn as_body(facts: &ErrorFacts, body: Bytes, telling: Telling) -> Bytes {
    // Google puts the object into a list, in which no SDK finds it.
    let is_list = body.trim_ascii_start().starts_with(b"[");
    if !telling.same || is_list || looks_like_ours(facts) {
        anew(facts, telling)
    } else {
        body
    }
}

/// The same as an event of a stream, where only an object with a member `error` is understood.
#[must_use]
pub(crate) fn as_event(facts: &ErrorFacts, data: Option<Bytes>, telling: Telling) -> Bytes {
    let named = |data: &Bytes| {
        Object::parse(data, &Limits::default()).is_ok_and(|object| object.get("error").is_some())
    };
    match data.filter(named) {
        Some(data) => as_body(facts, data, telling),
        None => anew(facts, telling),
    }
}

/// The status of an error that stands in a success: the one that it claims, or that of what it counts as.
#[must_use]
pub(crate) fn status(facts: &ErrorFacts, class: FailureClass) -> StatusCode {
    let claimed = facts
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    claimed.unwrap_or_else(|| consequences(class).status)
}

/// Whether somebody would take it for a refusal by the gateway itself.
fn looks_like_ours(facts: &ErrorFacts) -> bool {
    facts.code.as_deref().is_some_and(reject::is_ours)
}

fn anew(facts: &ErrorFacts, telling: Telling) -> Bytes {
    let theirs = facts.code.as_deref().filter(|code| !reject::is_ours(code));
    // A code of another dialect says nothing to the caller.
    let code = match code_of(telling.class) {
        Some(code) if !telling.same => code,
        _ => theirs.unwrap_or(reject::PROVIDER_REFUSED),
    };
    // Nor does Amazon's name for an exception.
    let theirs = facts.kind.as_deref();
    let kind = theirs
        .filter(|kind| !kind.ends_with("Exception"))
        .unwrap_or("invalid_request_error");
    let message = facts
        .message
        .as_deref()
        .unwrap_or("the provider does not say why");
    let Telling {
        status, surface, ..
    } = telling;
    surface.error(status, code, kind, message, None).into()
}

/// The code by which OpenAI's clients know a class of refusals.
fn code_of(class: FailureClass) -> Option<&'static str> {
    match class {
        FailureClass::ContextTooLong => Some("context_length_exceeded"),
        FailureClass::ContentFiltered => Some("content_filter"),
        FailureClass::Connect
        | FailureClass::Reset
        | FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::TotalTimeout
        | FailureClass::RateLimited
        | FailureClass::Overloaded
        | FailureClass::ServerError
        | FailureClass::ProtocolError
        | FailureClass::BadCredential
        | FailureClass::BadRequest
        | FailureClass::ClientGone
        | FailureClass::Unavailable => None,
    }
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::error_body;

    use super::*;

    const SAME: Telling = Telling {
        class: FailureClass::BadRequest,
        status: 400,
        surface: Surface::OpenAi,
        same: true,
    };

    #[test]
    fn a_class_has_the_code_that_the_callers_clients_know() {
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}}"#;
        let telling = Telling {
            class: FailureClass::ContextTooLong,
            same: false,
            ..SAME
        };
        let told = error_body(&as_body(&facts(body), body.into(), telling)).unwrap();
        assert_eq!(
            (told.code.as_deref(), told.message.as_deref()),
            (Some("context_length_exceeded"), Some("prompt is too long"))
        );
    }

    fn body_of(facts: &ErrorFacts, body: Bytes) -> Bytes {
        as_body(facts, body, SAME)
    }

    fn event_of(facts: &ErrorFacts, data: Option<Bytes>) -> Bytes {
        as_event(facts, data, SAME)
    }

    fn facts(body: &str) -> ErrorFacts {
        error_body(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_providers_code_is_not_taken_for_one_of_ours() {
        for (code, shown) in [
            ("invalid_key", "provider_refused"),
            ("rate_limited", "provider_refused"),
            ("content_filter", "content_filter"),
        ] {
            let body = format!(r#"{{"error":{{"message":"No.","type":"x","code":"{code}"}}}}"#);
            let facts = facts(&body);
            for told in [
                body_of(&facts, body.clone().into()),
                event_of(&facts, Some(body.clone().into())),
            ] {
                let told = error_body(&told).unwrap();
                assert_eq!(
                    (told.code.as_deref(), told.message.as_deref()),
                    (Some(shown), Some("No."))
                );
            }
        }
    }

    #[test]
    fn a_list_becomes_the_object_in_it() {
        let list = r#"[{"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT"}}]"#;
        let told = error_body(&body_of(&facts(list), list.into())).unwrap();
        assert_eq!(
            (told.code.as_deref(), told.message.as_deref()),
            (Some("400"), Some("No."))
        );
    }

    #[test]
    fn in_a_stream_an_error_has_the_shape_of_one() {
        for body in [
            r#"{"message":"No.","type":"invalid_request_error","code":"x"}"#,
            r#"{"choices":[{"index":0,"error":{"message":"No.","code":"x"}}]}"#,
        ] {
            let told = event_of(&facts(body), Some(Bytes::copy_from_slice(body.as_bytes())));
            let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(
                (&told["error"]["message"], &told["error"]["code"]),
                (&"No.".into(), &"x".into()),
                "{body}"
            );
        }
        let whole = r#"{"error":{"message":"No.","code":"x","more":[1.50]}}"#;
        assert_eq!(event_of(&facts(whole), Some(whole.into())), whole);
    }
}
