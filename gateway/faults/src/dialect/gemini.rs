//! Gemini's `generateContent`: the path names model and stream, every event is a whole response, nothing but the end of the body ends a stream;
//! errors have numbers, words and details, and stand in a list now and then.
//!
//! Source: the API reference, "`GenerateContentResponse`"; "Troubleshooting"; `google.rpc.Status` and `RetryInfo`.

mod own;

use serde_json::{Value, json};

use super::{Means, Part, Speech};
use crate::reply::Draft;
use crate::{Fault, Seen, Step};

/// The API.
#[derive(Debug)]
pub(super) struct Gemini;

impl Speech for Gemini {
    fn name(&self) -> &'static str {
        "Gemini"
    }

    fn has(&self, path: &str) -> bool {
        [":generateContent", ":streamGenerateContent"]
            .iter()
            .any(|verb| path.ends_with(verb))
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        let verb = if streamed {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        format!("/v1beta/models/{model}:{verb}")
    }

    fn model<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (model, _) = path.rsplit_once(':')?;
        let (_, model) = model.rsplit_once("/models/")?;
        Some(model)
    }

    fn is_streamed(&self, seen: &Seen) -> bool {
        seen.path.contains(":streamGenerateContent")
    }

    fn key_header(&self) -> &'static str {
        "x-goog-api-key"
    }

    fn whole(&self, draft: &Draft<'_>) -> Value {
        let mut whole = finish(reason(draft));
        let words = draft.reply.words.concat();
        whole["candidates"][0]["content"] = content(&words);
        dressed(draft, whole, usage(draft))
    }

    fn events(&self, draft: &Draft<'_>) -> Vec<Step> {
        let prompt = json!({"promptTokenCount": draft.reply.usage.input});
        let words = draft.reply.words.iter().map(|word| self.says(word));
        let words = words.map(|chunk| dressed(draft, chunk, prompt.clone()));
        let last = dressed(draft, finish(reason(draft)), usage(draft));
        let events = words.chain([last]);
        events.map(|chunk| Step::Event(chunk.to_string())).collect()
    }

    fn nothing(&self) -> Value {
        json!({"candidates": [], "modelVersion": "m", "responseId": "r0"})
    }

    fn ended(&self) -> &'static str {
        "STOP"
    }

    fn opening(&self) -> Value {
        self.says("")
    }

    fn says(&self, text: &str) -> Value {
        json!({"candidates": [{"index": 0, "content": content(text)}]})
    }

    fn holds(&self, filler: &str) -> Value {
        let image = json!({"inlineData": {"mimeType": "image/png", "data": filler}});
        let content = json!({"role": "model", "parts": [image]});
        json!({"candidates": [{"index": 0, "content": content}]})
    }

    fn part(&self, step: &Step) -> Option<Part> {
        let Step::Event(data) = step else { return None };
        let chunk: Value = serde_json::from_str(data).unwrap_or_default();
        let candidate = &chunk["candidates"][0];
        let text = candidate["content"]["parts"][0]["text"].as_str();
        if candidate["finishReason"].is_string() {
            return Some(Part::Finish);
        }
        let says = text.is_some_and(|text| !text.is_empty());
        Some(if says { Part::Content } else { Part::Opening })
    }

    fn error(&self, status: u16, message: Option<&str>) -> Value {
        let (word, usual) = match status {
            400 => ("INVALID_ARGUMENT", "Invalid value at 'contents'."),
            401 => (
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
            ),
            403 => ("PERMISSION_DENIED", "The caller does not have permission."),
            404 | 410 => (
                "NOT_FOUND",
                "models/nope is not found for API version v1beta.",
            ),
            409 => ("ABORTED", "There is a conflict."),
            429 => ("RESOURCE_EXHAUSTED", "Resource has been exhausted."),
            500 => ("INTERNAL", "An internal error has occurred."),
            501 => ("UNIMPLEMENTED", "It is not implemented."),
            503 => (
                "UNAVAILABLE",
                "The model is overloaded. Please try again later.",
            ),
            408 | 504 => ("DEADLINE_EXCEEDED", "The deadline has expired."),
            _ => ("UNKNOWN", "It is not known what went wrong."),
        };
        let message = message.unwrap_or(usual);
        let mut error = json!({"code": status, "message": message, "status": word});
        if status == 429 {
            error["details"] = json!([retry_info("17s")]);
        }
        json!({"error": error})
    }

    fn refusal(&self, means: Means) -> Option<(u16, Value)> {
        let status = match means {
            Means::BadRequest => 400,
            Means::BadKey => return Some((400, bad_key())),
            Means::NoModel => 404,
            Means::TooMany => 429,
            Means::Overloaded => 503,
            Means::Failed => 500,
            Means::TooLong => {
                let message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
                return Some((400, self.error(400, Some(message))));
            }
            // What is refused is an answer without words; and who has no money is throttled.
            Means::Filtered | Means::NoMoney => return None,
        };
        Some((status, self.error(status, None)))
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn faults(&self) -> &'static [Fault] {
        own::FAULTS
    }
}

fn content(text: &str) -> Value {
    json!({"role": "model", "parts": [{"text": text}]})
}

/// A response that ends, and says nothing more.
fn finish(reason: &str) -> Value {
    json!({"candidates": [{"index": 0, "content": content(""), "finishReason": reason}]})
}

fn reason(draft: &Draft<'_>) -> &'static str {
    match draft.reply.finish.as_str() {
        "length" => "MAX_TOKENS",
        _ => "STOP",
    }
}

fn dressed(draft: &Draft<'_>, mut response: Value, usage: Value) -> Value {
    response["usageMetadata"] = usage;
    response["modelVersion"] = draft.model.as_str().into();
    response["responseId"] = draft.id.as_str().into();
    response
}

fn usage(draft: &Draft<'_>) -> Value {
    let used = draft.reply.usage;
    json!({
        "promptTokenCount": used.input, "cachedContentTokenCount": used.cached, "candidatesTokenCount": used.output,
        "totalTokenCount": used.input + used.output,
    })
}

fn bad_key() -> Value {
    let mut error = Gemini.error(400, Some("API key not valid. Please pass a valid API key."));
    let kind = "type.googleapis.com/google.rpc.ErrorInfo";
    error["error"]["details"] = json!([{"@type": kind, "reason": "API_KEY_INVALID"}]);
    error
}

fn retry_info(delay: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
}
