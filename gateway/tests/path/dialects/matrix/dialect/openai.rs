//! A compatible provider of Chat Completions, which reasons aloud and proves it as `OpenRouter` does.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, HELLO, LIMIT, RESULT, STOP, SYSTEM, With, data_url, parameters, schema,
};
use super::super::said::{Said, Stop};
use super::{Class, Members, Refusal, Words, halves};

fn finish(said: &Said) -> &'static str {
    match said.stop {
        Some(Stop::Length) => "length",
        Some(Stop::Calls) => "tool_calls",
        Some(Stop::Filtered) => "content_filter",
        Some(Stop::End) | None => "stop",
    }
}

fn usage(said: &Said) -> Value {
    let used = said.used.unwrap();
    json!({
        "prompt_tokens": used.input, "completion_tokens": used.output, "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached}, "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    })
}

/// What was thought, and its proof, as members of a message or a delta.
fn thoughts(said: &Said) -> Value {
    let (_, proof) = said.signature.clone().unwrap();
    let detail = json!({"type": "reasoning.text", "text": said.reasoning, "signature": proof, "format": "openai-responses-v1", "index": 0});
    json!({"reasoning_content": said.reasoning, "reasoning_details": [detail]})
}

pub(super) fn whole(said: &Said) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    if !said.text.is_empty() {
        message["content"] = json!(said.text);
    }
    if said.signature.is_some() {
        let thoughts = thoughts(said);
        let members = message.as_object_mut().unwrap();
        members.extend(thoughts.as_object().unwrap().clone());
    }
    if !said.calls.is_empty() {
        let calls = said.calls.iter().map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments.to_string()}}));
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "upstream",
        "choices": [{"index": 0, "message": message, "finish_reason": finish(said)}], "usage": usage(said),
    })
}

/// The fragments of several calls come by turns, as the format allows.
pub(super) fn events(said: &Said) -> Vec<String> {
    let mut deltas = vec![json!({"role": "assistant", "content": null})];
    if said.signature.is_some() {
        deltas.push(thoughts(said));
    }
    if !said.text.is_empty() {
        deltas.extend(halves(&said.text).map(|text| json!({"content": text})));
    }
    for (index, call) in said.calls.iter().enumerate() {
        let begun = json!({"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}});
        deltas.push(json!({"tool_calls": [begun]}));
    }
    for half in [0, 1] {
        for (index, call) in said.calls.iter().enumerate() {
            let fragment = halves(&call.arguments.to_string())[half].to_owned();
            let more = json!({"index": index, "function": {"arguments": fragment}});
            deltas.push(json!({"tool_calls": [more]}));
        }
    }
    let mut choices: Vec<Value> = deltas
        .into_iter()
        .map(|delta| json!([{"index": 0, "delta": delta, "finish_reason": null}]))
        .collect();
    choices.push(json!([{"index": 0, "delta": {}, "finish_reason": finish(said)}]));
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "upstream", "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let mut events: Vec<String> = choices
        .into_iter()
        .map(|choices| chunk(choices, Value::Null))
        .collect();
    events.push(chunk(json!([]), usage(said)));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(super) fn refusal(class: Class) -> Refusal {
    let (status, kind, code, message) = match class {
        Class::BadRequest => (
            400,
            "invalid_request_error",
            "invalid_value",
            "No such tool.",
        ),
        Class::TooLong => (
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "This model's maximum context length is 8 tokens.",
        ),
        Class::Credential => (401, "invalid_request_error", "invalid_api_key", "Bad key."),
        Class::RateLimited => (429, "requests", "rate_limit_exceeded", "Too fast."),
        Class::Overloaded => (503, "server_error", "overloaded", "Too many."),
        Class::ServerError => (500, "server_error", "internal", "It broke."),
        Class::UnknownModel => (404, "invalid_request_error", "model_not_found", "No model."),
        Class::Filtered => (
            400,
            "invalid_request_error",
            "content_filter",
            "It is filtered.",
        ),
    };
    let header = (class == Class::RateLimited).then_some(("retry-after", "17"));
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    (status, header, json!({"error": error}))
}

/// What it says of its failure in a stream.
pub(super) fn failing(words: Words) -> String {
    let code = match words {
        Words::ForTheCaller => "content_filter",
        Words::OfOurAccount => "insufficient_quota",
    };
    let error = json!({"message": words.text(), "type": code, "param": null, "code": code});
    format!("data: {}\n\n", json!({"error": error}))
}

pub(super) fn asked(stream: bool) -> Vec<(&'static str, Value)> {
    let mut members = vec![
        ("/model", json!("m")),
        ("/max_tokens", json!(LIMIT)),
        ("/messages/0/role", json!("user")),
        ("/messages/0/content", json!(HELLO)),
    ];
    if stream {
        members.push(("/stream", json!(true)));
        members.push(("/stream_options/include_usage", json!(true)));
    }
    members
}

pub(super) fn asked_with(with: With) -> Vec<(&'static str, Value)> {
    let image = |url: String| {
        vec![
            ("/messages/0/content/0/text", json!(HELLO)),
            ("/messages/0/content/1/type", json!("image_url")),
            ("/messages/0/content/1/image_url/url", json!(url)),
        ]
    };
    match with {
        With::System => vec![
            ("/messages/0/role", json!("system")),
            ("/messages/0/content", json!(SYSTEM)),
            ("/messages/1/role", json!("user")),
            ("/messages/1/content", json!(HELLO)),
        ],
        With::Tools => vec![
            ("/tools/0/type", json!("function")),
            ("/tools/0/function/name", json!("find")),
            ("/tools/0/function/description", json!("Finds.")),
            ("/tools/0/function/parameters", parameters()),
        ],
        With::Image => image(data_url()),
        With::ImageAtAddress => image(ADDRESS.to_owned()),
        With::Schema => vec![
            ("/response_format/type", json!("json_schema")),
            ("/response_format/json_schema/schema", schema()),
        ],
        With::Effort => vec![("/reasoning_effort", json!("high"))],
        With::Stop => vec![("/stop", json!([STOP]))],
        With::Sampling => vec![("/temperature", json!(0.5)), ("/top_p", json!(0.9))],
        With::AnyTool => vec![("/tool_choice", json!("required"))],
        With::OneTool => vec![("/tool_choice/function/name", json!("find"))],
        With::NoTool => vec![("/tool_choice", json!("none"))],
        With::Serial => vec![("/parallel_tool_calls", json!(false))],
        With::TopK => vec![("/top_k", json!(40))],
        With::Seed => vec![("/seed", json!(7))],
        With::Penalties => vec![
            ("/presence_penalty", json!(0.5)),
            ("/frequency_penalty", json!(0.25)),
        ],
    }
}

pub(super) fn called(at: usize, ids: &[&str]) -> Members {
    let calls = format!("/messages/{at}/tool_calls");
    let mut members = vec![
        (format!("/messages/{at}/role"), json!("assistant")),
        (format!("{calls}/{}", ids.len()), Value::Null),
    ];
    for (nth, id) in ids.iter().enumerate() {
        let call = format!("{calls}/{nth}");
        let result = format!("/messages/{}", at + 1 + nth);
        let arguments = json!({"q": format!("of {id}")}).to_string();
        members.extend([
            (format!("{call}/id"), json!(id)),
            (format!("{call}/function/name"), json!("find")),
            (format!("{call}/function/arguments"), json!(arguments)),
            (format!("{result}/role"), json!("tool")),
            (format!("{result}/tool_call_id"), json!(id)),
            (format!("{result}/content"), json!(RESULT)),
        ]);
    }
    members
}
