//! Answers of this format, event by event.

mod event;
mod thought;

use std::collections::BTreeMap;

use fairlead_json::{Kind, Raw};
use fairlead_wire::openai::named_error;

use super::block::{Call, member, words};
use super::stop::{self, Ended};
use super::{Family, error, usage};
use crate::{Malformed, Piece, Text, Usage};
use event::Event;
use thought::Thought;

/// Reads a stream. It is complete with a `messageStop`, which is a [`Piece::Finish`]; what was used comes after it, and nothing says that
/// that was all, so that there is no [`Piece::End`].
#[derive(Debug, Clone, Default)]
pub struct Reader {
    family: Family,
    begun: bool,
    finished: bool,
    /// Only those that have a beginning: words come without one.
    blocks: BTreeMap<u64, Open>,
    /// The index of the block that was told of last.
    last: u64,
    calls: u64,
    thought: Option<Thought>,
}

/// A block that is open.
#[derive(Debug, Clone, Copy)]
enum Open {
    Call {
        call: u64,
        /// Whether there was a bit of its arguments.
        argued: bool,
    },
    /// What the provider runs itself, which has no neutral form, and neither has what it is run with.
    Other,
}

impl Reader {
    /// A reader at the beginning of an answer from a model of that family.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self {
            family,
            ..Self::default()
        }
    }

    /// One event: its name, or that of the exception, and its payload. Calls `piece` for every bit it holds, in order.
    ///
    /// # Errors
    /// It has no name, or its payload is neither JSON nor what its name promises.
    pub fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or(Malformed::Shape("an event has no name"))?;
        if name == "error" {
            piece(Piece::Error(named_error(data)));
            return Ok(());
        }
        if error::is_exception(name) {
            piece(Piece::Error(error::exception(name, data)));
            return Ok(());
        }
        let event = Event::scan(data)?;
        match name {
            "messageStart" => self.begin(piece),
            "contentBlockStart" => {
                self.begin(piece);
                return self.block_start(&event, piece);
            }
            "contentBlockDelta" => {
                self.begin(piece);
                return self.block_delta(&event, piece);
            }
            "contentBlockStop" => self.block_stop(event.index.unwrap_or(self.last), piece),
            "messageStop" => {
                self.begin(piece);
                return self.message_stop(&event, piece);
            }
            "metadata" => {
                let report = event.usage.and_then(|raw| usage::read(raw, self.family));
                if let Some(usage) = report {
                    piece(Piece::Usage(Usage {
                        served: usage::served(event.tier, event.performance),
                        ..usage
                    }));
                }
            }
            // What the format may come to hold.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, piece: &mut dyn FnMut(Piece<'_>)) {
        if !std::mem::replace(&mut self.begun, true) {
            piece(Piece::Begin {
                id: None,
                model: None,
            });
        }
    }

    fn block_start(
        &mut self,
        event: &Event<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let index = event.index.unwrap_or(self.last.saturating_add(1));
        self.turn_to(index, piece);
        if let Some((name, value)) = event.start.and_then(member)
            && name == "toolUse"
        {
            let open = self.call(&Call::of(value), piece)?;
            self.blocks.insert(index, open);
        }
        Ok(())
    }

    fn call(
        &mut self,
        call: &Call<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Open, Malformed> {
        if call.is_servers {
            return Ok(Open::Other);
        }
        let name = call.name.clone();
        let name = name.ok_or(Malformed::Shape("a call in the stream has no name"))?;
        let number = self.calls;
        self.calls += 1;
        piece(Piece::Call {
            choice: 0,
            call: number,
            id: call.id.clone(),
            name,
            signature: None,
        });
        Ok(Open::Call {
            call: number,
            argued: false,
        })
    }

    fn block_delta(
        &mut self,
        event: &Event<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let index = event.index.unwrap_or(self.last);
        self.turn_to(index, piece);
        let Some((name, value)) = event.delta.and_then(member) else {
            return Ok(());
        };
        match &*name {
            "text" => {
                if let Some(text) = words(value) {
                    piece(Piece::Text { choice: 0, text });
                }
            }
            "reasoningContent" => return self.reasoning(index, value, piece),
            "toolUse" => return self.arguments(index, value, piece),
            // What words rest on, and images: neither has a neutral form in a stream.
            _ => {}
        }
        Ok(())
    }

    fn reasoning(
        &mut self,
        index: u64,
        delta: Raw<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let Some((name, value)) = member(delta) else {
            return Ok(());
        };
        let Some(text) = words(value) else {
            return Ok(());
        };
        if name == "text" {
            piece(Piece::Reasoning { choice: 0, text });
            return Ok(());
        }
        let thought = self.thought.get_or_insert_with(|| Thought::new(index));
        match &*name {
            "signature" => thought.sign(&text),
            "redactedContent" => thought.redact(&text),
            _ => Ok(()),
        }
    }

    fn arguments(
        &mut self,
        index: u64,
        delta: Raw<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let (call, argued) = match self.blocks.get_mut(&index) {
            Some(Open::Call { call, argued }) => (call, argued),
            Some(Open::Other) => return Ok(()),
            None => return Err(Malformed::Shape("a call in the stream has no beginning")),
        };
        let input = Call::of(delta).input;
        let fragment = input.and_then(|input| match input.kind() {
            Kind::Object => Some(Text::plain(input.text())),
            Kind::String | Kind::Number | Kind::Bool(_) | Kind::Null | Kind::Array => words(input),
        });
        if let Some(fragment) = fragment {
            *argued = true;
            piece(Piece::Arguments {
                choice: 0,
                call: *call,
                fragment,
            });
        }
        Ok(())
    }

    /// What was thought in another block than the one that now is told of is whole.
    fn turn_to(&mut self, index: u64, piece: &mut dyn FnMut(Piece<'_>)) {
        self.last = index;
        if self
            .thought
            .as_ref()
            .is_some_and(|thought| thought.index() != index)
        {
            self.settle(piece);
        }
    }

    fn settle(&mut self, piece: &mut dyn FnMut(Piece<'_>)) {
        if let Some(thought) = self.thought.take() {
            thought.tell(self.family, piece);
        }
    }

    /// What a call without arguments is called with is an empty object, and that is said.
    fn block_stop(&mut self, index: u64, piece: &mut dyn FnMut(Piece<'_>)) {
        self.settle(piece);
        if let Some(open) = self.blocks.remove(&index) {
            open.close(piece);
        }
    }

    fn message_stop(
        &mut self,
        event: &Event<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let reason = event
            .reason
            .as_ref()
            .ok_or(Malformed::Shape("the stream ends without a reason"))?;
        self.settle(piece);
        for open in std::mem::take(&mut self.blocks).into_values() {
            open.close(piece);
        }
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        piece(match stop::read(reason) {
            Ended::Stop(stop) => Piece::Finish { choice: 0, stop },
            Ended::Failed(facts) => Piece::Error(facts),
        });
        Ok(())
    }
}

impl Open {
    fn close(self, piece: &mut dyn FnMut(Piece<'_>)) {
        if let Self::Call {
            call,
            argued: false,
        } = self
        {
            piece(Piece::Arguments {
                choice: 0,
                call,
                fragment: Text::plain("{}"),
            });
        }
    }
}
