//! Mistral: bare identifiers, usage on the finish chunk, asked for or not, and errors without an envelope.
//!
//! Source: its API reference, "Chat Completion"; error bodies as its clients report them (`{"object":"error",…,"code":"1500"}`), and
//! those of its validation layer (`{"detail":[…]}`, status 422).

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    body["id"] = identifier(draft).into();
    body["usage"] = draft.usage();
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = openai::chunks(draft);
    for chunk in &mut chunks {
        chunk["id"] = identifier(draft).into();
    }
    if let Some(last) = chunks.last_mut() {
        last["choices"][0]["delta"] = json!({"content": ""});
        last["usage"] = draft.usage();
    }
    chunks.iter().map(event).collect()
}

fn identifier(draft: &Draft<'_>) -> String {
    draft
        .id
        .replace("chatcmpl-", "f798ebd5c41a45d88bb0796351210")
}

pub(super) fn error(status: u16) -> Value {
    let (kind, code, message) = match status {
        400 => ("invalid_model", Some("1500"), "Invalid model: nope"),
        // What the gateway in front of the service answers has another form again.
        401 => return json!({"detail": "Unauthorized"}),
        422 => {
            return json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]});
        }
        429 => ("rate_limited", Some("1300"), "Rate limit exceeded"),
        503 => (
            "service_tier_capacity_exceeded",
            Some("3505"),
            "Service tier capacity exceeded for this model.",
        ),
        _ => (
            "internal_server_error",
            Some("1000"),
            "Internal server error",
        ),
    };
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": code, "raw_status_code": status})
}
