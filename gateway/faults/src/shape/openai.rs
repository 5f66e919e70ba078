//! OpenAI's own: a role chunk, deltas, a finish chunk, and a usage chunk without choices if it was asked for.
//!
//! Source: the API reference, "Chat Completions" and "Streaming"; the guide to error codes.

use serde_json::{Value, json};

use crate::Step;
use crate::reply::{CREATED, Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let reply = draft.reply;
    let mut message =
        json!({"role": "assistant", "content": reply.words.concat(), "refusal": null});
    if let Some(tool) = &reply.tool {
        let function = json!({"name": tool.name, "arguments": tool.arguments});
        message["tool_calls"] = json!([{"id": "call_0", "type": "function", "function": function}]);
        if reply.words.is_empty() {
            message["content"] = Value::Null;
        }
    }
    json!({
        "id": draft.id, "object": "chat.completion", "created": CREATED, "model": draft.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reply.finish}],
        "usage": usage(draft), "service_tier": "default", "system_fingerprint": "fp_0",
    })
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = chunks(draft);
    if draft.include_usage {
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        chunks.push(usage_chunk(draft, usage(draft)));
    }
    chunks.iter().map(event).collect()
}

/// Role, content, tool call, finish: what every dialect starts from.
pub(super) fn chunks(draft: &Draft<'_>) -> Vec<Value> {
    let reply = draft.reply;
    let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
    deltas.extend(reply.words.iter().map(|word| json!({"content": word})));
    if let Some(tool) = &reply.tool {
        let function = json!({"name": tool.name, "arguments": ""});
        deltas.push(json!({"tool_calls": [{"index": 0, "id": "call_0", "type": "function", "function": function}]}));
        // Arguments come in pieces, so that nobody takes the first for the whole.
        let middle = tool
            .arguments
            .char_indices()
            .nth(tool.arguments.chars().count() / 2)
            .map_or(0, |(at, _)| at);
        let (first, second) = tool.arguments.split_at(middle);
        deltas
            .extend([first, second].map(
                |part| json!({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}),
            ));
    }
    let mut chunks: Vec<_> = deltas
        .into_iter()
        .map(|delta| chunk(draft, delta, None))
        .collect();
    chunks.push(chunk(draft, json!({}), Some(&reply.finish)));
    chunks
}

/// One chunk with one choice.
pub(super) fn chunk(draft: &Draft<'_>, delta: Value, finish: Option<&str>) -> Value {
    let mut choice = json!({"index": 0, "logprobs": null, "finish_reason": finish});
    choice["delta"] = delta;
    json!({
        "id": draft.id, "object": "chat.completion.chunk", "created": CREATED, "model": draft.model,
        "system_fingerprint": "fp_0", "choices": [choice],
    })
}

/// The chunk without choices that carries usage.
pub(super) fn usage_chunk(draft: &Draft<'_>, usage: Value) -> Value {
    let mut chunk = chunk(draft, json!({}), None);
    chunk["choices"] = json!([]);
    chunk["usage"] = usage;
    chunk
}

fn usage(draft: &Draft<'_>) -> Value {
    let mut usage = draft.usage();
    usage["prompt_tokens_details"] =
        json!({"cached_tokens": draft.reply.usage.cached, "audio_tokens": 0});
    usage["completion_tokens_details"] = json!({"reasoning_tokens": 0, "audio_tokens": 0});
    usage
}

pub(super) fn error(status: u16) -> Value {
    let (kind, code, message) = wording(status);
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// Type, code and message for a status, as OpenAI words them.
pub(super) fn wording(status: u16) -> (&'static str, Option<&'static str>, &'static str) {
    match status {
        400 => (
            "invalid_request_error",
            Some("invalid_value"),
            "Invalid value for a parameter.",
        ),
        401 => (
            "invalid_request_error",
            Some("invalid_api_key"),
            "Incorrect API key provided: sk-upst*****cret.",
        ),
        403 => (
            "invalid_request_error",
            Some("unsupported_country_region_territory"),
            "Not available in your country.",
        ),
        404 => (
            "invalid_request_error",
            Some("model_not_found"),
            "The model does not exist or you do not have access to it.",
        ),
        413 => ("invalid_request_error", None, "Request too large."),
        429 => (
            "requests",
            Some("rate_limit_exceeded"),
            "Rate limit reached. Please try again in 20s.",
        ),
        503 => (
            "server_error",
            Some("service_unavailable"),
            "The server is overloaded or not ready yet.",
        ),
        _ => (
            "server_error",
            None,
            "The server had an error while processing your request. Sorry about that!",
        ),
    }
}
