//! vLLM: a stop reason beside the finish reason, usage only when asked for, and errors without an envelope.
//!
//! Source: its OpenAI-compatible server and the bodies its users report. Version 0.11 moved the error into an `error` object; the
//! form kept here is the one a gateway is less ready for.

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    body["choices"][0]["stop_reason"] = Value::Null;
    body["choices"][0]["message"]["reasoning_content"] = Value::Null;
    body["usage"] = usage(draft);
    body["prompt_logprobs"] = Value::Null;
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = openai::chunks(draft);
    if let Some(last) = chunks.last_mut() {
        last["choices"][0]["delta"] = json!({"content": ""});
        last["choices"][0]["stop_reason"] = Value::Null;
    }
    if draft.include_usage {
        chunks.push(openai::usage_chunk(draft, usage(draft)));
    }
    chunks.iter().map(event).collect()
}

fn usage(draft: &Draft<'_>) -> Value {
    let mut usage = draft.usage();
    usage["prompt_tokens_details"] = Value::Null;
    usage
}

pub(super) fn error(status: u16) -> Value {
    let (kind, message) = match status {
        400 => (
            "BadRequestError",
            "This model's maximum context length is 4096 tokens.",
        ),
        401 => return json!({"error": "Unauthorized"}),
        404 => ("NotFoundError", "The model `nope` does not exist."),
        _ => ("InternalServerError", "EngineCore encountered an issue."),
    };
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": status})
}
