//! The events that a caller of Responses gets.
//!
//! One item is open at a time, and places rise without holes. What comes while a call still lacks something is held until the call is done, or
//! the answer.

use super::super::Echo;
use super::super::names::custom_input;
use super::super::output::{Head, Item, Outcome, Output, Status, response};
use super::framing::{Open, To, event};
use crate::write::Json;
use crate::{Piece, Text, Usage};

/// Writes a stream. Keeps the whole output, which stands again in the last event.
#[derive(Debug)]
pub struct Writer {
    head: Head,
    output: Output,
    /// What of the item at the front has been written.
    open: Open,
    /// The items that are done, as JSON with commas between.
    done: String,
    sequence: u64,
    usage: Option<Usage>,
    outcome: Outcome,
    begun: bool,
    ended: bool,
}

impl Writer {
    /// A stream that has not begun; tools are called what the provider was told.
    #[must_use]
    pub fn new(head: &crate::Head<'_>) -> Self {
        Self::with_tools(head, &Echo::default())
    }

    /// A stream that has not begun, with the caller's own names of the tools.
    #[must_use]
    pub fn with_tools(head: &crate::Head<'_>, names: &Echo) -> Self {
        Self {
            head: Head::new(head, names),
            output: Output::default(),
            open: Open::default(),
            done: String::new(),
            sequence: 0,
            usage: None,
            outcome: Outcome::Completed,
            begun: false,
            ended: false,
        }
    }

