//! A provider of Anthropic's API.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, HELLO, LIMIT, PNG, RESULT, STOP, SYSTEM, With, parameters, schema,
};
use super::super::said::{SIGNATURE, Said, Stop};
use super::{Class, Members, Refusal, Words, halves};

fn reason(said: &Said) -> &'static str {
    match said.stop {
        Some(Stop::Length) => "max_tokens",
        Some(Stop::Calls) => "tool_use",
        Some(Stop::Filtered) => "refusal",
        Some(Stop::End) | None => "end_turn",
    }
}

fn usage(said: &Said) -> Value {
    let used = said.used.unwrap();
    json!({
        "input_tokens": used.input - used.cached, "cache_read_input_tokens": used.cached, "cache_creation_input_tokens": 0,
        "output_tokens": used.output, "output_tokens_details": {"thinking_tokens": used.reasoning},
    })
}

fn message(content: &[Value], reason: Option<&str>, usage: &Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream", "content": content,
        "stop_reason": reason, "stop_sequence": null, "usage": usage,
    })
}

pub(super) fn whole(said: &Said) -> Value {
    let mut content = Vec::new();
    if let Some((_, proof)) = &said.signature {
        content.push(json!({"type": "thinking", "thinking": said.reasoning, "signature": proof}));
    }
    if !said.text.is_empty() {
        content.push(json!({"type": "text", "text": said.text}));
    }
    for call in &said.calls {
        content.push(
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}),
        );
    }
    message(&content, Some(reason(said)), &usage(said))
}

/// A block of a stream, and what fills it.
type Block = (Value, Vec<Value>);

fn blocks(said: &Said) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some((_, proof)) = &said.signature {
        let deltas =
            halves(&said.reasoning).map(|text| json!({"type": "thinking_delta", "thinking": text}));
        let mut deltas = deltas.to_vec();
        deltas.push(json!({"type": "signature_delta", "signature": proof}));
        blocks.push((
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            deltas,
        ));
    }
    if !said.text.is_empty() {
        let deltas = halves(&said.text).map(|text| json!({"type": "text_delta", "text": text}));
        blocks.push((json!({"type": "text", "text": ""}), deltas.to_vec()));
    }
    for call in &said.calls {
        let arguments = call.arguments.to_string();
        let deltas =
            halves(&arguments).map(|bit| json!({"type": "input_json_delta", "partial_json": bit}));
        let begun = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        blocks.push((begun, deltas.to_vec()));
    }
    blocks
}

pub(super) fn events(said: &Said) -> Vec<String> {
    let usage = usage(said);
    let mut first = usage.clone();
    first["output_tokens"] = json!(1);
    first["output_tokens_details"] = Value::Null;
    let mut events = vec![json!({"type": "message_start", "message": message(&[], None, &first)})];
    for (index, (begun, deltas)) in blocks(said).into_iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": reason(said), "stop_sequence": null});
    let last = json!({"output_tokens": usage["output_tokens"], "output_tokens_details": usage["output_tokens_details"]});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": last}));
    events.push(json!({"type": "message_stop"}));
    let framed = |event: &Value| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    };
    events.iter().map(framed).collect()
}

pub(super) fn refusal(class: Class) -> Refusal {
    let (status, kind, message) = match class {
        Class::BadRequest => (400, "invalid_request_error", "No such tool."),
        Class::TooLong => (
            400,
            "invalid_request_error",
            "prompt is too long: 9 tokens > 8 maximum",
        ),
        Class::Credential => (401, "authentication_error", "Bad key."),
        Class::RateLimited => (429, "rate_limit_error", "Too fast."),
        Class::Overloaded => (529, "overloaded_error", "Overloaded"),
        Class::ServerError => (500, "api_error", "It broke."),
        Class::UnknownModel => (404, "not_found_error", "No model."),
        Class::Filtered => {
            let usage = usage(&Said::words(""));
            let mut answer = message(&[], Some("refusal"), &usage);
            answer["stop_details"] =
                json!({"type": "refusal", "category": null, "explanation": "It is filtered."});
            return (200, None, answer);
        }
    };
    let header = (class == Class::RateLimited).then_some(("retry-after", "17"));
    let error = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    (status, header, error)
}

