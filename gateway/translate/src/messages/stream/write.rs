//! The events for a caller.

use fairlead_wire::openai::ErrorFacts;

use super::blocks::Blocks;
use super::events;
use crate::messages::{error_as, ids, kind_of, stop, usage};
use crate::{Head, Piece, Stop, Text, Usage};

/// What this format calls failures in the middle of an answer.
const ERRORS: [&str; 5] = [
    "overloaded_error",
    "rate_limit_error",
    "invalid_request_error",
    "timeout_error",
    "api_error",
];

/// Writes a stream.
#[derive(Debug)]
pub struct Writer {
    id: Text<'static>,
    model: Text<'static>,
    started: bool,
    ended: bool,
    blocks: Blocks,
    refused: bool,
    usage: Usage,
    /// What is told of the input at the start where the provider has not told it by then.
    estimate: Option<u64>,
    stop: Option<Stop<'static>>,
}

impl Writer {
    /// A writer for one answer.
    #[must_use]
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            id: ids::message(None, head),
            model: Text::plain(head.model).into_owned(),
            started: false,
            ended: false,
            blocks: Blocks::new(head),
            refused: false,
            usage: Usage::default(),
            estimate: None,
            stop: None,
        }
    }

    /// The same, which tells about how much input there is where the provider tells it only at the end.
    #[must_use]
    pub fn expecting(self, input: u64) -> Self {
        Self {
            estimate: Some(input),
            ..self
        }
    }

    /// Appends the events that a bit of the answer comes to. The first one waits for whatever follows the beginning, which may be the usage.
    pub fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match piece {
            Piece::Begin { id, model } => return self.begin(id.as_ref(), model.as_ref()),
            Piece::Error(facts) => return self.fail(facts, out),
            // The end is written when it is certain.
            Piece::End => return,
            Piece::Usage(usage) => self.usage.update(usage),
            Piece::Refusal { choice: 0, text } => self.refused |= !text.is_empty(),
            Piece::Finish { choice: 0, stop } => self.stop = Some(owned(stop)),
            Piece::Text { .. }
            | Piece::Refusal { .. }
            | Piece::Reasoning { .. }
            | Piece::Signed { .. }
            | Piece::Redacted { .. }
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Finish { .. }
            | Piece::Logprobs { .. } => {}
        }
        self.start(out);
        self.blocks.write(piece, out);
    }

    /// The answer is complete: closes what is open and says how it ended and what it took.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.start(out);
        self.blocks.flush(out);
        self.ended = true;
        events::event(out, "message_delta", |json| {
            json.key("delta").object(|json| {
                stop::write(json, self.stop.as_ref(), self.blocks.called(), self.refused);
            });
            json.key("usage");
            usage::write(json, &self.usage);
        });
        events::event(out, "message_stop", |_| {});
    }

    fn begin(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>) {
        if let Some(id) = id.filter(|id| ids::fits(id.as_written())) {
            self.id = id.clone().into_owned();
        }
        if let Some(model) = model {
            self.model = model.clone().into_owned();
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let mut usage = self.usage;
        if usage.whole_input().is_none() {
            usage.input = self.estimate;
        }
        events::event(out, "message_start", |json| {
            json.key("message").object(|json| {
                json.key("id").text(&self.id);
                json.key("type").str("message");
                json.key("role").str("assistant");
                json.key("model").text(&self.model);
                json.key("content").array(|_| {});
                json.key("stop_reason").null();
                json.key("stop_sequence").null();
                json.key("usage");
                usage::write(json, &usage);
            });
        });
    }

    /// The provider failed: its own word for it, where it is one of this format's, and what it tells a human.
    fn fail(&mut self, facts: &ErrorFacts, out: &mut Vec<u8>) {
        self.ended = true;
        let told = facts.kind.as_deref();
        let own = ERRORS.into_iter().find(|kind| told == Some(*kind));
        let kind = match (own, facts.status) {
            (Some(kind), _) => kind,
            (None, Some(status)) => kind_of(status),
            (None, None) => "api_error",
        };
        let message = facts.message.as_deref().unwrap_or("The provider failed.");
        let data = error_as(
            kind,
            facts.code.as_deref().map(|code| (code, code)),
            &Text::plain(message),
        );
        events::whole(out, "error", &data);
    }
}

fn owned(stop: &Stop<'_>) -> Stop<'static> {
    let own = |text: &Option<Text<'_>>| text.clone().map(Text::into_owned);
    match stop {
        Stop::End => Stop::End,
        Stop::Sequence(text) => Stop::Sequence(own(text)),
        Stop::Length => Stop::Length,
        Stop::ContextFull => Stop::ContextFull,
        Stop::Calls => Stop::Calls,
        Stop::Filtered(why) => Stop::Filtered(own(why)),
        Stop::Paused => Stop::Paused,
        Stop::Other(word) => Stop::Other(word.clone().into_owned()),
    }
}
