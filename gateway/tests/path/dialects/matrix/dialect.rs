//! The dialects: how their providers answer and fail, and what a request in their words has to hold.

mod anthropic;
mod bedrock;
mod gemini;
mod openai;

use fairlead_faults::{Framing, Play, Seen, Step};
use fairlead_wire::event_stream;
use serde_json::{Value, json};

use super::ask::With;
use super::said::{Said, Stop};
use crate::harness::yaml::{ONCE, object, secret};

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
    Bedrock,
}

/// What a provider fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    BadRequest,
    TooLong,
    Credential,
    RateLimited,
    Overloaded,
    ServerError,
    UnknownModel,
    Filtered,
}

/// What a provider says of its failure in the middle of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// It is about the request.
    ForTheCaller,
    /// It is about the gateway's account, and nobody else's business.
    OfOurAccount,
}

impl Words {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::ForTheCaller => "Your answer is filtered.",
            Self::OfOurAccount => "No money in account acct-7.",
        }
    }
}

/// A refusal: its status, one header, and its body.
pub(crate) type Refusal = (u16, Option<(&'static str, &'static str)>, Value);

/// Members of a request: where each is, and what it has to be.
pub(crate) type Members = Vec<(String, Value)>;

impl Dialect {
    pub(crate) const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Bedrock];

    /// The `type` of `LLMProvider`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Bedrock => "Bedrock",
        }
    }

    /// Another one.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::OpenAi => Self::Anthropic,
            Self::Anthropic => Self::Gemini,
            Self::Gemini => Self::Bedrock,
            Self::Bedrock => Self::OpenAi,
        }
    }

    /// How a signature of its own is marked.
    pub(crate) fn origin(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            // Claude signs, wherever it runs.
            Self::Anthropic | Self::Bedrock => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// An `LLMProvider` with a credential.
    pub(crate) fn provider(self, name: &str, base_url: &str) -> String {
        let kind = self.name();
        let more = if self == Self::Bedrock {
            // What can be said to a model goes by whose it is.
            let model = |name| format!("{{name: {name}, upstreamName: {}}}", bedrock::MODEL);
            let models = ["m", "m-or-other", "m-dropping"].map(model).join(", ");
            format!(", bedrock: {{region: eu-west-1}}, models: [{models}]")
        } else {
            String::new()
        };
        let spec = format!(
            "type: {kind}, baseURL: \"{base_url}\", allowPrivateNetwork: true, credentials: [{{name: main, secretRef: {{name: {name}-key}}}}], {ONCE}{more}"
        );
        let value = "apiKey: sk-provider-0123456789abcdef";
        object("LLMProvider", name, &spec) + &secret(&format!("{name}-key"), "credential", value)
    }

    /// Where it is asked, below the address of the provider.
    pub(crate) fn path(self, model: &str, stream: bool) -> String {
        match self {
            Self::OpenAi => "/v1/chat/completions".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini if stream => format!("/v1/models/{model}:streamGenerateContent?alt=sse"),
            Self::Gemini => format!("/v1/models/{model}:generateContent"),
            Self::Bedrock if stream => format!("/v1/model/{}/converse-stream", bedrock::MODEL),
            Self::Bedrock => format!("/v1/model/{}/converse", bedrock::MODEL),
        }
    }

    /// An answer in one piece.
    pub(crate) fn whole(self, said: &Said) -> Value {
        match self {
            Self::OpenAi => openai::whole(said),
            Self::Anthropic => anthropic::whole(said),
            Self::Gemini => gemini::whole(said),
            Self::Bedrock => bedrock::whole(said),
        }
    }

    /// An answer as events, each with its blank line or as a frame.
    pub(crate) fn events(self, said: &Said) -> Vec<Vec<u8>> {
        let lines = match self {
            Self::OpenAi => openai::events(said),
            Self::Anthropic => anthropic::events(said),
            Self::Gemini => gemini::events(said),
            Self::Bedrock => return bedrock::events(said),
        };
        lines.into_iter().map(String::into_bytes).collect()
    }

    /// How many events come before the first that says something.
    pub(crate) fn before_content(self) -> usize {
        match self {
            Self::OpenAi | Self::Bedrock => 1,
            Self::Anthropic => 2,
            Self::Gemini => 0,
        }
    }

    /// Says it, in one piece or as events, as it was asked.
    pub(crate) fn says(self, said: &Said, seen: &Seen) -> Play {
        let stream = seen.streamed() || seen.path.contains(":streamGenerateContent");
        if stream {
            self.played(self.events(said), Step::End)
        } else {
            Play::json(200, &self.whole(said))
        }
    }

    /// Says so many events of it, and then that it failed, or is gone.
    pub(crate) fn breaks_off(self, said: &Said, after: usize, words: Option<Words>) -> Play {
        let failing = words.map(|words| match self {
            Self::OpenAi => openai::failing(words).into_bytes(),
            Self::Anthropic => anthropic::failing(words).into_bytes(),
            Self::Gemini => gemini::failing(words).into_bytes(),
            Self::Bedrock => bedrock::failing(words),
        });
        let events = self.events(said).into_iter().take(after);
        self.played(events.chain(failing), Step::Close)
    }

    /// Is filtered, as a stream; `None`: it refuses in its head.
    pub(crate) fn filtered_stream(self) -> Option<Play> {
        let events = match self {
            Self::OpenAi => return None,
            Self::Anthropic | Self::Bedrock => {
                self.events(&Said::words("").stopped(Stop::Filtered))
            }
            Self::Gemini => {
                let refused = gemini::refusal(Class::Filtered).2;
                vec![format!("data: {refused}\n\n").into_bytes()]
            }
        };
        Some(self.played(events, Step::End))
    }

    /// These events, and what comes of the connection then.
    fn played(self, events: impl IntoIterator<Item = Vec<u8>>, last: Step) -> Play {
        let kind = if self == Self::Bedrock {
            event_stream::CONTENT_TYPE
        } else {
            "text/event-stream"
        };
        let mut steps = vec![Step::head(200, &[("content-type", kind)], Framing::Chunked)];
        steps.extend(events.into_iter().map(|event| Step::Body(event.into())));
        steps.push(last);
        Play::steps(steps)
    }

    /// The sentence in the body of a refusal.
    pub(crate) fn sentence(self, body: &Value) -> &Value {
        match self {
            Self::Bedrock => &body["message"],
            Self::OpenAi | Self::Anthropic | Self::Gemini => &body["error"]["message"],
        }
    }

    /// What it refuses with.
    pub(crate) fn refusal(self, class: Class) -> Refusal {
        match self {
            Self::OpenAi => openai::refusal(class),
            Self::Anthropic => anthropic::refusal(class),
            Self::Gemini => gemini::refusal(class),
            Self::Bedrock => bedrock::refusal(class),
        }
    }

    /// What every request in its words holds.
    pub(crate) fn asked(self, stream: bool) -> Members {
        let members = match self {
            Self::OpenAi => openai::asked(stream),
            Self::Anthropic => anthropic::asked(stream),
            Self::Gemini => gemini::asked(),
            Self::Bedrock => bedrock::asked(),
        };
        owned(members)
    }

    /// What a request for this holds.
    pub(crate) fn asked_with(self, with: With) -> Members {
        owned(match self {
            Self::OpenAi => openai::asked_with(with),
            Self::Anthropic => anthropic::asked_with(with),
            Self::Gemini => gemini::asked_with(with),
            Self::Bedrock => bedrock::asked_with(with),
        })
    }

    /// What a conversation holds in which these calls were made and answered, those of a turn at once.
    pub(crate) fn called(self, turns: &[&[&str]]) -> Members {
        let (mut at, mut members) = (1, Vec::new());
        for ids in turns {
            members.extend(match self {
                Self::OpenAi => openai::called(at, ids),
                Self::Anthropic => anthropic::called(at, ids),
                Self::Gemini => gemini::called(at, ids),
                Self::Bedrock => bedrock::called(at, ids),
            });
            // Chat Completions has a message for each result.
            at += if self == Self::OpenAi {
                1 + ids.len()
            } else {
                2
            };
        }
        members
    }

    /// What a conversation holds in which this was said with signed thoughts, second; and whether the thoughts are in it.
    pub(crate) fn thought(self, said: &Said) -> (Members, bool) {
        match self {
            Self::OpenAi if said.calls.is_empty() => {
                let text = vec![("/messages/1/content", json!(said.text))];
                (owned(text), false)
            }
            Self::OpenAi => (self.called(&[&["call_1"]]), false),
            Self::Anthropic => (owned(anthropic::thought(said)), true),
            Self::Gemini => (owned(gemini::thought(said)), true),
            Self::Bedrock => (owned(bedrock::thought(said)), true),
        }
    }
}

fn owned(members: Vec<(&str, Value)>) -> Members {
    let owned = members
        .into_iter()
        .map(|(at, value)| (at.to_owned(), value));
    owned.collect()
}

/// A text in two pieces.
fn halves(text: &str) -> [&str; 2] {
    let (one, two) = text.split_at(text.len() / 2);
    [one, two]
}
