//! DeepSeek: `: keep-alive` comments until it is scheduled, reasoning beside content, usage on the finish chunk.
//!
//! Source: its API documentation, "Create Chat Completion", "Reasoning Model", "Rate Limit" and "Error Codes".

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    if !draft.reply.reasoning.is_empty() {
        body["choices"][0]["message"]["reasoning_content"] = draft.reply.reasoning.concat().into();
    }
    body["usage"] = usage(draft);
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = openai::chunks(draft);
    let reasoning = draft.reply.reasoning.iter();
    let reasoning = reasoning.map(|word| {
        openai::chunk(
            draft,
            json!({"content": null, "reasoning_content": word}),
            None,
        )
    });
    chunks.splice(1..1, reasoning.collect::<Vec<_>>());
    if let Some(last) = chunks.last_mut() {
        last["usage"] = usage(draft);
    }
    let mut events = vec![Step::Comment("keep-alive".to_owned())];
    events.extend(chunks.iter().map(event));
    events
}

fn usage(draft: &Draft<'_>) -> Value {
    let mut usage = draft.usage();
    let tokens = draft.reply.usage;
    usage["prompt_cache_hit_tokens"] = tokens.cached.into();
    usage["prompt_cache_miss_tokens"] = tokens.input.saturating_sub(tokens.cached).into();
    usage
}

pub(super) fn error(status: u16) -> Value {
    let (kind, code, message) = match status {
        401 => (
            "authentication_error",
            "invalid_request_error",
            "Authentication Fails, Your api key: ****cret is invalid",
        ),
        402 => (
            "unknown_error",
            "invalid_request_error",
            "Insufficient Balance",
        ),
        429 => (
            "rate_limit_reached_error",
            "rate_limit_reached",
            "Rate Limit Reached",
        ),
        400 | 404 | 422 => (
            "invalid_request_error",
            "invalid_request_error",
            "Model Not Exist",
        ),
        _ => (
            "service_unavailable_error",
            "service_unavailable_error",
            "Service is too busy",
        ),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
