use fairlead_wire::openai::error_body;

use super::*;

fn facts(code: &str, message: &str) -> ErrorFacts {
    ErrorFacts {
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
        ..ErrorFacts::default()
    }
}

fn class(status: Option<u16>, error: Option<&ErrorFacts>) -> FailureClass {
    judge(status, error).class
}

#[test]
fn a_status_without_a_body_decides_alone() {
    let table = [
        (400, FailureClass::BadRequest),
        (401, FailureClass::BadCredential),
        // Nothing is known of these but that this request was refused.
        (402, FailureClass::BadRequest),
        (403, FailureClass::BadRequest),
        (404, FailureClass::Unavailable),
        (408, FailureClass::ServerError),
        (413, FailureClass::ContextTooLong),
        (422, FailureClass::BadRequest),
        (424, FailureClass::ServerError),
        (429, FailureClass::RateLimited),
        (500, FailureClass::ServerError),
        (502, FailureClass::ServerError),
        (503, FailureClass::Overloaded),
        (529, FailureClass::Overloaded),
        (301, FailureClass::ProtocolError),
        (204, FailureClass::ProtocolError),
    ];
    for (status, expected) in table {
        assert_eq!(class(Some(status), None), expected, "{status}");
        assert!(!judge(Some(status), None).shown, "{status}");
    }
}

#[test]
fn what_providers_have_answered_is_understood() {
    let refusals = include_str!("refusals.tsv").lines();
    let mut count = 0;
    for line in refusals.filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let [expected, status, who, _, body] = fields[..] else {
            panic!("{line}")
        };
        let facts = error_body(body.as_bytes());
        let judged = judge(status.parse().ok(), facts.as_ref());
        assert_eq!(judged.class.as_str(), expected, "{who}: {body}\n{facts:?}");
        count += 1;
    }
    assert!(count > 60);
}

#[test]
fn a_status_that_says_something_else_than_the_refusal_is_not_shown() {
    for (class, status, shown) in [
        (FailureClass::BadRequest, 422, 422),
        (FailureClass::BadRequest, 403, 403),
        (FailureClass::ContextTooLong, 422, 422),
        (FailureClass::ContextTooLong, 500, 400),
        (FailureClass::Overloaded, 400, 503),
        (FailureClass::Overloaded, 429, 503),
        (FailureClass::Overloaded, 529, 529),
        (FailureClass::ServerError, 500, 500),
        (FailureClass::ServerError, 408, 408),
        (FailureClass::Unavailable, 403, 403),
        (FailureClass::Unavailable, 404, 404),
        (FailureClass::ProtocolError, 302, 302),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            shown_status(class, status).as_u16(),
            shown,
            "{class:?} {status}"
        );
    }
}

#[test]
fn a_code_goes_before_the_status() {
    for (status, code, expected) in [
        (400, "context_length_exceeded", FailureClass::ContextTooLong),
        (400, "invalid_api_key", FailureClass::BadCredential),
        (413, "rate_limit_exceeded", FailureClass::RateLimited),
        (200, "content_filter", FailureClass::ContentFiltered),
    ] {
        let status = Some(status).filter(|status| *status != 200);
        assert_eq!(class(status, Some(&facts(code, ""))), expected, "{code}");
    }
}

#[test]
fn an_error_without_a_status_is_the_servers() {
    assert_eq!(
        class(None, Some(&facts("boom", "boom"))),
        FailureClass::ServerError
    );
    let numbered = ErrorFacts {
        status: Some(429),
        ..ErrorFacts::default()
    };
    assert_eq!(class(None, Some(&numbered)), FailureClass::RateLimited);
}

#[test]
fn words_that_a_caller_has_a_provider_repeat_do_not_bench_its_credential() {
    for words in [
        "Invalid value: 'API key not valid. Please pass a valid API key.'. Supported values are: 'auto'.",
        "Unknown model: Incorrect API key provided",
        "[{'msg': 'Input should be a string', 'input': 'insufficient balance'}]",
        "Invalid value: 'Model is overloaded'",
    ] {
        for status in [400, 403, 422] {
            let error = facts("invalid_value", words);
            assert_eq!(
                class(Some(status), Some(&error)),
                FailureClass::BadRequest,
                "{words}"
            );
        }
    }
}

#[test]
fn words_about_the_request_are_shown_and_words_about_our_account_are_not() {
    let shown = |status, code, message| judge(status, Some(&facts(code, message))).shown;
    for (status, code) in [
        (Some(400), "x"),
        (Some(413), "x"),
        (Some(422), "x"),
        (Some(403), "content_filter"),
        (None, "content_filter"),
        (None, "invalid_request_error"),
    ] {
        assert!(shown(status, code, "No."), "{status:?} {code}");
    }
    for (status, code) in [
        (Some(401), "x"),
        (Some(402), "x"),
        (Some(404), "model_not_found"),
        (Some(429), "context_length_exceeded"),
        (Some(429), "x"),
        (Some(500), "x"),
        (Some(503), "x"),
        (Some(400), "invalid_api_key"),
        (Some(302), "x"),
        (None, "x"),
    ] {
        assert!(!shown(status, code, "No."), "{status:?} {code}");
    }
    assert!(!shown(
        Some(413),
        "rate_limit_exceeded",
        "Request too large for model `x` in organization `org_1` on tokens per minute"
    ));
}
