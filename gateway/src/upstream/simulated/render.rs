//! The shapes of simulated answers (source: the OpenAI API reference for chat completions, completions and embeddings).

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Question;
use crate::surface::Operation;

/// The length of a simulated embedding.
const DIMENSIONS: usize = 16;

/// An answer before it is written out.
pub(super) struct Rendered<'a> {
    question: &'a Question<'a>,
    body: &'a Value,
    words: &'a [String],
    /// The name and arguments of the tool that is called instead of answering.
    tool: Option<(String, String)>,
}

impl<'a> Rendered<'a> {
    pub(super) fn new(question: &'a Question<'a>, body: &'a Value, words: &'a [String]) -> Self {
        Self {
            question,
            body,
            words,
            tool: called_tool(body),
        }
    }

    /// The answer in one piece.
    pub(super) fn whole(&self) -> Value {
        let text = self.words.join(" ");
        let operation = self.question.operation;
        if operation == Operation::Embeddings {
            return self.embeddings();
        }
        if operation == Operation::Completions {
            let choice =
                json!({"index": 0, "text": text, "logprobs": null, "finish_reason": "stop"});
            return self.envelope("text_completion", &json!([choice]), Some(&self.usage()));
        }
        // What speaks otherwise is translated on the way here.
        let message = match &self.tool {
            Some(_) => {
                json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [self.tool_call(false)]})
            }
            None => json!({"role": "assistant", "content": text, "refusal": null}),
        };
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason()});
        self.envelope("chat.completion", &json!([choice]), Some(&self.usage()))
    }

    /// The answer as server-sent events, one piece an event; the role goes with the first content.
    pub(super) fn events(&self) -> VecDeque<Bytes> {
        let mut pieces = VecDeque::new();
        let mut opening = String::new();
        if self.question.operation == Operation::Chat {
            opening = self.event(&json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]), None);
        }
        for delta in self.deltas() {
            let event = self.event(&json!([delta]), None);
            pieces.push_back(Bytes::from(std::mem::take(&mut opening) + &event));
        }
        let mut closing = self.event(&json!([self.last_choice()]), None);
        if self.body["stream_options"]["include_usage"] == Value::Bool(true) {
            closing += &self.event(&json!([]), Some(&self.usage()));
        }
        pieces.push_back(Bytes::from(closing + "data: [DONE]\n\n"));
        pieces
    }

    fn deltas(&self) -> Vec<Value> {
        if let Some((_, arguments)) = &self.tool {
            let start = json!({"index": 0, "delta": {"tool_calls": [self.tool_call(true)]}, "finish_reason": null});
            let rest = json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}, "finish_reason": null});
            return vec![start, rest];
        }
        let piece = |(at, word): (usize, &String)| {
            let text = if at == 0 {
                word.clone()
            } else {
                format!(" {word}")
            };
            if self.question.operation == Operation::Completions {
                json!({"index": 0, "text": text, "logprobs": null, "finish_reason": null})
            } else {
                json!({"index": 0, "delta": {"content": text}, "finish_reason": null})
            }
        };
        self.words.iter().enumerate().map(piece).collect()
    }

    fn last_choice(&self) -> Value {
        if self.question.operation == Operation::Completions {
            return json!({"index": 0, "text": "", "logprobs": null, "finish_reason": "stop"});
        }
        json!({"index": 0, "delta": {}, "finish_reason": self.finish_reason()})
    }

    fn event(&self, choices: &Value, usage: Option<&Value>) -> String {
        let object = if self.question.operation == Operation::Completions {
            "text_completion"
        } else {
            "chat.completion.chunk"
        };
        format!("data: {}\n\n", self.envelope(object, choices, usage))
    }

    fn envelope(&self, object: &str, choices: &Value, usage: Option<&Value>) -> Value {
        let prefix = if self.question.operation == Operation::Completions {
            "cmpl"
        } else {
            "chatcmpl"
        };
        let id = format!("{prefix}-sim{:016x}", self.question.id);
        let mut envelope = json!({"id": id, "object": object, "created": self.question.now, "model": self.question.model, "choices": choices});
        if let Some(usage) = usage {
            envelope["usage"] = usage.clone();
        }
        envelope
    }

    fn usage(&self) -> Value {
        let content = self.question.operation.content_members();
        let prompt: usize = content
            .iter()
            .map(|member| count_words(&self.body[*member]))
            .sum();
        let completion = if self.question.operation == Operation::Embeddings {
            0
        } else {
            self.words.len()
        };
        json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
    }

    fn finish_reason(&self) -> &'static str {
        if self.tool.is_some() {
            "tool_calls"
        } else {
            "stop"
        }
    }

    fn tool_call(&self, opening: bool) -> Value {
        let (name, arguments) = self.tool.as_ref().map_or(("", ""), |(name, arguments)| {
            (name.as_str(), arguments.as_str())
        });
        let arguments = if opening { "" } else { arguments };
        let mut call = json!({"id": format!("call_sim{:016x}", self.question.id), "type": "function", "function": {"name": name, "arguments": arguments}});
        if opening {
            call["index"] = json!(0);
        }
        call
    }

    fn embeddings(&self) -> Value {
        let input = &self.body["input"];
        let many = input
            .as_array()
            .filter(|items| items.iter().any(Value::is_string));
        let texts: Vec<String> = many.map_or_else(
            || vec![input.to_string()],
            |items| items.iter().map(Value::to_string).collect(),
        );
        let base64 = self.body["encoding_format"] == "base64";
        let data: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": embedding(text, base64)}))
            .collect();
        json!({"object": "list", "data": data, "model": self.question.model, "usage": {"prompt_tokens": count_words(input), "total_tokens": count_words(input)}})
    }
}

/// The first tool, and arguments that its schema admits: every required property with the emptiest value of its type.
fn called_tool(body: &Value) -> Option<(String, String)> {
    if body["tool_choice"] == "none" {
        return None;
    }
    let answered = body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .is_some_and(|last| last["role"] == "tool");
    let function = &body["tools"].as_array()?.first()?["function"];
    let name = function["name"].as_str()?.to_owned();
    let parameters = &function["parameters"];
    let mut arguments = serde_json::Map::new();
    for property in parameters["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        arguments.insert(
            property.to_owned(),
            emptiest(&parameters["properties"][property]),
        );
    }
    (!answered).then(|| (name, Value::Object(arguments).to_string()))
}

fn emptiest(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("number" | "integer") => json!(0),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("example"),
    }
}

fn count_words(value: &Value) -> usize {
    match value {
        Value::String(text) => text.split_whitespace().count(),
        Value::Array(items) => items.iter().map(count_words).sum(),
        Value::Object(members) => members
            .get("content")
            .or_else(|| members.get("text"))
            .map_or(0, count_words),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A vector that depends on nothing but the text (FNV-1a as the seed), as floats or as the base64 of little-endian `f32`s.
fn embedding(text: &str, base64: bool) -> Value {
    use base64::Engine as _;
    let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let vector: Vec<f32> = (0..DIMENSIONS)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // The top 16 bits, scaled to -1..1.
            f32::from(u16::try_from(state >> 48).unwrap_or(0)) / 32_768.0 - 1.0
        })
        .collect();
    if base64 {
        let bytes: Vec<u8> = vector
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        return Value::String(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
    json!(vector)
}
