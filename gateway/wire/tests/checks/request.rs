//! A request that parses: its upstream body says the same, but for the model and the wish for usage.

use bytes::Bytes;
use fairlead_wire::openai::request::{Request, parse};

/// A name that needs escapes.
const UPSTREAM: &str = "up\"stream\\\u{1}\u{e9}";

/// Holds for any bytes.
pub(crate) fn check(data: &[u8]) {
    let Ok(request) = parse(data) else { return };
    let body = Bytes::copy_from_slice(data);

    let same = request.edits().upstream_body(&body, &request.model, false);
    assert_eq!(
        same.as_slice().first().map(|piece| piece.as_ptr()),
        Some(body.as_ptr()),
        "copied without need"
    );
    assert_eq!(same.to_bytes(), body);

    for ask_usage in [false, true] {
        let pieces = request.edits().upstream_body(&body, UPSTREAM, ask_usage);
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
