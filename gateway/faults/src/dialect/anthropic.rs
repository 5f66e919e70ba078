//! Anthropic's Messages: named events, blocks that begin and end, `message_stop`; errors that stand in an envelope of their own.
//!
//! Source: the API reference, "Messages", "Streaming Messages" and "Errors". Its errors name their kind and never their status.

use serde_json::{Value, json};

use super::{Means, Part, Speech};
use crate::fault::{healthy, reports};
use crate::reply::Draft;
use crate::{Fault, Moment, Play, Step};

/// The API.
#[derive(Debug)]
pub(super) struct Anthropic;

/// The faults that only its servers have.
const FAULTS: &[Fault] = &[
    Fault::new("status-402", "402: the account has no money left", |_| {
        Play::status(402)
    })
    .means(Means::NoMoney),
    Fault::new("status-403", "403: the key may not do this", |_| {
        Play::status(403)
    })
    .means(Means::BadRequest),
    Fault::new(
        "spend-limit",
        "400 that says in words that the account has no money left",
        |_| {
            let message = "Your credit balance is too low to access the Anthropic API.";
            Play::json(400, &error("invalid_request_error", message))
        },
    )
    .means(Means::NoMoney),
    Fault::new(
        "context-limit",
        "400 that says in words that prompt and answer are too long together",
        |_| {
            let message = "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease input length or `max_tokens` and try again";
            Play::json(400, &error("invalid_request_error", message))
        },
    )
    .means(Means::TooLong),
    Fault::new("too-large-as-html", "413 with a page of its edge", |_| {
        let page = "<html><h1>413 Request Entity Too Large</h1>proxy-7.internal</html>";
        Play::answer(413, &[("content-type", "text/html")], page)
    })
    .means(Means::TooLong),
    Fault::new(
        "overloaded-as-html",
        "529 with a page of its edge",
        |_| {
            let page = "<html><h1>Overloaded</h1>proxy-7.internal</html>";
            Play::answer(529, &[("content-type", "text/html")], page)
        },
    )
    .means(Means::Overloaded),
    Fault::new(
        "overloaded-after-pings",
        "a stream of pings, then the error that it is overloaded",
        |seen| {
            let pings = vec![event("{\"type\":\"ping\"}"); 3];
            reports(seen, Moment::Head, &Anthropic.error(529, None)).insert(Moment::Head, pings)
        },
    )
    .means(Means::Overloaded)
    .streams(),
    Fault::new(
        "error-without-name",
        "a stream that brings a role, then an error in an event without a name",
        |_| {
            let error = error("overloaded_error", "Overloaded");
            let steps = [Step::Event(error.to_string()), Step::End];
            healthy().instead(Moment::Opening, steps)
        },
    )
    .means(Means::Overloaded)
    .streams(),
    Fault::new(
        "error-without-name-after-content",
        "a word, then an error in an event without a name",
        |_| {
            let error = error("api_error", "Internal server error");
            let steps = [Step::Event(error.to_string()), Step::End];
            healthy().instead(Moment::Content, steps)
        },
    )
    .means(Means::Failed)
    .late()
    .streams(),
];

