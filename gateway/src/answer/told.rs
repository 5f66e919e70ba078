//! The provider's own words, where they are for the caller. Pure.

use bytes::Bytes;
use fairlead_wire::json::{Limits, Object};
use fairlead_wire::openai::{ErrorFacts, render_error};

use super::reject;

/// A provider's error as the body of a refusal: as it came, unless it is a list, or its code is one of the gateway's.
#[must_use]
pub(crate) fn as_body(facts: &ErrorFacts, body: Bytes) -> Bytes {
    // Google puts the object into a list, in which no SDK finds it.
    let is_list = body.trim_ascii_start().starts_with(b"[");
    if is_list || looks_like_ours(facts) {
        anew(facts)
    } else {
        body
    }
}

/// The same as an event of a stream, where only an object with a member `error` is understood.
#[must_use]
pub(crate) fn as_event(facts: &ErrorFacts, data: Option<Bytes>) -> Bytes {
    let named = |data: &Bytes| {
        Object::parse(data, &Limits::default()).is_ok_and(|object| object.get("error").is_some())
    };
    match data.filter(named) {
        Some(data) => as_body(facts, data),
        None => anew(facts),
    }
}

/// Whether somebody would take it for a refusal by the gateway itself.
fn looks_like_ours(facts: &ErrorFacts) -> bool {
    facts.code.as_deref().is_some_and(reject::is_ours)
}

fn anew(facts: &ErrorFacts) -> Bytes {
    let code = facts.code.as_deref().filter(|code| !reject::is_ours(code));
    let kind = facts.kind.as_deref().unwrap_or("invalid_request_error");
    let message = facts
        .message
        .as_deref()
        .unwrap_or("the provider does not say why");
    render_error(
        code.unwrap_or(reject::PROVIDER_REFUSED),
        kind,
        message,
        None,
    )
    .into()
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::error_body;

    use super::*;

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
                as_body(&facts, body.clone().into()),
                as_event(&facts, Some(body.clone().into())),
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
        let told = error_body(&as_body(&facts(list), list.into())).unwrap();
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
            let told = as_event(&facts(body), Some(Bytes::copy_from_slice(body.as_bytes())));
            let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(
                (&told["error"]["message"], &told["error"]["code"]),
                (&"No.".into(), &"x".into()),
                "{body}"
            );
        }
        let whole = r#"{"error":{"message":"No.","code":"x","more":[1.50]}}"#;
        assert_eq!(as_event(&facts(whole), Some(whole.into())), whole);
    }
}
