//! A request that parses: its upstream body says the same, but for the model and the wish for usage.

use bytes::Bytes;
use fairlead_wire::openai::continuation::Continuation;
use fairlead_wire::openai::request::{Request, parse};
use serde_json::{Value, json};

/// A name that needs escapes.
const UPSTREAM: &str = "up\"stream\\\u{1}\u{e9}";

/// Holds for any bytes.
pub(crate) fn check(data: &[u8]) {
    let Ok(request) = parse(data) else { return };
    let body = Bytes::copy_from_slice(data);
    check_continued(&request, &body);

    let same = request
        .edits(true)
        .upstream_body(&body, &request.model, false);
    assert_eq!(
        same.as_slice().first().map(|piece| piece.as_ptr()),
        Some(body.as_ptr()),
        "copied without need"
    );
    assert_eq!(same.to_bytes(), body);

    for ask_usage in [false, true] {
        let pieces = request
            .edits(true)
            .upstream_body(&body, UPSTREAM, ask_usage);
        let upstream = pieces.to_bytes();
        assert_eq!(upstream.len(), pieces.len_bytes());
        let sent = parse(&upstream);
        assert!(sent.is_ok(), "{sent:?}");
        if let Ok(sent) = sent {
            assert_eq!(sent.model, UPSTREAM);
            assert_eq!(
                sent.include_usage,
                request.include_usage || (ask_usage && request.stream)
            );
            assert_eq!(others(&sent), others(&request));
        }
    }
}

/// The request for the rest of an answer is a request too, and its last message says what was said.
fn check_continued(request: &Request<'_>, body: &Bytes) {
    let Some(continuation) = Continuation::of(&request.object) else {
        return;
    };
    let text = continuation.request(body, UPSTREAM, 3).to_bytes();
    let continued: Option<Value> = serde_json::from_slice(&text).ok();
    // Lone surrogates are passed on; the tree's reader refuses them.
    let before: Option<Value> = serde_json::from_slice(body).ok();
    assert_eq!(continued.is_some(), before.is_some());
    assert!(parse(&text).is_ok());
    if let (Some(continued), Some(before)) = (continued, before) {
        let messages = |tree: &Value| tree["messages"].as_array().cloned().unwrap_or_default();
        let mut expected = messages(&before);
        expected.push(json!({"role": "assistant", "content": UPSTREAM}));
        assert_eq!(messages(&continued), expected);
    }
}

fn others(request: &Request<'_>) -> Vec<(String, String)> {
    let changed = |key: &str| key == "model" || key == "stream_options";
    let members = request
        .object
        .members()
        .iter()
        .filter(|member| !changed(&member.key));
    members
        .map(|member| {
            (
                member.key.to_string(),
                request.object.text(member).to_owned(),
            )
        })
        .collect()
}
