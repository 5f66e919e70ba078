//! The blocks of an answer: they follow one another, numbered without holes, and what cannot be said yet, because the call before it is not
//! over, waits.

use super::events;
use super::held::{Held, Progress, Queue};
use crate::messages::{ids, signature};
use crate::{Head, Piece, Signature, Text};

/// Writes the blocks of one answer.
#[derive(Debug)]
pub(super) struct Blocks {
    head: String,
    open: Open,
    /// The index of the block that is open, or else of the next.
    index: u64,
    calls: u64,
    queue: Queue,
}

/// The block that is open.
#[derive(Debug, Clone, Copy)]
enum Open {
    Nothing,
    Text,
    /// Not signed yet.
    Thinking,
    Call(u64, Progress),
}

impl Blocks {
    pub(super) fn new(head: &Head<'_>) -> Self {
        Self {
            head: head.id.to_owned(),
            open: Open::Nothing,
            index: 0,
            calls: 0,
            queue: Queue::default(),
        }
    }

    /// Whether a tool was called.
    pub(super) fn called(&self) -> bool {
        self.calls > 0
    }

    /// A bit of the answer, if it belongs into a block. One answer is asked for, without probabilities.
    pub(super) fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Text { choice: 0, text } | Piece::Refusal { choice: 0, text } => {
                self.words(text, false, out);
            }
            Piece::Reasoning { choice: 0, text } => self.words(text, true, out),
            Piece::Signed {
                choice: 0,
                signature,
            } => self.sign(signature, out),
            Piece::Redacted { choice: 0, data } => {
                self.redacted(&signature::given(Some(data)), out);
            }
            Piece::Call {
                choice: 0,
                call,
                id,
                name,
                signature,
            } => {
                if let Some(signature) = signature {
                    self.redacted(&signature::of_a_call(signature), out);
                }
                self.call(*call, id.as_ref(), name, out);
            }
            Piece::Arguments {
                choice: 0,
                call,
                fragment,
            } => self.argue(*call, fragment, out),
            Piece::Finish { choice: 0, .. } => self.flush(out),
            Piece::Begin { .. }
            | Piece::Text { .. }
            | Piece::Refusal { .. }
            | Piece::Reasoning { .. }
            | Piece::Signed { .. }
            | Piece::Redacted { .. }
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Logprobs { .. }
            | Piece::Finish { .. }
            | Piece::Usage(_)
            | Piece::End
            | Piece::Error(_) => {}
        }
    }

    /// Whether a call is open whose arguments are not all there, so that everything else has to wait.
    fn waits(&self) -> bool {
        matches!(self.open, Open::Call(_, progress) if !progress.is_done())
    }

    fn words(&mut self, text: &Text<'_>, thought: bool, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if self.waits() {
            let text = text.as_written().to_owned();
            self.queue.push(if thought {
                Held::Thinking(text)
            } else {
                Held::Text(text)
            });
            return;
        }
        match (self.open, thought) {
            (Open::Text, false) | (Open::Thinking, true) => {}
            (_, true) => self.open_thinking(out),
            (_, false) => {
                self.open_as(Open::Text, out);
                events::start(out, self.index, |json| {
                    json.key("type").str("text");
                    json.key("text").str("");
                });
            }
        }
        let (kind, member) = if thought {
            ("thinking_delta", "thinking")
        } else {
            ("text_delta", "text")
        };
        events::delta(out, self.index, kind, member, text);
    }

    fn open_thinking(&mut self, out: &mut Vec<u8>) {
        self.open_as(Open::Thinking, out);
        events::start(out, self.index, |json| {
            json.key("type").str("thinking");
            json.key("thinking").str("");
            json.key("signature").str("");
        });
    }

    /// What was thought is whole; where it was not shown, it is a block without words.
    fn sign(&mut self, signature: &Signature<'_>, out: &mut Vec<u8>) {
        if self.waits() {
            return self.queue.push(Held::Signed(owned(signature)));
        }
        if !matches!(self.open, Open::Thinking) {
            self.open_thinking(out);
        }
        self.close_thinking(Some(signature), out);
    }

    fn redacted(&mut self, data: &Text<'_>, out: &mut Vec<u8>) {
        if self.waits() {
            self.queue.push(Held::Redacted(data.clone().into_owned()));
            return;
        }
        self.open_as(Open::Nothing, out);
        events::start(out, self.index, |json| {
            json.key("type").str("redacted_thinking");
            json.key("data").text(data);
        });
        self.stop_block(out);
    }

    fn call(&mut self, call: u64, id: Option<&Text<'_>>, name: &Text<'_>, out: &mut Vec<u8>) {
        if self.waits() {
            self.queue.push(Held::Call {
                call,
                id: id.map(|id| id.clone().into_owned()),
                name: name.clone().into_owned(),
                arguments: String::new(),
            });
            return;
        }
        self.open_as(Open::Call(call, Progress::default()), out);
        let id = ids::answered_call(id, &self.head, self.calls);
        self.calls += 1;
        events::start(out, self.index, |json| {
            json.key("type").str("tool_use");
            json.key("id").text(&id);
            json.key("name").text(name);
            json.key("input").object(|_| {});
        });
    }

    fn argue(&mut self, call: u64, fragment: &Text<'_>, out: &mut Vec<u8>) {
        let Open::Call(open, mut progress) = self.open else {
            return;
        };
        if open != call {
            return self.queue.argue(call, fragment);
        }
        if progress.is_done() {
            // Nothing but white space can follow.
            return;
        }
        progress.feed(fragment);
        self.open = Open::Call(call, progress);
        if progress.has_begun() {
            events::delta(
                out,
                self.index,
                "input_json_delta",
                "partial_json",
                fragment,
            );
        }
        if progress.is_done() {
            self.drain(out);
        }
    }

    /// Says what has waited, until a call is open again that is not over.
    fn drain(&mut self, out: &mut Vec<u8>) {
        while !self.waits()
            && let Some(held) = self.queue.pop()
        {
            self.say(held, out);
        }
    }

    /// Says all that has waited, whether the calls before it are over or not: nothing more comes.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        loop {
            if self.waits() {
                self.open_as(Open::Nothing, out);
            }
            let Some(held) = self.queue.pop() else {
                return self.open_as(Open::Nothing, out);
            };
            self.say(held, out);
        }
    }

    fn say(&mut self, held: Held, out: &mut Vec<u8>) {
        match held {
            Held::Text(text) => self.words(&Text::escaped(text), false, out),
            Held::Thinking(text) => self.words(&Text::escaped(text), true, out),
            Held::Signed(signature) => self.sign(&signature, out),
            Held::Redacted(data) => self.redacted(&data, out),
            Held::Call {
                call,
                id,
                name,
                arguments,
            } => {
                self.call(call, id.as_ref(), &name, out);
                self.argue_at_once(&Text::escaped(arguments), out);
            }
        }
    }

    /// What a call was called with while it waited. It may be over by that, but what comes next is the loop's business.
    fn argue_at_once(&mut self, arguments: &Text<'_>, out: &mut Vec<u8>) {
        if let Open::Call(call, mut progress) = self.open {
            progress.feed(arguments);
            self.open = Open::Call(call, progress);
            if progress.has_begun() {
                events::delta(
                    out,
                    self.index,
                    "input_json_delta",
                    "partial_json",
                    arguments,
                );
            }
        }
    }

    /// Closes what is open, and counts on.
    fn open_as(&mut self, open: Open, out: &mut Vec<u8>) {
        match self.open {
            Open::Nothing => {}
            Open::Text | Open::Call(..) => self.stop_block(out),
            Open::Thinking => self.close_thinking(None, out),
        }
        self.open = open;
    }

    fn close_thinking(&mut self, signature: Option<&Signature<'_>>, out: &mut Vec<u8>) {
        let signature = signature::given(signature);
        events::delta(out, self.index, "signature_delta", "signature", &signature);
        self.stop_block(out);
    }

    fn stop_block(&mut self, out: &mut Vec<u8>) {
        events::stop(out, self.index);
        self.open = Open::Nothing;
        self.index += 1;
    }
}

fn owned(signature: &Signature<'_>) -> Signature<'static> {
    Signature {
        origin: signature.origin,
        value: signature.value.clone().into_owned(),
    }
}
