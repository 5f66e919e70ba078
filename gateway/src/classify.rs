//! What a provider's refusal means: status, headers and error body to a failure class (`docs/failures.md`). Pure.

use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::ErrorFacts;

/// The class of an error answer in the OpenAI dialect. An error that came with status 200, or inside a stream, has its own status or
/// none.
#[must_use]
pub fn classify(status: Option<u16>, error: Option<&ErrorFacts>) -> FailureClass {
    if let Some(class) = error.and_then(by_code) {
        return class;
    }
    match status.or_else(|| error.and_then(|facts| facts.status)) {
        Some(status) => by_status(status, error),
        None => FailureClass::ServerError,
    }
}

/// Codes that mean the same whatever the status: several servers send them with 400, 200 or 500.
fn by_code(error: &ErrorFacts) -> Option<FailureClass> {
    let marks = [error.code.as_deref(), error.kind.as_deref()];
    let has = |needles: &[&str]| {
        marks
            .iter()
            .flatten()
            .any(|mark| needles.iter().any(|needle| mark.contains(needle)))
    };
    if has(&["context_length_exceeded", "string_above_max_length"]) {
        Some(FailureClass::ContextTooLong)
    } else if has(&[
        "content_filter",
        "content_policy",
        "ResponsibleAIPolicyViolation",
    ]) {
        Some(FailureClass::ContentFiltered)
    } else if has(&[
        "invalid_api_key",
        "authentication_error",
        "invalid_authentication",
        "account_deactivated",
    ]) {
        Some(FailureClass::BadCredential)
    } else if has(&[
        "rate_limit",
        "insufficient_quota",
        "quota_exceeded",
        "tokens_per_min",
    ]) {
        Some(FailureClass::RateLimited)
    } else if has(&["overloaded", "capacity_exceeded", "engine_overloaded"]) {
        Some(FailureClass::Overloaded)
    } else {
        None
    }
}

fn by_status(status: u16, error: Option<&ErrorFacts>) -> FailureClass {
    match status {
        400 | 422 if error.is_some_and(says_too_long) => FailureClass::ContextTooLong,
        400 | 422 => FailureClass::BadRequest,
        413 => FailureClass::ContextTooLong,
        // 402: the account behind the credential has no money left.
        401..=403 => FailureClass::BadCredential,
        // The target, not the request, is at fault: this provider knows neither the path nor the model.
        404 | 410 => FailureClass::Unavailable,
        408 | 425 => FailureClass::ServerError,
        429 => FailureClass::RateLimited,
        // 498: Groq's flex tier has no capacity; 529: overloaded, as several providers say it.
        498 | 503 | 529 => FailureClass::Overloaded,
        500..=599 => FailureClass::ServerError,
        400..=499 => FailureClass::BadRequest,
        // Redirects are never followed, and an informational or empty success is not an answer.
        _ => FailureClass::ProtocolError,
    }
}

/// vLLM, Ollama and others say it only in words.
fn says_too_long(error: &ErrorFacts) -> bool {
    let Some(message) = error.message.as_deref() else {
        return false;
    };
    let message = message.to_ascii_lowercase();
    [
        "maximum context length",
        "context length",
        "context window",
        "prompt is too long",
        "too many tokens",
    ]
    .iter()
    .any(|phrase| message.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(code: &str, message: &str) -> ErrorFacts {
        ErrorFacts {
            code: Some(code.to_owned()),
            message: Some(message.to_owned()),
            ..ErrorFacts::default()
        }
    }

    #[test]
    fn a_status_without_a_body_decides_alone() {
        let table = [
            (400, FailureClass::BadRequest),
            (401, FailureClass::BadCredential),
            (402, FailureClass::BadCredential),
            (403, FailureClass::BadCredential),
            (404, FailureClass::Unavailable),
            (408, FailureClass::ServerError),
            (413, FailureClass::ContextTooLong),
            (422, FailureClass::BadRequest),
            (429, FailureClass::RateLimited),
            (500, FailureClass::ServerError),
            (502, FailureClass::ServerError),
            (503, FailureClass::Overloaded),
            (529, FailureClass::Overloaded),
            (301, FailureClass::ProtocolError),
            (204, FailureClass::ProtocolError),
        ];
        for (status, class) in table {
            assert_eq!(classify(Some(status), None), class, "{status}");
        }
    }

    #[test]
    fn a_code_goes_before_the_status() {
        assert_eq!(
            classify(Some(400), Some(&facts("context_length_exceeded", ""))),
            FailureClass::ContextTooLong
        );
        assert_eq!(
            classify(Some(400), Some(&facts("invalid_api_key", ""))),
            FailureClass::BadCredential
        );
        assert_eq!(
            classify(Some(413), Some(&facts("rate_limit_exceeded", ""))),
            FailureClass::RateLimited
        );
        assert_eq!(
            classify(Some(200), Some(&facts("content_filter", ""))),
            FailureClass::ContentFiltered
        );
    }

    #[test]
    fn too_long_may_be_said_in_words() {
        let error = facts(
            "BadRequestError",
            "This model's maximum context length is 4096 tokens.",
        );
        assert_eq!(
            classify(Some(400), Some(&error)),
            FailureClass::ContextTooLong
        );
    }

    #[test]
    fn an_error_without_a_status_is_the_servers() {
        assert_eq!(
            classify(None, Some(&facts("boom", "boom"))),
            FailureClass::ServerError
        );
        let numbered = ErrorFacts {
            status: Some(429),
            ..ErrorFacts::default()
        };
        assert_eq!(classify(None, Some(&numbered)), FailureClass::RateLimited);
    }
}
