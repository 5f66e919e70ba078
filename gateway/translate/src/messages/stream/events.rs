//! Events as they are written: every one with its name, for callers pass over those without.

use crate::Text;
use crate::write::Json;

/// An event that is written once or twice in an answer.
pub(super) fn event(out: &mut Vec<u8>, name: &str, members: impl FnOnce(&mut Json)) {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("type").str(name);
        members(json);
    });
    whole(out, name, &json.finish());
}

/// An event whose data is made.
pub(super) fn whole(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    for part in [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"] {
        out.extend_from_slice(part);
    }
}

/// The start of a block.
pub(super) fn start(out: &mut Vec<u8>, index: u64, block: impl FnOnce(&mut Json)) {
    event(out, "content_block_start", |json| {
        json.key("index").number(index);
        json.key("content_block").object(block);
    });
}

/// The end of a block.
pub(super) fn stop(out: &mut Vec<u8>, index: u64) {
    event(out, "content_block_stop", |json| {
        json.key("index").number(index);
    });
}

/// More of a block: `kind` is `text_delta` and the like, `member` what its text is called.
pub(super) fn delta(out: &mut Vec<u8>, index: u64, kind: &str, member: &str, text: &Text<'_>) {
    // By hand, for this is what a stream is made of.
    for part in [
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        &index.to_string(),
        ",\"delta\":{\"type\":\"",
        kind,
        "\",\"",
        member,
        "\":\"",
        text.as_written(),
        "\"}}\n\n",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
}