    /// Appends the events for a piece; of any choice but the first, none. An error ends the stream.
    pub fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match piece {
            Piece::Begin { id, model } => {
                if !self.begun {
                    self.head.adopt(id.as_ref(), model.as_ref());
                }
                self.begin(out);
            }
            Piece::Finish { choice: 0, stop } => {
                self.output.finish(stop);
                self.outcome = Outcome::of(Some(stop));
                self.begin(out);
                self.drain(out);
            }
            Piece::Usage(usage) => self.usage.get_or_insert_default().update(usage),
            Piece::Error(facts) => {
                let code = facts.code.as_deref().or(facts.kind.as_deref());
                let message = facts.message.as_deref();
                self.fail(
                    code.unwrap_or("server_error"),
                    message.unwrap_or("the provider failed"),
                    out,
                );
            }
            Piece::Finish { .. } | Piece::End => {}
            Piece::Text { .. }
            | Piece::Refusal { .. }
            | Piece::Reasoning { .. }
            | Piece::Signed { .. }
            | Piece::Redacted { .. }
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Logprobs { .. } => self.output.take(piece),
        }
        self.pump(out);
    }

    /// The answer is complete.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.begin(out);
        self.drain(out);
        self.last(Status::Ended(self.outcome), out);
    }

    /// The stream broke: `response.failed`, with the items that are done. Nothing comes after it.
    pub fn fail(&mut self, code: &str, message: &str, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.begin(out);
        self.last(Status::Failed { code, message }, out);
    }

    /// The beginning has been written elsewhere: nothing but the end is left to be written here.
    pub fn takes_over(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>) {
        self.head.adopt(id, model);
        self.begun = true;
    }

    /// How many events somebody else has written before.
    pub fn comes_after(&mut self, events: u64) {
        self.sequence = self.sequence.max(events);
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        for name in ["response.created", "response.in_progress"] {
            let head = &self.head;
            event(&mut self.sequence, out, name, |json| {
                json.key("response");
                response(json, head, Status::InProgress, "", None);
            });
        }
    }

    fn last(&mut self, status: Status<'_>, out: &mut Vec<u8>) {
        self.ended = true;
        let name = match status {
            Status::Failed { .. } => "response.failed",
            Status::Ended(Outcome::Incomplete(_)) => "response.incomplete",
            Status::Ended(Outcome::Completed) | Status::InProgress => "response.completed",
        };
        let Self {
            head, done, usage, ..
        } = self;
        event(&mut self.sequence, out, name, |json| {
            json.key("response");
            response(json, head, status, done, usage.as_ref());
        });
        self.done = String::new();
    }

    /// Writes what can be written, and closes items that are followed by others.
    fn pump(&mut self, out: &mut Vec<u8>) {
        while !self.ended {
            let Some(item) = self.output.front() else {
                return;
            };
            let followed = self.output.len() > 1;
            let whole = match item {
                Item::Message(_) => followed,
                Item::Reasoning { encrypted, .. } => followed || encrypted.is_some(),
                Item::Call(call) => {
                    let first = followed && !self.open.asked;
                    self.open.asked |= followed;
                    first && call.is_complete()
                }
            };
            self.begin(out);
            if !whole {
                self.catch_up(out);
                return;
            }
            self.close(Outcome::Completed, out);
        }
    }

    /// Closes everything; what stands last is what was cut off, if something was.
    fn drain(&mut self, out: &mut Vec<u8>) {
        while self.output.front().is_some() {
            let last = self.output.len() == 1;
            let outcome = if last {
                self.outcome
            } else {
                Outcome::Completed
            };
            self.close(outcome, out);
        }
    }

    /// Writes what of the item at the front is not written yet.
    fn catch_up(&mut self, out: &mut Vec<u8>) {
        let Some(item) = self.output.front() else {
            return;
        };
        let index = self.output.index();
        let (head, open) = (&self.head, &mut self.open);
        let id = head.item_id(item, index);
        let mut to = To {
            sequence: &mut self.sequence,
            out,
            id: &id,
            index,
        };
        if !open.added {
            open.added = true;
            to.item("response.output_item.added", |json| {
                head.item(json, item, index, Status::InProgress);
            });
        }
        match item {
            Item::Message(parts) => to.parts(parts, open),
            Item::Reasoning { text, .. } => {
                if !text.is_empty() && open.parts == 0 {
                    open.parts = 1;
                    to.summary("response.reasoning_summary_part.added", "part", "");
                }
                let name = "response.reasoning_summary_text.delta";
                to.delta(name, Some(("summary_index", 0)), text, &mut open.sent);
            }
            Item::Call(call) => {
                // A plain text cannot be told before its arguments are whole.
                if !head.named(call).is_some_and(|named| named.custom) {
                    let name = "response.function_call_arguments.delta";
                    to.delta(name, None, &call.arguments, &mut open.sent);
                }
            }
        }
    }

    /// Ends the item at the front.
    fn close(&mut self, outcome: Outcome, out: &mut Vec<u8>) {
        if let Some(item) = self.output.front_mut() {
            item.complete();
        }
        self.catch_up(out);
        let index = self.output.index();
        let Some(item) = self.output.pop() else {
            return;
        };
        let head = &self.head;
        let id = head.item_id(&item, index);
        let mut to = To {
            sequence: &mut self.sequence,
            out,
            id: &id,
            index,
        };
        match &item {
            Item::Message(parts) => {
                if let Some(last) = parts.last() {
                    to.part_done(last, parts.len() - 1);
                }
            }
            Item::Reasoning { text, .. } if !text.is_empty() => {
                to.summary("response.reasoning_summary_text.done", "text", text);
                to.summary("response.reasoning_summary_part.done", "part", text);
            }
            Item::Reasoning { .. } => {}
            Item::Call(call) => match head.named(call) {
                Some(named) if named.custom => to.input(&custom_input(&call.arguments)),
                named => {
                    let name = named.map(|named| Text::plain(&named.name));
                    let name = name.unwrap_or_else(|| Text::escaped(&*call.name));
                    to.arguments_done(&name, &call.arguments);
                }
            },
        }
        let mut json = Json::with_capacity(256);
        head.item(&mut json, &item, index, Status::Ended(outcome));
        let json = String::from_utf8(json.finish()).unwrap_or_default();
        to.item("response.output_item.done", |event| event.verbatim(&json));
        if !self.done.is_empty() {
            self.done.push(',');
        }
        self.done.push_str(&json);
        self.open = Open::default();
    }
}
