//! Bedrock's Converse: the path names model and stream, streams are frames of Amazon's whose headers name what they are, usage comes behind the
//! end; errors have a type, and no number of their own.
//!
//! Events are told here as the API's model has them, as an object with one member that is named like the event. Source: the API reference of
//! Bedrock's runtime, "`Converse`", "`ConverseStream`" and "Common errors".

mod own;

use bytes::Bytes;
use fairlead_wire::event_stream::{self, Decoder};
use serde_json::{Value, json};

use super::{Means, Part, Speech};
use crate::reply::Draft;
use crate::{Fault, Seen, Step};

/// The API.
#[derive(Debug)]
pub(super) struct Converse;

impl Speech for Converse {
    fn name(&self) -> &'static str {
        "Bedrock"
    }

    fn settings(&self) -> &'static str {
        "bedrock: {region: eu-west-1}"
    }

    fn has(&self, path: &str) -> bool {
        asked(path).is_some()
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        let verb = if streamed {
            "converse-stream"
        } else {
            "converse"
        };
        format!("/model/{model}/{verb}")
    }

    fn model<'a>(&self, path: &'a str) -> Option<&'a str> {
        asked(path)
    }

    fn is_streamed(&self, seen: &Seen) -> bool {
        seen.path.ends_with("/converse-stream")
    }

    fn key_header(&self) -> &'static str {
        "authorization"
    }

    fn stream_type(&self) -> &'static str {
        event_stream::CONTENT_TYPE
    }

    fn whole(&self, draft: &Draft<'_>) -> Value {
        let words = draft.reply.words.concat();
        let content = match words.as_str() {
            "" => json!([]),
            words => json!([{"text": words}]),
        };
        json!({
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": reason(draft), "usage": usage(draft), "metrics": {"latencyMs": 7},
        })
    }

    fn events(&self, draft: &Draft<'_>) -> Vec<Step> {
        let mut events = vec![self.opening()];
        events.extend(draft.reply.words.iter().map(|word| self.says(word)));
        events.extend([
            json!({"contentBlockStop": {"contentBlockIndex": 0}}),
            json!({"messageStop": {"stopReason": reason(draft)}}),
            json!({"metadata": {"usage": usage(draft), "metrics": {"latencyMs": 7}}}),
        ]);
        let framed = events.iter().map(|event| self.event(&event.to_string()));
        framed.collect()
    }

    fn nothing(&self) -> Value {
        json!({"output": {"message": {"role": "assistant", "content": []}}})
    }

    fn ended(&self) -> &'static str {
        "end_turn"
    }

    fn opening(&self) -> Value {
        json!({"messageStart": {"role": "assistant"}})
    }

    fn says(&self, text: &str) -> Value {
        delta(&json!({"text": text}))
    }

    fn holds(&self, filler: &str) -> Value {
        let source = json!({"bytes": filler});
        delta(&json!({"image": {"format": "png", "source": source}}))
    }

    fn event(&self, payload: &str) -> Step {
        let told: Value = serde_json::from_str(payload).unwrap_or_default();
        let member = told.as_object().and_then(|object| object.iter().next());
        Step::Body(match member {
            Some((name, value)) => event_stream::event(name, value.to_string().as_bytes()),
            // One that is no JSON is called as most are.
            None => event_stream::event("contentBlockDelta", payload.as_bytes()),
        })
    }

    fn part(&self, step: &Step) -> Option<Part> {
        let Step::Body(bytes) = step else { return None };
        match &*name(bytes)? {
            b"messageStart" => Some(Part::Opening),
            b"contentBlockDelta" => Some(Part::Content),
            b"messageStop" => Some(Part::Finish),
            b"metadata" => Some(Part::Closing),
            _ => None,
        }
    }

    fn error(&self, status: u16, message: Option<&str>) -> Value {
        let (kind, usual) = match status {
            400 => (
                "ValidationException",
                "Malformed input request, please reformat your input and try again.",
            ),
            401 => (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            403 => (
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
            ),
            404 | 410 => (
                "ResourceNotFoundException",
                "Could not resolve the foundation model from the model identifier.",
            ),
            408 => ("ModelTimeoutException", "The model took too long."),
            424 => ("ModelErrorException", "The model failed."),
            429 => (
                "ThrottlingException",
                "Too many requests, please wait before trying again.",
            ),
            500 => (
                "InternalServerException",
                "The system encountered an unexpected error.",
            ),
            503 => (
                "ServiceUnavailableException",
                "Bedrock is unable to process your request.",
            ),
            _ => (
                "UnknownOperationException",
                "It is not known what went wrong.",
            ),
        };
        error(kind, message.unwrap_or(usual))
    }

    fn refusal(&self, means: Means) -> Option<(u16, Value)> {
        let status = match means {
            Means::BadRequest => 400,
            Means::BadKey => return Some((403, self.error(401, None))),
            Means::NoModel => 404,
            Means::TooMany => 429,
            Means::Overloaded => 503,
            Means::Failed => 500,
            Means::TooLong => {
                let message = "Input is too long for requested model.";
                return Some((400, self.error(400, Some(message))));
            }
            // What a guardrail refuses is an answer that says so; and nobody pays in advance.
            Means::Filtered | Means::NoMoney => return None,
        };
        Some((status, self.error(status, None)))
    }

    fn error_event(&self, error: &Value) -> Step {
        let kind = error["__type"].as_str().unwrap_or_default();
        exception(kind, &json!({"message": error["message"]}))
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn faults(&self) -> &'static [Fault] {
        own::FAULTS
    }
}

/// The model that a path of this API names, as it is escaped there.
fn asked(path: &str) -> Option<&str> {
    let (model, verb) = path.rsplit_once('/')?;
    let (_, model) = model.rsplit_once("/model/")?;
    ["converse", "converse-stream"]
        .contains(&verb)
        .then_some(model)
}

/// What a frame is called.
fn name(frame: &Bytes) -> Option<Bytes> {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(frame.clone());
    let message = decoder.next().ok()??;
    Some(message.name)
}

fn delta(delta: &Value) -> Value {
    json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": delta}})
}

fn reason(draft: &Draft<'_>) -> &'static str {
    match draft.reply.finish.as_str() {
        "length" => "max_tokens",
        _ => "end_turn",
    }
}

fn usage(draft: &Draft<'_>) -> Value {
    let used = draft.reply.usage;
    json!({
        "inputTokens": used.input - used.cached, "cacheReadInputTokens": used.cached, "outputTokens": used.output,
        "totalTokens": used.input + used.output,
    })
}

/// The body of a refusal. Bedrock names the type in a header; what stands in front of it, and other services of Amazon's, do it here.
fn error(kind: &str, message: &str) -> Value {
    json!({"__type": kind, "message": message})
}

/// A failure within a stream: its name is that of a refusal's type but for the first letter.
fn exception(kind: &str, payload: &Value) -> Step {
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    Step::Body(event_stream::exception(
        &name,
        payload.to_string().as_bytes(),
    ))
}
