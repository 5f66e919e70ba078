//! Errors that are reported where a success was announced: with status 200, or inside a stream.

use serde_json::{Value, json};

use super::{Fault, healthy};
use crate::{Dialect, Moment, Play, Seen, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("error-with-200", "200 with an error object", |_| Play::json(200, &engine())),
    Fault::new("rate-limit-with-200", "200 with an error object that says: too many requests", |_| {
        Play::json(200, &json!({"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}))
    }),
    Fault::new("error-with-200-numbered", "200 with an error object whose code is 503", |_| {
        Play::json(200, &json!({"error": {"message": "Provider returned error", "code": 503}}))
    }),
    Fault::new("error-with-200-as-text", "200 with an error that is a string", |_| {
        Play::json(200, &json!({"error": "llama runner process has terminated"}))
    }),
    Fault::new("error-first-event", "a stream whose first event is an error", |_| reports(Moment::Head, &engine())).streams(),
    Fault::new("error-after-opening", "a stream that brings a role, then an error", |_| reports(Moment::Opening, &engine())).streams(),
    Fault::new("error-after-content", "a stream that brings a word, then an error", |_| reports(Moment::Content, &engine())).streams(),
    Fault::new("error-at-90", "a stream that brings 90 % of its words, then an error", |_| {
        reports(Moment::Percent(90), &engine())
    })
    .streams(),
    Fault::new("rate-limit-first-event", "a stream whose first event says: too many requests", |_| {
        reports(Moment::Head, &json!({"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}))
    })
    .streams(),
    Fault::new("filter-first-event", "a stream whose first event says: the prompt was filtered", |_| {
        reports(Moment::Head, &json!({"error": {"message": "Filtered.", "type": "invalid_request_error", "code": "content_filter"}}))
    })
    .streams(),
    Fault::new("key-repeated-in-stream", "a word, then an error that repeats the key it was sent", |seen| {
        reports(Moment::Content, &with_key(seen))
    })
    .streams(),
    Fault::new("error-in-choice", "a stream with an error inside a choice, as OpenRouter reports it", |_| {
        let choice = json!({"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "Provider disconnected"}});
        reports(Moment::Opening, &json!({"id": "x", "object": "chat.completion.chunk", "choices": [choice]}))
    })
    .streams(),
    Fault::new("error-told-flat", "200 whose members tell an error without calling it one", |_| {
        Play::json(200, &json!({"code": 429, "msg": "too many requests", "success": false}))
    }),
    Fault::new("refusal-first-event", "a stream whose first event says that the request is wrong", |_| {
        reports(Moment::Head, &json!({"error": {"message": "Failed to call a function.", "type": "invalid_request_error", "code": "tool_use_failed"}}))
    })
    .streams(),
    Fault::new("error-flat-named-event", "a stream that brings a role, then `event: error` with a flat object", |_| {
        unframed(Moment::Opening, "event: error\ndata: {\"message\":\"Busy.\",\"type\":\"overloaded_error\"}\n\n")
    })
    .streams(),
    Fault::new("error-line", "a stream that brings a role, then a line `error: ..`", |_| {
        unframed(Moment::Opening, "error: {\"code\":503,\"message\":\"Busy.\"}\n\n")
    })
    .streams(),
    Fault::new("error-bare-after-content", "a stream that brings a word, then a bare JSON object", |_| {
        unframed(Moment::Content, "{\"error\":{\"message\":\"The engine broke.\"}}\n")
    })
    .streams(),
    Fault::new("finish-reason-error", "a role, then an end with the reason `error`", |_| {
        let choice = json!({"index": 0, "delta": {"content": ""}, "finish_reason": "error"});
        reports(Moment::Opening, &json!({"choices": [choice]}))
    })
    .streams(),
    Fault::new("finish-reason-error-after-content", "a word, then an end with the reason `error`", |_| {
        let choice = json!({"index": 0, "delta": {}, "finish_reason": "error"});
        reports(Moment::Content, &json!({"choices": [choice]}))
    })
    .streams(),
    Fault::new("error-as-named-event", "a stream that brings a word, then `event: error`", |_| {
        let event = format!("event: error\ndata: {}\n\n", engine());
        healthy().instead(Moment::Content, [Step::Body(event.into()), Step::End])
    })
    .streams(),
];

fn engine() -> Value {
    json!({"error": {"message": "The engine broke.", "type": "server_error", "param": null, "code": "engine_error"}})
}

fn with_key(seen: &Seen) -> Value {
    let key = seen.header("authorization").unwrap_or_default();
    json!({"error": {"message": format!("No luck with {key}."), "type": "server_error", "param": null, "code": "boom"}})
}

fn unframed(moment: Moment, text: &str) -> Play {
    healthy().instead(moment, [Step::Body(text.to_owned().into()), Step::End])
}

fn reports(moment: Moment, error: &Value) -> Play {
    healthy().instead(moment, [Dialect::OpenAi.error_event(error), Step::End])
}
