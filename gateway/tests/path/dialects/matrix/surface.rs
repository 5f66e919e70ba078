//! The surfaces: how their callers ask, and a reader of each that tells what was understood.

mod chat;
mod gemini;
mod messages;
mod responses;

use serde_json::Value;

use super::ask::Ask;
use super::said::{Fault, Said, Told};
use crate::harness::{Answer, Gateway, KEY};

/// What callers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Chat,
    Responses,
    Messages,
    Gemini,
}

impl Surface {
    pub(crate) const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat Completions",
            Self::Responses => "Responses",
            Self::Messages => "Anthropic Messages",
            Self::Gemini => "Gemini",
        }
    }

    /// A request in its words.
    pub(crate) fn body(self, ask: &Ask) -> Value {
        match self {
            Self::Chat => chat::body(ask),
            Self::Responses => responses::body(ask),
            Self::Messages => messages::body(ask),
            Self::Gemini => gemini::body(ask),
        }
    }

    /// Asks as its callers do.
    pub(crate) async fn ask(self, gateway: &Gateway, ask: &Ask) -> Answer {
        let path = match self {
            Self::Chat => "/v1/chat/completions".to_owned(),
            Self::Responses => "/v1/responses".to_owned(),
            Self::Messages => "/v1/messages".to_owned(),
            Self::Gemini if ask.stream => {
                format!("/v1beta/models/{}:streamGenerateContent?alt=sse", ask.model)
            }
            Self::Gemini => format!("/v1beta/models/{}:generateContent", ask.model),
        };
        self.post(gateway, &path, &self.body(ask)).await
    }

    /// Sends a body with the key where its callers have it.
    pub(crate) async fn post(self, gateway: &Gateway, path: &str, body: &Value) -> Answer {
        let request = gateway.post(path);
        let request = match self {
            Self::Chat | Self::Responses => request.bearer_auth(KEY),
            Self::Messages => request
                .header("x-api-key", KEY)
                .header("anthropic-version", "2023-06-01"),
            Self::Gemini => request.header("x-goog-api-key", KEY),
        };
        Answer::to(request.body(body.to_string())).await
    }

    /// What came, as one body.
    ///
    /// # Errors
    /// A stream is not in the order that its clients rely on.
    pub(crate) fn told(self, answer: &Answer) -> Result<Told, String> {
        if !answer
            .header("content-type")
            .starts_with("text/event-stream")
        {
            return Ok(Told {
                body: answer.json(),
                ended: true,
                error: None,
            });
        }
        match self {
            Self::Chat => chat::assembled(answer),
            Self::Responses => responses::assembled(answer),
            Self::Messages => messages::assembled(answer),
            Self::Gemini => gemini::assembled(answer),
        }
    }

    /// What a body says.
    ///
    /// # Errors
    /// It has what the surface does not know.
    pub(crate) fn said(self, body: &Value) -> Result<Said, String> {
        match self {
            Self::Chat => chat::said(body),
            Self::Responses => responses::said(body),
            Self::Messages => messages::said(body),
            Self::Gemini => gemini::said(body),
        }
    }

    /// What a client sends back of a body in the next turn.
    pub(crate) fn given_back(self, body: &Value) -> Vec<Value> {
        match self {
            Self::Chat => chat::given_back(body),
            Self::Responses => responses::given_back(body),
            Self::Messages => messages::given_back(body),
            Self::Gemini => gemini::given_back(body),
        }
    }

    /// What an error says.
    pub(crate) fn fault(self, body: &Value) -> Fault {
        match self {
            Self::Chat => chat::fault(body),
            Self::Responses => responses::fault(body),
            Self::Messages => messages::fault(body),
            Self::Gemini => gemini::fault(body),
        }
    }

    /// The status by which its callers know that there is no capacity.
    pub(crate) fn overloaded(self) -> u16 {
        match self {
            Self::Messages => 529,
            Self::Chat | Self::Responses | Self::Gemini => 503,
        }
    }

    /// How it calls an error with this status.
    pub(crate) fn kind(self, status: u16) -> &'static str {
        match self {
            Self::Chat | Self::Responses => chat::kind(status),
            Self::Messages => messages::kind(status),
            Self::Gemini => gemini::kind(status),
        }
    }
}
