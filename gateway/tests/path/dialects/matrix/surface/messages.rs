//! Anthropic Messages as its callers write and read it.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, Ask, HELLO, LIMIT, MORE, PNG, RESULT, STOP, SYSTEM, Turn, With, parameters, schema,
};
use super::super::said::{
    Call, Fault, Said, Stop, Tokens, Told, append, list, parsed, same, text, untagged,
};
use crate::harness::Answer;

pub(super) fn body(ask: &Ask) -> Value {
    let mut body = json!({"model": ask.model, "stream": ask.stream, "max_tokens": LIMIT});
    let mut messages = vec![json!({"role": "user", "content": HELLO})];
    for with in ask.with {
        add(&mut body, &mut messages, *with);
    }
    for turn in &ask.turns {
        match turn {
            Turn::Answered(items) => messages.extend(items.iter().cloned()),
            Turn::More => messages.push(json!({"role": "user", "content": MORE})),
            Turn::Results(ids) => {
                let result = |id: &String| json!({"type": "tool_result", "tool_use_id": id, "content": RESULT});
                let results: Vec<Value> = ids.iter().map(result).collect();
                messages.push(json!({"role": "user", "content": results}));
            }
        }
    }
    body["messages"] = json!(messages);
    body
}

fn add(body: &mut Value, messages: &mut [Value], with: With) {
    let image = |source: Value| json!({"role": "user", "content": [{"type": "text", "text": HELLO}, {"type": "image", "source": source}]});
    match with {
        With::System => body["system"] = json!(SYSTEM),
        With::Tools => {
            body["tools"] =
                json!([{"name": "find", "description": "Finds.", "input_schema": parameters()}]);
        }
        With::Image => {
            messages[0] = image(json!({"type": "base64", "media_type": "image/png", "data": PNG}));
        }
        With::ImageAtAddress => messages[0] = image(json!({"type": "url", "url": ADDRESS})),
        With::Schema => {
            body["output_config"]["format"] = json!({"type": "json_schema", "schema": schema()});
        }
        With::Effort => {
            body["thinking"] = json!({"type": "adaptive"});
            body["output_config"]["effort"] = json!("high");
        }
        With::Stop => body["stop_sequences"] = json!([STOP]),
        With::Sampling => {
            body["temperature"] = json!(0.5);
            body["top_p"] = json!(0.9);
        }
        With::AnyTool => body["tool_choice"] = json!({"type": "any"}),
        With::OneTool => body["tool_choice"] = json!({"type": "tool", "name": "find"}),
        With::NoTool => body["tool_choice"] = json!({"type": "none"}),
        With::Serial => {
            body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": true});
        }
        With::TopK => body["top_k"] = json!(40),
        With::Seed => body["seed"] = json!(7),
        With::Penalties => {
            body["presence_penalty"] = json!(0.5);
            body["frequency_penalty"] = json!(0.25);
        }
    }
}

/// Puts the answer together as Anthropic's own client does: it starts blocks in order, and looks them up by their index.
pub(super) fn assembled(answer: &Answer) -> Result<Told, String> {
    let mut told = Told::default();
    let whole = answer.text();
    let names = whole
        .lines()
        .filter_map(|line| line.strip_prefix("event: "));
    let mut open = None;
    for (name, event) in names.zip(answer.events()) {
        let event = parsed(&json!(event))?;
        same("name of an event", &json!(name), &event["type"])?;
        if told.ended {
            return Err(format!("after message_stop comes {event}"));
        }
        match name {
            "message_start" => told.body = event["message"].clone(),
            "content_block_start" => {
                same("open block", &open, &None)?;
                open = event["index"].as_u64();
                let blocks = told.body["content"].as_array_mut().ok_or("no start")?;
                same("index", &event["index"], &json!(blocks.len()))?;
                blocks.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let index = event["index"].as_u64();
                same("block of a delta", &index, &open)?;
                let at = usize::try_from(index.ok_or("no index")?).unwrap();
                add_delta(&mut told.body["content"][at], &event["delta"])?;
            }
            "content_block_stop" => {
                same("block that stops", &event["index"].as_u64(), &open)?;
                open = None;
            }
            "message_delta" => {
                same("open block", &open, &None)?;
                told.body["stop_reason"] = event["delta"]["stop_reason"].clone();
                for (name, value) in event["usage"].as_object().ok_or("no usage")? {
                    told.body["usage"][name] = value.clone();
                }
            }
            "message_stop" => told.ended = true,
            "ping" => {}
            "error" => told.error = Some(event),
            other => return Err(format!("there is no event {other}")),
        }
    }
    for block in told.body["content"].as_array_mut().into_iter().flatten() {
        if told.ended && block["input"].is_string() {
            block["input"] = parsed(&block["input"])?;
        }
    }
    Ok(told)
}

fn add_delta(block: &mut Value, delta: &Value) -> Result<(), String> {
    match delta["type"].as_str() {
        Some("text_delta") => append(&mut block["text"], &delta["text"]),
        Some("thinking_delta") => append(&mut block["thinking"], &delta["thinking"]),
        Some("signature_delta") => block["signature"] = delta["signature"].clone(),
        Some("input_json_delta") => append(&mut block["input"], &delta["partial_json"]),
        _ => return Err(format!("there is no delta {delta}")),
    }
    Ok(())
}

pub(super) fn given_back(body: &Value) -> Vec<Value> {
    vec![json!({"role": "assistant", "content": body["content"]})]
}

pub(super) fn said(body: &Value) -> Result<Said, String> {
    let mut said = Said {
        stop: match body["stop_reason"].as_str() {
            Some("end_turn") => Some(Stop::End),
            Some("max_tokens") => Some(Stop::Length),
            Some("tool_use") => Some(Stop::Calls),
            Some("refusal") => Some(Stop::Filtered),
            _ => None,
        },
        used: tokens(&body["usage"]),
        ..Said::default()
    };
    for block in list(&body["content"]) {
        let proof = match block["type"].as_str() {
            Some("text") => {
                said.text += &text(&block["text"]);
                continue;
            }
            Some("tool_use") => {
                said.calls.push(Call {
                    id: text(&block["id"]),
                    name: text(&block["name"]),
                    arguments: block["input"].clone(),
                });
                continue;
            }
            Some("thinking") => {
                said.reasoning += &text(&block["thinking"]);
                &block["signature"]
            }
            Some("redacted_thinking") => &block["data"],
            _ => return Err(format!("there is no block {block}")),
        };
        let proof = untagged(&text(proof), "anthropic");
        said.signature = said.signature.or(proof);
    }
    Ok(said)
}

fn tokens(usage: &Value) -> Option<Tokens> {
    let cached = usage["cache_read_input_tokens"].as_u64()?;
    Some(Tokens {
        input: usage["input_tokens"].as_u64()? + cached,
        cached,
        output: usage["output_tokens"].as_u64()?,
        reasoning: usage["output_tokens_details"]["thinking_tokens"]
            .as_u64()
            .unwrap_or_default(),
    })
}

pub(super) fn fault(body: &Value) -> Fault {
    let error = &body["error"];
    let kind = if body["type"] == "error" {
        text(&error["type"])
    } else {
        format!("no error of Anthropic's: {body}")
    };
    Fault {
        kind,
        message: text(&error["message"]),
    }
}

/// The `type` that goes with a status.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        404 => "not_found_error",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
