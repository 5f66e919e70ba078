//! Chat Completions as its callers write and read it.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, Ask, HELLO, LIMIT, MORE, RESULT, STOP, SYSTEM, Turn, With, data_url, parameters,
    schema,
};
use super::super::said::{
    Call, Fault, Said, Stop, Tokens, Told, append, list, parsed, text, untagged,
};
use crate::harness::Answer;

pub(super) fn body(ask: &Ask) -> Value {
    let mut body =
        json!({"model": ask.model, "stream": ask.stream, "max_completion_tokens": LIMIT});
    if ask.stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    let mut messages = vec![json!({"role": "user", "content": HELLO})];
    for with in ask.with {
        add(&mut body, &mut messages, *with);
    }
    for turn in &ask.turns {
        match turn {
            Turn::Answered(items) => messages.extend(items.iter().cloned()),
            Turn::More => messages.push(json!({"role": "user", "content": MORE})),
            Turn::Results(ids) => messages.extend(
                ids.iter()
                    .map(|id| json!({"role": "tool", "tool_call_id": id, "content": RESULT})),
            ),
        }
    }
    body["messages"] = json!(messages);
    body
}

fn add(body: &mut Value, messages: &mut Vec<Value>, with: With) {
    let image = |url: String| json!({"role": "user", "content": [{"type": "text", "text": HELLO}, {"type": "image_url", "image_url": {"url": url}}]});
    match with {
        With::System => messages.insert(0, json!({"role": "system", "content": SYSTEM})),
        With::Tools => {
            body["tools"] = json!([{"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": parameters()}}]);
        }
        With::Image => messages[0] = image(data_url()),
        With::ImageAtAddress => messages[0] = image(ADDRESS.to_owned()),
        With::Schema => {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "place", "schema": schema(), "strict": true}});
        }
        With::Effort => body["reasoning_effort"] = json!("high"),
        With::Stop => body["stop"] = json!([STOP]),
        With::Sampling => {
            body["temperature"] = json!(0.5);
            body["top_p"] = json!(0.9);
        }
        With::AnyTool => body["tool_choice"] = json!("required"),
        With::OneTool => {
            body["tool_choice"] = json!({"type": "function", "function": {"name": "find"}});
        }
        With::NoTool => body["tool_choice"] = json!("none"),
        With::Serial => body["parallel_tool_calls"] = json!(false),
        With::TopK => body["top_k"] = json!(40),
        With::Seed => body["seed"] = json!(7),
        With::Penalties => {
            body["presence_penalty"] = json!(0.5);
            body["frequency_penalty"] = json!(0.25);
        }
    }
}

pub(super) fn assembled(answer: &Answer) -> Result<Told, String> {
    let mut told = Told::default();
    let mut message = json!({"role": "assistant", "content": null});
    let mut finish = Value::Null;
    for event in answer.events() {
        if told.ended {
            return Err(format!("after [DONE] comes {event}"));
        }
        if event == "[DONE]" {
            told.ended = true;
            continue;
        }
        let chunk = parsed(&json!(event))?;
        if chunk["error"].is_object() {
            told.error = Some(chunk);
            continue;
        }
        if chunk["usage"].is_object() {
            told.body["usage"] = chunk["usage"].clone();
        }
        let choice = &chunk["choices"][0];
        if choice["finish_reason"].is_string() {
            if finish.is_string() {
                return Err("it finishes twice".to_owned());
            }
            finish = choice["finish_reason"].clone();
        }
        add_delta(&mut message, &choice["delta"]);
    }
    told.body["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish}]);
    Ok(told)
}

fn add_delta(message: &mut Value, delta: &Value) {
    for name in ["content", "reasoning_content"] {
        append(&mut message[name], &delta[name]);
    }
    if message["reasoning_content"].is_null() {
        message.as_object_mut().unwrap().remove("reasoning_content");
    }
    for (list_of, index) in [("tool_calls", true), ("reasoning_details", false)] {
        for each in list(&delta[list_of]) {
            if !message[list_of].is_array() {
                message[list_of] = json!([]);
            }
            let known = message[list_of].as_array_mut().unwrap();
            let at = each["index"].as_u64().filter(|_| index);
            let old = known.iter_mut().find(|old| old["index"].as_u64() == at);
            match old {
                Some(old) if at.is_some() => append(
                    &mut old["function"]["arguments"],
                    &each["function"]["arguments"],
                ),
                Some(_) | None => known.push(each.clone()),
            }
        }
    }
    if message["tool_calls"].is_null() {
        message.as_object_mut().unwrap().remove("tool_calls");
    }
    if message["reasoning_details"].is_null() {
        message.as_object_mut().unwrap().remove("reasoning_details");
    }
}

pub(super) fn given_back(body: &Value) -> Vec<Value> {
    vec![body["choices"][0]["message"].clone()]
}

pub(super) fn said(body: &Value) -> Result<Said, String> {
    let choice = &body["choices"][0];
    let message = &choice["message"];
    let mut calls = Vec::new();
    for call in list(&message["tool_calls"]) {
        calls.push(Call {
            id: text(&call["id"]),
            name: text(&call["function"]["name"]),
            arguments: parsed(&call["function"]["arguments"])?,
        });
    }
    Ok(Said {
        reasoning: text(&message["reasoning_content"]),
        signature: signature(message),
        text: text(&message["content"]),
        calls,
        stop: match choice["finish_reason"].as_str() {
            Some("stop") => Some(Stop::End),
            Some("length") => Some(Stop::Length),
            Some("tool_calls") => Some(Stop::Calls),
            Some("content_filter") => Some(Stop::Filtered),
            _ => None,
        },
        used: tokens(&body["usage"]),
    })
}

/// Whose thoughts, or calls, they are is told beside them.
fn signature(message: &Value) -> Option<(String, String)> {
    let of_words = list(&message["reasoning_details"])
        .iter()
        .find_map(|detail| {
            let origin = match detail["format"].as_str()? {
                "anthropic-claude-v1" => "anthropic",
                "openai-responses-v1" => "openai",
                "google-gemini-v1" => "gemini",
                other => other,
            };
            untagged(detail["signature"].as_str()?, origin)
        });
    of_words.or_else(|| {
        let call = &message["tool_calls"][0]["extra_content"]["google"];
        untagged(call["thought_signature"].as_str()?, "gemini")
    })
}

fn tokens(usage: &Value) -> Option<Tokens> {
    let (input, output) = (
        usage["prompt_tokens"].as_u64()?,
        usage["completion_tokens"].as_u64()?,
    );
    if usage["total_tokens"] != input + output {
        return None;
    }
    Some(Tokens {
        input,
        cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64()?,
        output,
        reasoning: usage["completion_tokens_details"]["reasoning_tokens"]
            .as_u64()
            .unwrap_or_default(),
    })
}

pub(super) fn fault(body: &Value) -> Fault {
    let error = &body["error"];
    Fault {
        kind: text(&error["type"]),
        message: text(&error["message"]),
    }
}

/// The `type` that goes with a status.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
