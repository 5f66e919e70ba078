//! Errors of many upstreams (`fixtures/errors`), and our own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fairlead_wire::openai::{ErrorFacts, error_body, render_error};

#[test]
fn reads_the_errors_of_many_upstreams() {
    let mut out = String::new();
    for path in fixtures("errors") {
        let facts = error_body(&fs::read(&path).unwrap());
        writeln!(
            out,
            "{}: {facts:?}",
            path.file_stem().unwrap().to_str().unwrap()
        )
        .unwrap();
    }
    insta::assert_snapshot!("errors", out);
}

/// The files of a folder of fixtures, by name.
pub(crate) fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_status_is_read_only_where_it_is_one() {
    for (code, status) in [
        ("429", Some(429)),
        ("\"503\"", Some(503)),
        ("399", None),
        ("600", None),
        ("4.29e2", None),
        ("\"x\"", None),
    ] {
        let facts = error_body(format!(r#"{{"error":{{"code":{code}}}}}"#).as_bytes()).unwrap();
        assert_eq!(facts.status, status, "{code}");
        assert!(facts.code.is_some());
    }
}

#[test]
fn closer_reasons_are_read_wherever_they_stand() {
    let read = |body: &str| error_body(body.as_bytes()).unwrap();
    let google = read(
        r#"[{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"},{"reason":"RATE_LIMIT_EXCEEDED"}]}}]"#,
    );
    assert_eq!(google.reason.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
    assert_eq!(google.retry_delay.as_deref(), Some("17s"));
    let azure = read(
        r#"{"error":{"message":"Filtered.","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
    );
    assert_eq!(
        azure.reason.as_deref(),
        Some("ResponsibleAIPolicyViolation")
    );
    let openrouter = read(
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":\"prompt is too long\"}"}}}"#,
    );
    assert_eq!(
        openrouter.further.as_deref(),
        Some("{\"error\":\"prompt is too long\"}")
    );
    let flagged = read(
        r#"{"error":{"message":"Moderated.","code":403,"metadata":{"reasons":["x"],"flagged_input":"..."}}}"#,
    );
    assert_eq!(flagged.reason.as_deref(), Some("flagged_input"));
    // A proxy's, with the text of another server's in its message.
    let nested = read(
        r#"{"error":{"message":"{\n \"error\": {\"code\": 400, \"message\": \"API key expired.\", \"details\": [{\"reason\": \"API_KEY_INVALID\"}]}}","code":400}}"#,
    );
    assert_eq!(nested.reason.as_deref(), Some("API_KEY_INVALID"));
    assert_eq!(nested.message.as_deref(), Some("API key expired."));
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let body = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
    assert_eq!(
        error_body(body.as_bytes()).unwrap().message.unwrap(),
        "é".repeat(2048)
    );
}

#[test]
fn renders_an_error_that_it_can_read_again() {
    let message = "say \"model\":\n\u{1}\\ é";
    let body = render_error(
        "unknown_model",
        "invalid_request_error",
        message,
        Some("model"),
    );
    let tree: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        tree,
        serde_json::json!({"error": {"message": message, "type": "invalid_request_error", "param": "model", "code": "unknown_model"}})
    );
    let facts = ErrorFacts {
        code: Some("unknown_model".into()),
        kind: Some("invalid_request_error".into()),
        message: Some(message.into()),
        ..ErrorFacts::default()
    };
    assert_eq!(error_body(&body), Some(facts));
    assert!(
        String::from_utf8(render_error("c", "t", "m", None))
            .unwrap()
            .contains(r#""param":null"#)
    );
}
