//! OpenAI's Chat Completions, and what servers say that call themselves compatible with it (`own`; whole servers are in `shape`).
//!
//! A stream: a role, deltas, a finish reason, maybe usage, `[DONE]`.

mod own;

use serde_json::{Value, json};

use super::{EVENT_STREAM, Means, Part, Speech};
use crate::reply::{Draft, stream, whole};
use crate::{Fault, Reply, Seen, Shape, Step};

/// The API.
#[derive(Debug)]
pub(super) struct OpenAi;

impl Speech for OpenAi {
    fn name(&self) -> &'static str {
        "OpenAI"
    }

    fn has(&self, path: &str) -> bool {
        path.contains("/v1/")
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/v1/chat/completions".to_owned()
    }

    fn key_header(&self) -> &'static str {
        "authorization"
    }

    /// There is more than conversations: legacy completions, embeddings and the list of models.
    fn answer(&self, reply: &Reply, seen: &Seen) -> Vec<Step> {
        let draft = Draft::new(reply, seen);
        let path = seen.path.split('?').next().unwrap_or_default();
        let streamed = reply.is_streamed(seen);
        if path.ends_with("/chat/completions") {
            if streamed {
                stream(EVENT_STREAM, self.events(&draft))
            } else {
                whole(200, &self.whole(&draft))
            }
        } else if path.ends_with("/completions") {
            if streamed {
                let mut events = draft.completion_stream();
                events.extend(self.terminator());
                stream(EVENT_STREAM, events)
            } else {
                whole(200, &draft.completion())
            }
        } else if path.ends_with("/embeddings") {
            whole(200, &draft.embeddings(seen))
        } else if path.ends_with("/models") {
            whole(200, &Draft::models())
        } else {
            whole(404, &reply.shape.error(404))
        }
    }

    fn whole(&self, draft: &Draft<'_>) -> Value {
        draft.reply.shape.chat(draft)
    }

    fn events(&self, draft: &Draft<'_>) -> Vec<Step> {
        let mut events = draft.reply.shape.chat_stream(draft);
        events.extend(self.terminator());
        events
    }

    fn nothing(&self) -> Value {
        json!({"object": "chat.completion", "choices": []})
    }

    fn ended(&self) -> &'static str {
        "stop"
    }

    fn opening(&self) -> Value {
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
    }

    fn says(&self, text: &str) -> Value {
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
    }

    fn holds(&self, filler: &str) -> Value {
        let delta = json!({"images": [filler]});
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    fn terminator(&self) -> Option<Step> {
        Some(Step::Event("[DONE]".to_owned()))
    }

    fn part(&self, step: &Step) -> Option<Part> {
        let Step::Event(data) = step else { return None };
        Some(part(data))
    }

    fn error(&self, status: u16, message: Option<&str>) -> Value {
        let mut error = Shape::OpenAi.error(status);
        if let Some(message) = message {
            error["error"]["message"] = message.into();
        }
        error
    }

    fn refusal(&self, means: Means) -> Option<(u16, Value)> {
        let (status, kind, code, message) = match means {
            Means::BadRequest => (
                400,
                "invalid_request_error",
                "tool_use_failed",
                "Failed to call a function.",
            ),
            Means::TooLong => (
                400,
                "invalid_request_error",
                "context_length_exceeded",
                "Too many tokens.",
            ),
            Means::NoMoney => (
                429,
                "insufficient_quota",
                "insufficient_quota",
                "You exceeded your current quota.",
            ),
            Means::TooMany => (429, "requests", "rate_limit_exceeded", "Slow down."),
            Means::Overloaded => (
                503,
                "service_unavailable_error",
                "server_is_overloaded",
                "Our servers are currently overloaded. Please try again later.",
            ),
            Means::Failed => (500, "server_error", "engine_error", "The engine broke."),
            Means::Filtered => (400, "invalid_request_error", "content_filter", "Filtered."),
            Means::BadKey => return Some((401, self.error(401, None))),
            Means::NoModel => return Some((404, self.error(404, None))),
        };
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Some((status, json!({"error": error})))
    }

    fn faults(&self) -> &'static [Fault] {
        own::FAULTS
    }
}

fn part(data: &str) -> Part {
    let chunk: Value = serde_json::from_str(data).unwrap_or_default();
    let Some(choice) = chunk["choices"].get(0) else {
        let opens = chunk["prompt_filter_results"].is_array();
        return if opens { Part::Opening } else { Part::Closing };
    };
    let delta = &choice["delta"];
    let says = ["content", "reasoning_content", "reasoning", "refusal"]
        .iter()
        .any(|name| delta[name].as_str().is_some_and(|text| !text.is_empty()))
        || delta["tool_calls"].is_array()
        || choice["text"].as_str().is_some_and(|text| !text.is_empty());
    if choice["finish_reason"].is_string() {
        Part::Finish
    } else if says {
        Part::Content
    } else {
        Part::Opening
    }
}
