//! OpenRouter: comments while it looks for a provider, usage on a last chunk that still has a choice, numeric error codes.
//!
//! Source: its documentation, "Streaming", "Errors and Debugging" and "Usage Accounting".

use serde_json::{Value, json};

use super::openai;
use crate::Step;
use crate::reply::{Draft, event};

pub(super) fn chat(draft: &Draft<'_>) -> Value {
    let mut body = openai::chat(draft);
    dress(draft, &mut body);
    body["choices"][0]["native_finish_reason"] = draft.reply.finish.as_str().into();
    body["usage"] = usage(draft);
    body
}

pub(super) fn chat_stream(draft: &Draft<'_>) -> Vec<Step> {
    let mut chunks = openai::chunks(draft);
    let mut last = openai::chunk(draft, json!({"role": "assistant", "content": ""}), None);
    last["usage"] = usage(draft);
    chunks.push(last);
    for chunk in &mut chunks {
        dress(draft, chunk);
    }
    let mut events = vec![Step::Comment("OPENROUTER PROCESSING".to_owned()); 2];
    events.extend(chunks.iter().map(event));
    events
}

fn dress(draft: &Draft<'_>, body: &mut Value) {
    body["id"] = draft.id.replace("chatcmpl-", "gen-1760000000-").into();
    body["provider"] = "Scripted".into();
}

fn usage(draft: &Draft<'_>) -> Value {
    let mut usage = draft.usage();
    usage["cost"] = 0.0012.into();
    usage["is_byok"] = false.into();
    usage["prompt_tokens_details"] = json!({"cached_tokens": draft.reply.usage.cached});
    usage
}

pub(super) fn error(status: u16) -> Value {
    let message = match status {
        401 => "No auth credentials found",
        402 => "Insufficient credits",
        429 => "Provider returned error",
        _ => openai::wording(status).2,
    };
    let metadata = json!({"provider_name": "Scripted", "raw": "{\"error\":\"upstream\"}"});
    json!({"error": {"code": status, "message": message, "metadata": metadata}, "user_id": "user_0"})
}
