//! Groq: `x_groq` on the first chunk and on the last, where it carries the usage, asked for or not.
//!
//! Source: its API reference, "Create chat completion" and "Errors".

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    body["usage"] = usage(draft);
    body["x_groq"] = json!({"id": "req_0"});
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = openai::chunks(draft);
    if let Some(first) = chunks.first_mut() {
        first["x_groq"] = json!({"id": "req_0"});
    }
    if let Some(last) = chunks.last_mut() {
        last["x_groq"] = json!({"id": "req_0", "usage": usage(draft)});
    }
    if draft.include_usage {
        chunks.push(openai::usage_chunk(draft, usage(draft)));
    }
    chunks.iter().map(event).collect()
}

fn usage(draft: &Draft<'_>) -> Value {
    let mut usage = draft.usage();
    usage["queue_time"] = 0.037.into();
    usage["prompt_time"] = 0.0007.into();
    usage["completion_time"] = 0.46.into();
    usage["total_time"] = 0.4607.into();
    usage
}

pub(super) fn error(status: u16) -> Value {
    let (kind, code, message) = match status {
        429 => (
            "tokens",
            Some("rate_limit_exceeded"),
            "Rate limit reached for model on tokens per minute (TPM).",
        ),
        498 => (
            "flex_tier",
            Some("capacity_exceeded"),
            "Flex tier capacity exceeded.",
        ),
        503 => ("internal_server_error", None, "Service Unavailable"),
        _ => openai::wording(status),
    };
    json!({"error": {"message": message, "type": kind, "code": code}})
}
