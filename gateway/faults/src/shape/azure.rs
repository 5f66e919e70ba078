//! Azure OpenAI: OpenAI's events after a first chunk without choices that carries the verdict on the prompt.
//!
//! Source: Microsoft's reference for Azure OpenAI, "Content filtering", "Streaming"; its error bodies carry the status as a text.

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

fn prompt_verdict() -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    json!([{"prompt_index": 0, "content_filter_results": {"hate": safe, "self_harm": safe, "sexual": safe, "violence": safe}}])
}

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    body["prompt_filter_results"] = prompt_verdict();
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut first = openai::usage_chunk(draft, Value::Null);
    // The service sends no identity before the model has answered.
    first["id"] = "".into();
    first["model"] = "".into();
    first["object"] = "".into();
    first["created"] = 0.into();
    first["prompt_filter_results"] = prompt_verdict();
    let mut events = vec![event(&first)];
    events.extend(openai::chat_stream(draft));
    events
}

pub(super) fn error(status: u16) -> Value {
    json!({"error": {"code": status.to_string(), "message": openai::wording(status).2}})
}