impl Speech for Anthropic {
    fn name(&self) -> &'static str {
        "Anthropic"
    }

    fn has(&self, path: &str) -> bool {
        path.ends_with("/messages")
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/v1/messages".to_owned()
    }

    fn key_header(&self) -> &'static str {
        "x-api-key"
    }

    fn whole(&self, draft: &Draft<'_>) -> Value {
        let words = draft.reply.words.concat();
        let content = match words.as_str() {
            "" => json!([]),
            words => json!([{"type": "text", "text": words}]),
        };
        message(draft, content, Some(reason(draft)))
    }

    fn events(&self, draft: &Draft<'_>) -> Vec<Step> {
        let begun = message(draft, json!([]), None);
        let block = json!({"type": "text", "text": ""});
        let mut events = vec![
            json!({"type": "message_start", "message": begun}),
            json!({"type": "content_block_start", "index": 0, "content_block": block}),
            json!({"type": "ping"}),
        ];
        events.extend(draft.reply.words.iter().map(|word| self.says(word)));
        let ended = json!({"stop_reason": reason(draft), "stop_sequence": null});
        let used = json!({"output_tokens": draft.reply.usage.output});
        events.extend([
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": ended, "usage": used}),
        ]);
        let framed = events.iter().map(|payload| event(&payload.to_string()));
        framed.chain(self.terminator()).collect()
    }

    fn nothing(&self) -> Value {
        json!({"type": "message", "role": "assistant", "content": []})
    }

    fn ended(&self) -> &'static str {
        "end_turn"
    }

    fn opening(&self) -> Value {
        json!({"type": "ping"})
    }

    fn says(&self, text: &str) -> Value {
        let delta = json!({"type": "text_delta", "text": text});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    }

    fn holds(&self, filler: &str) -> Value {
        json!({"type": "ping", "padding": filler})
    }

    fn terminator(&self) -> Option<Step> {
        Some(event("{\"type\":\"message_stop\"}"))
    }

    fn event(&self, payload: &str) -> Step {
        event(payload)
    }

    fn part(&self, step: &Step) -> Option<Part> {
        let Step::Body(bytes) = step else { return None };
        let name = bytes.strip_prefix(b"event: ")?;
        let name = name.split(|byte| *byte == b'\n').next()?;
        match name {
            b"message_start" | b"content_block_start" => Some(Part::Opening),
            b"content_block_delta" => Some(Part::Content),
            b"message_delta" => Some(Part::Finish),
            b"message_stop" => Some(Part::Closing),
            _ => None,
        }
    }

    fn error(&self, status: u16, message: Option<&str>) -> Value {
        let (kind, usual) = match status {
            401 => ("authentication_error", "invalid x-api-key"),
            402 => ("billing_error", "Your organization has no credits left."),
            403 => (
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            404 | 410 => ("not_found_error", "model: nope"),
            409 => ("conflict_error", "There is a conflict."),
            413 => (
                "request_too_large",
                "Request exceeds the maximum allowed number of bytes.",
            ),
            429 => (
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 50 requests per minute.",
            ),
            503 | 529 => ("overloaded_error", "Overloaded"),
            504 => ("timeout_error", "Request timed out."),
            400..=499 => ("invalid_request_error", "max_tokens: Field required"),
            _ => ("api_error", "Internal server error"),
        };
        error(kind, message.unwrap_or(usual))
    }

    fn refusal(&self, means: Means) -> Option<(u16, Value)> {
        let status = match means {
            Means::BadRequest => 400,
            Means::BadKey => 401,
            Means::NoMoney => 402,
            Means::NoModel => 404,
            Means::TooMany => 429,
            Means::Overloaded => 529,
            Means::Failed => 500,
            Means::TooLong => {
                let message = "prompt is too long: 200001 tokens > 200000 maximum";
                return Some((400, error("invalid_request_error", message)));
            }
            // What it refuses to say is an answer, with a reason to stop of its own.
            Means::Filtered => return None,
        };
        Some((status, self.error(status, None)))
    }

    fn faults(&self) -> &'static [Fault] {
        FAULTS
    }
}

fn message(draft: &Draft<'_>, content: Value, reason: Option<&str>) -> Value {
    let used = draft.reply.usage;
    let usage = json!({
        "input_tokens": used.input - used.cached, "cache_creation_input_tokens": 0, "cache_read_input_tokens": used.cached,
        "output_tokens": if reason.is_some() { used.output } else { 1 },
    });
    let mut message = json!({"type": "message", "role": "assistant", "model": draft.model});
    message["id"] = draft.id.replace("chatcmpl-", "msg_").into();
    message["content"] = content;
    message["stop_reason"] = reason.into();
    message["stop_sequence"] = Value::Null;
    message["usage"] = usage;
    message
}

fn reason(draft: &Draft<'_>) -> &'static str {
    match draft.reply.finish.as_str() {
        "length" => "max_tokens",
        _ => "end_turn",
    }
}

fn error(kind: &str, message: &str) -> Value {
    let error = json!({"type": kind, "message": message});
    json!({"type": "error", "error": error, "request_id": "req_0"})
}

/// An event whose name is its type; one that has none, being no JSON, is called as most are.
fn event(payload: &str) -> Step {
    let parsed: Value = serde_json::from_str(payload).unwrap_or_default();
    let name = parsed["type"].as_str().unwrap_or("content_block_delta");
    Step::Body(format!("event: {name}\ndata: {payload}\n\n").into())
}
