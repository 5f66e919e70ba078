//! Ollama: a role in every chunk, the finish chunk's included, and tool calls that come whole.
//!
//! Source: its documentation, "OpenAI compatibility"; streams and errors as its users report them.

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    body["system_fingerprint"] = "fp_ollama".into();
    body["usage"] = draft.usage();
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let reply = draft.reply;
    let mut deltas: Vec<_> = reply
        .words
        .iter()
        .map(|word| json!({"role": "assistant", "content": word}))
        .collect();
    if let Some(tool) = &reply.tool {
        let function = json!({"name": tool.name, "arguments": tool.arguments});
        let call = json!({"index": 0, "id": "call_0", "type": "function", "function": function});
        deltas.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
    }
    let mut chunks: Vec<_> = deltas
        .into_iter()
        .map(|delta| openai::chunk(draft, delta, None))
        .collect();
    chunks.push(openai::chunk(
        draft,
        json!({"role": "assistant", "content": ""}),
        Some(&reply.finish),
    ));
    if draft.include_usage {
        chunks.push(openai::usage_chunk(draft, draft.usage()));
    }
    for chunk in &mut chunks {
        chunk["system_fingerprint"] = "fp_ollama".into();
    }
    chunks.iter().map(event).collect()
}

pub(super) fn error(status: u16) -> Value {
    let (kind, message) = match status {
        400 => (
            "invalid_request_error",
            "json: cannot unmarshal string into Go struct field",
        ),
        404 => (
            "not_found_error",
            "model \"nope\" not found, try pulling it first",
        ),
        503 => (
            "api_error",
            "server busy, please try again. maximum pending requests exceeded",
        ),
        _ => ("api_error", "llama runner process has terminated"),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}