/// What it says of its failure in a stream.
pub(super) fn failing(words: Words) -> String {
    let kind = match words {
        Words::ForTheCaller => "invalid_request_error",
        Words::OfOurAccount => "billing_error",
    };
    let error = json!({"type": "error", "error": {"type": kind, "message": words.text()}});
    format!("event: error\ndata: {error}\n\n")
}

pub(super) fn asked(stream: bool) -> Vec<(&'static str, Value)> {
    let mut members = vec![
        ("/model", json!("m")),
        ("/max_tokens", json!(LIMIT)),
        ("/messages/0/role", json!("user")),
        ("/messages/0/content/0/text", json!(HELLO)),
    ];
    if stream {
        members.push(("/stream", json!(true)));
    }
    members
}

pub(super) fn asked_with(with: With) -> Vec<(&'static str, Value)> {
    let image = |source: Value| {
        vec![
            ("/messages/0/content/0/text", json!(HELLO)),
            ("/messages/0/content/1/type", json!("image")),
            ("/messages/0/content/1/source", source),
        ]
    };
    match with {
        With::System => vec![
            ("/system/0/text", json!(SYSTEM)),
            ("/messages/0/role", json!("user")),
        ],
        With::Tools => vec![
            ("/tools/0/name", json!("find")),
            ("/tools/0/description", json!("Finds.")),
            ("/tools/0/input_schema", parameters()),
        ],
        With::Image => image(json!({"type": "base64", "media_type": "image/png", "data": PNG})),
        With::ImageAtAddress => image(json!({"type": "url", "url": ADDRESS})),
        With::Schema => vec![
            ("/output_config/format/type", json!("json_schema")),
            ("/output_config/format/schema", schema()),
        ],
        With::Effort => vec![
            ("/thinking/type", json!("adaptive")),
            ("/output_config/effort", json!("high")),
        ],
        With::Stop => vec![("/stop_sequences", json!([STOP]))],
        With::Sampling => vec![("/temperature", json!(0.5)), ("/top_p", json!(0.9))],
        With::AnyTool => vec![("/tool_choice/type", json!("any"))],
        With::OneTool => vec![
            ("/tool_choice/type", json!("tool")),
            ("/tool_choice/name", json!("find")),
        ],
        With::NoTool => vec![("/tool_choice/type", json!("none"))],
        With::Serial => vec![
            ("/tool_choice/type", json!("auto")),
            ("/tool_choice/disable_parallel_tool_use", json!(true)),
        ],
        With::TopK => vec![("/top_k", json!(40))],
        // It has no such members.
        With::Seed | With::Penalties => Vec::new(),
    }
}

/// All results of a turn stand in the very next message.
pub(super) fn called(at: usize, ids: &[&str]) -> Members {
    let (calls, results) = (format!("/messages/{at}"), format!("/messages/{}", at + 1));
    let mut members = vec![
        (format!("{calls}/role"), json!("assistant")),
        (format!("{calls}/content/{}", ids.len()), Value::Null),
        (format!("{results}/role"), json!("user")),
    ];
    for (nth, id) in ids.iter().enumerate() {
        let arguments = json!({"q": format!("of {id}")});
        let call = json!({"type": "tool_use", "id": id, "name": "find", "input": arguments});
        let result = format!("{results}/content/{nth}");
        members.extend([
            (format!("{calls}/content/{nth}"), call),
            (format!("{result}/type"), json!("tool_result")),
            (format!("{result}/tool_use_id"), json!(id)),
            (format!("{result}/content"), json!(RESULT)),
        ]);
    }
    members
}

/// Thoughts come first, and with what proves them.
pub(super) fn thought(said: &Said) -> Vec<(&'static str, Value)> {
    let thinking = json!({"type": "thinking", "thinking": said.reasoning, "signature": SIGNATURE});
    let kind = if said.calls.is_empty() {
        "text"
    } else {
        "tool_use"
    };
    vec![
        ("/messages/1/content/0", thinking),
        ("/messages/1/content/1/type", json!(kind)),
        ("/messages/1/content/2", Value::Null),
    ]
}
