//! What callers speak: how they ask, and what they understand of a body or of an event.

use fairlead_faults::Dialect;
use serde_json::{Value, json};

use crate::harness::{Answer, Gateway, KEY};

/// What a caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Chat,
    Messages,
    Gemini,
}

/// What a body or an event says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Some of the words; `None`: it has no place for any.
    pub(super) text: Option<String>,
    /// Whether the answer ends with it; `None`: it says nothing of that.
    pub(super) ends: Option<bool>,
    /// An error.
    pub(super) error: Option<Value>,
}

impl Surface {
    /// The surfaces from which a dialect is asked: its own, where bytes pass as they are, and one that is translated.
    pub(crate) fn of(dialect: Dialect) -> [Self; 2] {
        match dialect.name() {
            "Gemini" => [Self::Gemini, Self::Chat],
            "OpenAI" => [Self::Chat, Self::Messages],
            _ => [Self::Messages, Self::Chat],
        }
    }

    /// Whether the bytes of a dialect pass as they are.
    pub(crate) fn is_of(self, dialect: Dialect) -> bool {
        let own = match self {
            Self::Chat => "OpenAI",
            Self::Messages => "Anthropic",
            Self::Gemini => "Gemini",
        };
        own == dialect.name()
    }

    /// As the results have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat Completions",
            Self::Messages => "Messages",
            Self::Gemini => "generateContent",
        }
    }

    /// Asks a model for an answer to these words.
    pub(crate) async fn ask(
        self,
        gateway: &Gateway,
        model: &str,
        streamed: bool,
        words: &str,
    ) -> Answer {
        let message = json!([{"role": "user", "content": words}]);
        let path = match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Gemini if streamed => {
                &format!("/v1beta/models/{model}:streamGenerateContent?alt=sse")
            }
            Self::Gemini => &format!("/v1beta/models/{model}:generateContent"),
        };
        let mut body = match self {
            Self::Chat => json!({"model": model, "messages": message}),
            Self::Messages => json!({"model": model, "max_tokens": 100, "messages": message}),
            Self::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": words}]}]}),
        };
        if streamed && self != Self::Gemini {
            body["stream"] = true.into();
        }
        let request = gateway.post(path).body(body.to_string());
        Answer::to(match self {
            Self::Chat => request.bearer_auth(KEY),
            Self::Messages => request
                .header("x-api-key", KEY)
                .header("anthropic-version", "2023-06-01"),
            Self::Gemini => request.header("x-goog-api-key", KEY),
        })
        .await
    }

    /// A status as it has it: 529 is Anthropic's word for 503.
    pub(super) fn status(self, status: u16) -> u16 {
        match (self, status) {
            (Self::Messages, 503) => 529,
            (Self::Chat | Self::Gemini, 529) => 503,
            _ => status,
        }
    }

    /// What a whole body says.
    pub(super) fn whole(self, body: &Value) -> Said {
        match self {
            Self::Chat => {
                let said = &body["choices"][0]["message"]["content"];
                Said {
                    text: said.as_str().map(str::to_owned),
                    ends: Some(said.is_string()),
                    error: error_in(body),
                }
            }
            Self::Messages => Said {
                text: body["content"].as_array().map(|blocks| texts(blocks)),
                ends: Some(body["type"] == "message" && body["stop_reason"].is_string()),
                error: own_error(body),
            },
            Self::Gemini => response(body),
        }
    }

    /// What the data of an event says.
    pub(super) fn event(self, data: &str) -> Said {
        if self == Self::Chat && data == "[DONE]" {
            return Said {
                ends: Some(true),
                ..Said::default()
            };
        }
        let Ok(event) = serde_json::from_str::<Value>(data) else {
            return Said::default();
        };
        match self {
            Self::Chat => Said {
                text: owned(&event["choices"][0]["delta"]["content"]),
                ends: Some(false),
                error: error_in(&event),
            },
            Self::Messages => Said {
                text: owned(&event["delta"]["text"]),
                ends: Some(event["type"] == "message_stop"),
                error: own_error(&event),
            },
            Self::Gemini => response(&event),
        }
    }
}

fn response(body: &Value) -> Said {
    let candidate = &body["candidates"][0];
    let reason = candidate["finishReason"].as_str();
    let ended = reason.is_some_and(|reason| reason != "FINISH_REASON_UNSPECIFIED");
    Said {
        text: candidate["content"]["parts"]
            .as_array()
            .map(|parts| texts(parts)),
        ends: candidate.is_object().then_some(ended),
        error: body.get("error").filter(|error| error.is_object()).cloned(),
    }
}

fn texts(parts: &[Value]) -> String {
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    texts.collect()
}

fn owned(text: &Value) -> Option<String> {
    text.as_str().map(str::to_owned)
}

/// An error of Anthropic's.
fn own_error(body: &Value) -> Option<Value> {
    (body["type"] == "error" && body["error"].is_object()).then(|| body["error"].clone())
}

/// An error object in any of the places where OpenAI's servers put it.
fn error_in(body: &Value) -> Option<Value> {
    let set = |value: &&Value| !value.is_null();
    let named = body.get("error").filter(set);
    let in_choice = || body["choices"][0].get("error").filter(set);
    let bare = || (body.get("message").is_some() || body["object"] == "error").then_some(body);
    named.or_else(in_choice).or_else(bare).cloned()
}
