//! Responses as its callers write and read it.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, Ask, HELLO, LIMIT, MORE, RESULT, STOP, SYSTEM, Turn, With, data_url, parameters,
    schema,
};
use super::super::said::{
    Call, Fault, Said, Stop, Tokens, Told, list, parsed, same, text, untagged,
};
use crate::harness::Answer;

pub(super) fn body(ask: &Ask) -> Value {
    let mut body = json!({"model": ask.model, "stream": ask.stream, "max_output_tokens": LIMIT, "store": false, "include": ["reasoning.encrypted_content"]});
    let mut input = vec![json!({"role": "user", "content": HELLO})];
    for with in ask.with {
        add(&mut body, &mut input, *with);
    }
    for turn in &ask.turns {
        match turn {
            Turn::Answered(items) => input.extend(items.iter().cloned()),
            Turn::More => input.push(json!({"role": "user", "content": MORE})),
            Turn::Results(ids) => input.extend(ids.iter().map(
                |id| json!({"type": "function_call_output", "call_id": id, "output": RESULT}),
            )),
        }
    }
    body["input"] = json!(input);
    body
}

fn add(body: &mut Value, input: &mut [Value], with: With) {
    let image = |url: String| json!({"role": "user", "content": [{"type": "input_text", "text": HELLO}, {"type": "input_image", "image_url": url}]});
    match with {
        With::System => body["instructions"] = json!(SYSTEM),
        With::Tools => {
            body["tools"] = json!([{"type": "function", "name": "find", "description": "Finds.", "parameters": parameters()}]);
        }
        With::Image => input[0] = image(data_url()),
        With::ImageAtAddress => input[0] = image(ADDRESS.to_owned()),
        With::Schema => {
            body["text"] = json!({"format": {"type": "json_schema", "name": "place", "schema": schema(), "strict": true}});
        }
        With::Effort => body["reasoning"] = json!({"effort": "high"}),
        With::Stop => body["stop"] = json!([STOP]),
        With::Sampling => {
            body["temperature"] = json!(0.5);
            body["top_p"] = json!(0.9);
        }
        With::AnyTool => body["tool_choice"] = json!("required"),
        With::OneTool => body["tool_choice"] = json!({"type": "function", "name": "find"}),
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

/// The last event has the whole answer; what came before has to add up to it.
pub(super) fn assembled(answer: &Answer) -> Result<Told, String> {
    let mut told = Told::default();
    let whole = answer.text();
    let names = whole
        .lines()
        .filter_map(|line| line.strip_prefix("event: "));
    let (mut said, mut arguments) = (String::new(), String::new());
    let mut done = Vec::new();
    for (at, (name, event)) in names.zip(answer.events()).enumerate() {
        let event = parsed(&json!(event))?;
        same("name of an event", &json!(name), &event["type"])?;
        same("sequence_number", &event["sequence_number"], &json!(at))?;
        if told.ended || told.error.is_some() {
            return Err(format!("after the last comes {event}"));
        }
        match name {
            "response.output_text.delta" => said += &text(&event["delta"]),
            "response.function_call_arguments.delta" => arguments += &text(&event["delta"]),
            "response.output_item.added" | "response.output_item.done" => {
                same("output_index", &event["output_index"], &json!(done.len()))?;
                if name.ends_with("done") {
                    done.push(event["item"].clone());
                }
            }
            "response.completed" | "response.incomplete" => {
                told.ended = true;
                told.body = event["response"].clone();
            }
            "response.failed" => told.error = Some(event["response"].clone()),
            _ => {}
        }
    }
    if told.ended {
        let now = understood(&told.body)?;
        let items = json!(done);
        same("items that were done", &items, &told.body["output"])?;
        same("text of the deltas", &said, &now.text)?;
        let all = list(&told.body["output"]).iter();
        let all: String = all.map(|item| text(&item["arguments"])).collect();
        same("arguments of the deltas", &arguments, &all)?;
    } else {
        told.body["output"] =
            json!([{"type": "message", "content": [{"type": "output_text", "text": said}]}]);
    }
    Ok(told)
}

pub(super) fn given_back(body: &Value) -> Vec<Value> {
    list(&body["output"]).to_vec()
}

pub(super) fn said(body: &Value) -> Result<Said, String> {
    understood(body)
}

fn understood(body: &Value) -> Result<Said, String> {
    let mut said = Said {
        used: tokens(&body["usage"]),
        ..Said::default()
    };
    for item in list(&body["output"]) {
        match item["type"].as_str() {
            Some("message") => {
                for part in list(&item["content"]) {
                    said.text += &text(&part["text"]);
                }
            }
            Some("function_call") => said.calls.push(Call {
                id: text(&item["call_id"]),
                name: text(&item["name"]),
                arguments: parsed(&item["arguments"])?,
            }),
            Some("reasoning") => {
                for part in list(&item["summary"]) {
                    said.reasoning += &text(&part["text"]);
                }
                let proof = untagged(&text(&item["encrypted_content"]), "openai");
                said.signature = said.signature.or(proof);
            }
            _ => return Err(format!("there is no item {item}")),
        }
    }
    said.stop = match (
        body["status"].as_str(),
        body["incomplete_details"]["reason"].as_str(),
    ) {
        (Some("completed"), None) if said.calls.is_empty() => Some(Stop::End),
        (Some("completed"), None) => Some(Stop::Calls),
        (Some("incomplete"), Some("max_output_tokens")) => Some(Stop::Length),
        (Some("incomplete"), Some("content_filter")) => Some(Stop::Filtered),
        _ => None,
    };
    Ok(said)
}

fn tokens(usage: &Value) -> Option<Tokens> {
    let (input, output) = (
        usage["input_tokens"].as_u64()?,
        usage["output_tokens"].as_u64()?,
    );
    if usage["total_tokens"] != input + output {
        return None;
    }
    Some(Tokens {
        input,
        cached: usage["input_tokens_details"]["cached_tokens"].as_u64()?,
        output,
        reasoning: usage["output_tokens_details"]["reasoning_tokens"].as_u64()?,
    })
}

/// An answer that failed in the stream has no `type` of error: its code is the kind.
pub(super) fn fault(body: &Value) -> Fault {
    let error = &body["error"];
    let kind = if body["status"] == "failed" {
        text(&body["status"])
    } else {
        text(&error["type"])
    };
    Fault {
        kind,
        message: text(&error["message"]),
    }
}
