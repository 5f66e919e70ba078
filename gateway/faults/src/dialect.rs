//! The APIs that providers speak: how their answers look on the wire, what their events mean, and how they say that they failed.
//!
//! Faults are written once, by meaning, and played in each: a further API is a file in `dialect/` and its place in [`SPOKEN`]. The request
//! says which one it is, by its path.

mod anthropic;
mod converse;
mod gemini;
mod openai;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::reply::{Draft, stream, whole};
use crate::{Fault, Reply, Seen, Step};

/// An API. Two are the same if they have the same name.
#[derive(Clone, Copy)]
pub struct Dialect(&'static dyn Speech);

/// Every API there is; what no other one knows by its path is the first one's.
const SPOKEN: [&dyn Speech; 4] = [
    &openai::OpenAi,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &converse::Converse,
];

/// What an error means. Each API has its own words and its own status for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// The request is wrong.
    BadRequest,
    /// The prompt is too long for the model.
    TooLong,
    /// The key is wrong.
    BadKey,
    /// The account behind the key has no money left.
    NoMoney,
    /// There are too many requests with this key.
    TooMany,
    /// The server has no capacity, whoever asks.
    Overloaded,
    /// The server failed.
    Failed,
    /// The model is not there.
    NoModel,
    /// What the prompt says is refused.
    Filtered,
}

/// What a step contributes to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Before anything was said: a role, a verdict on the prompt.
    Opening,
    /// Something said, thought or called.
    Content,
    /// The reason why no more will be said.
    Finish,
    /// What follows that: usage, the terminator.
    Closing,
}

/// What has to be known of an API. Events are told as their payloads, in JSON; [`Speech::event`] frames them.
pub(crate) trait Speech: Sync {
    /// The `type` of the `LLMProvider`s that speak it.
    fn name(&self) -> &'static str;

    /// Fields that such an `LLMProvider` must have beside its address and its keys, in flow style.
    fn settings(&self) -> &'static str {
        ""
    }

    /// Whether a request for this path, without its query, is one of this API.
    fn has(&self, path: &str) -> bool;

    /// The path at which a model is asked.
    fn path(&self, model: &str, streamed: bool) -> String;

    /// The model that this path names, as it is escaped there; `None`: the body does.
    fn model<'a>(&self, path: &'a str) -> Option<&'a str> {
        let _ = path;
        None
    }

    /// Whether a stream is asked for.
    fn is_streamed(&self, seen: &Seen) -> bool {
        seen.json()["stream"] == true
    }

    /// The header in which a key comes.
    fn key_header(&self) -> &'static str;

    /// The media type of a stream. Framings that are not those of server-sent events have another one.
    fn stream_type(&self) -> &'static str {
        EVENT_STREAM
    }

    /// What answers this request well.
    fn answer(&self, reply: &Reply, seen: &Seen) -> Vec<Step> {
        let draft = Draft::new(reply, seen);
        if reply.is_streamed(seen) {
            stream(self.stream_type(), self.events(&draft))
        } else {
            whole(200, &self.whole(&draft))
        }
    }

    /// A whole answer.
    fn whole(&self, draft: &Draft<'_>) -> Value;

    /// The events of a streamed one, with what ends them.
    fn events(&self, draft: &Draft<'_>) -> Vec<Step>;

    /// A whole answer in which there is nothing of what was asked for.
    fn nothing(&self) -> Value;

    /// The word by which a whole answer says that it ended by itself.
    fn ended(&self) -> &'static str;

    /// An event that opens an answer and says nothing, and of which there may be many.
    fn opening(&self) -> Value;

    /// An event that says this.
    fn says(&self, text: &str) -> Value;

    /// An event that says nothing and holds this, as an image would.
    fn holds(&self, filler: &str) -> Value;

    /// What ends a stream once everything was said; `None`: there is nothing but the end of the body.
    fn terminator(&self) -> Option<Step> {
        None
    }

    /// An event with this payload, framed.
    fn event(&self, payload: &str) -> Step {
        Step::Event(payload.to_owned())
    }

    /// What an event contributes; `None` for steps that are no events, and for events that contribute nothing.
    fn part(&self, step: &Step) -> Option<Part>;

    /// The body of an error with this status, in the usual words or in these.
    fn error(&self, status: u16, message: Option<&str>) -> Value;

    /// How it says this: a status, and the body of an error; `None`: it never does.
    fn refusal(&self, means: Means) -> Option<(u16, Value)>;

    /// An error inside a stream.
    fn error_event(&self, error: &Value) -> Step {
        self.event(&error.to_string())
    }

    /// Whether an error says its status itself, wherever it stands.
    fn is_numbered(&self) -> bool {
        false
    }

    /// Faults that are this API's own; one with the name of a common fault takes its place.
    fn faults(&self) -> &'static [Fault] {
        &[]
    }
}

/// The media type of server-sent events.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

impl Dialect {
    /// Every API there is.
    pub fn all() -> impl Iterator<Item = Self> {
        SPOKEN.into_iter().map(Self)
    }

    /// The one in which a request for this path is.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let [first, others @ ..] = SPOKEN;
        let known = others.into_iter().find(|speech| speech.has(path));
        Self(known.unwrap_or(first))
    }

    /// The `type` of the `LLMProvider`s that speak it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Fields that such an `LLMProvider` must have beside its address and its keys, in flow style; empty if there are none.
    #[must_use]
    pub fn settings(self) -> &'static str {
        self.0.settings()
    }

    /// The path at which a model is asked, with its query.
    #[must_use]
    pub fn path(self, model: &str, streamed: bool) -> String {
        self.0.path(model, streamed)
    }

    /// The key that a request came with, as it stands in its header; empty if it came without.
    #[must_use]
    pub fn key_of(self, seen: &Seen) -> &str {
        seen.header(self.0.key_header()).unwrap_or_default()
    }

    /// The status that an error in a success, or inside a stream, claims where it means this; `None`: it claims none.
    pub(crate) fn claimed(self, means: Means) -> Option<u16> {
        let (status, _) = self.0.refusal(means).filter(|_| self.0.is_numbered())?;
        Some(status)
    }

    /// Whether its streams are server-sent events.
    pub(crate) fn has_event_stream(self) -> bool {
        self.0.stream_type() == EVENT_STREAM
    }

    pub(crate) fn speech(self) -> &'static dyn Speech {
        self.0
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl Hash for Dialect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
