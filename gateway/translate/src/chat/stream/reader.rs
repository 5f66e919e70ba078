//! A provider's stream, event by event.

use std::collections::BTreeMap;

use fairlead_json::{Kind, Raw};
use fairlead_wire::openai::{Payload, error_body, named_error, payload};

use super::calls::Calls;
use super::event::{Delta, Event};
use crate::chat::answer::{SILENCE, each_said};
use crate::chat::lenient::filled;
use crate::chat::thought::{Detail, each_detail};
use crate::chat::{stop, usage};
use crate::{Content, Malformed, Piece, Stop, Usage};

/// Reads a provider's stream.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    begun: bool,
    over: bool,
    /// Whether anything was said of any choice.
    said: bool,
    /// How many of the choices have ended by themselves.
    natural: usize,
    choices: BTreeMap<u64, Choice>,
}

#[derive(Debug, Clone, Default)]
struct Choice {
    calls: Calls,
    /// Whether the words of the thought that is not signed yet came as a text. Then those in its details are the same again.
    plain: bool,
    finished: bool,
    /// Whether the last reason was an empty string.
    empty_reason: bool,
}

impl Reader {
    /// One event: its name and its data. Calls `piece` for every bit it holds, in order. An empty event or a ping holds none.
    ///
    /// # Errors
    /// It is not what the format promises, or the answer lacks a part of itself.
    pub fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let data = data.trim_ascii();
        if self.over {
            return Ok(());
        }
        if name == Some(b"error") {
            piece(Piece::Error(named_error(data)));
            return Ok(());
        }
        if data == b"[DONE]" {
            return self.done(piece);
        }
        if data.is_empty() || name == Some(b"ping") {
            return Ok(());
        }
        if data.first() == Some(&b'[')
            && let Some(facts) = error_body(data)
        {
            piece(Piece::Error(facts));
            return Ok(());
        }
        let event = Event::read(data)?;
        if event.suspicious
            && let Ok(Payload::Error(facts)) = payload(data)
        {
            piece(Piece::Error(facts));
            return Ok(());
        }
        for (delta, place) in event.choices.iter().zip(0_u64..) {
            self.delta(&event, delta, delta.index.unwrap_or(place), piece)?;
        }
        if let Some(used) = event.usage.and_then(|told| usage::read(told, event.tier)) {
            self.begin(&event, piece);
            self.check_silence(&used)?;
            piece(Piece::Usage(used));
        }
        Ok(())
    }

    /// The stream says that it is over. An empty reason is one now, for it has called tools and will say no more.
    fn done(&mut self, piece: &mut dyn FnMut(Piece<'_>)) -> Result<(), Malformed> {
        for (index, choice) in &mut self.choices {
            if !choice.finished && choice.empty_reason && choice.calls.any() {
                choice.calls.end()?;
                choice.finished = true;
                piece(Piece::Finish {
                    choice: *index,
                    stop: Stop::Calls,
                });
            }
        }
        self.over = true;
        piece(Piece::End);
        Ok(())
    }

    /// The answer begins with the first event that has something of one, which Azure's report on the prompt has not.
    fn begin(&mut self, event: &Event<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        if !self.begun {
            self.begun = true;
            piece(Piece::Begin {
                id: event.id.and_then(filled),
                model: event.model.and_then(filled),
            });
        }
    }

    fn delta(
        &mut self,
        event: &Event<'_>,
        delta: &Delta<'_>,
        index: u64,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let stop = delta
            .reason
            .and_then(|reason| stop::read(reason, delta.matched));
        if !delta.given && stop.is_none() {
            return Ok(());
        }
        self.begin(event, piece);
        let choice = self.choices.entry(index).or_default();
        self.said |= choice.read(delta, index, piece)?;
        if let Some(reason) = delta.reason {
            choice.empty_reason = reason.kind() == Kind::String && filled(reason).is_none();
        }
        if let Some(stop) = stop.filter(|_| !choice.finished) {
            choice.calls.end()?;
            choice.finished = true;
            self.natural += usize::from(matches!(stop, Stop::End | Stop::Calls));
            piece(Piece::Finish {
                choice: index,
                stop,
            });
        }
        Ok(())
    }

    /// Whether tokens were paid for, the model was done, and nothing has come of it: then something has been lost.
    fn check_silence(&self, used: &Usage) -> Result<(), Malformed> {
        let done = self.natural > 0 && self.natural == self.choices.len();
        if done && !self.said && used.output.is_some_and(|output| output > SILENCE) {
            return Err(Malformed::Shape("the answer is empty, and was paid for"));
        }
        Ok(())
    }
}

impl Choice {
    /// Whether anything is said.
    fn read(
        &mut self,
        delta: &Delta<'_>,
        choice: u64,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<bool, Malformed> {
        let (finished, mut said) = (self.finished, false);
        let mut tell = |bit: Piece<'_>| {
            said = true;
            if !finished {
                piece(bit);
            }
        };
        self.thought(delta, choice, &mut tell);
        if let Some(content) = delta.content {
            each_said(content, |said| match said {
                Content::Reasoning { text, .. } => tell(Piece::Reasoning { choice, text }),
                Content::Text(text) => tell(Piece::Text { choice, text }),
                Content::Refusal(_)
                | Content::Image(_)
                | Content::File(_)
                | Content::Audio(_)
                | Content::Redacted(_)
                | Content::Call { .. }
                | Content::Result { .. }
                | Content::Other(_) => {}
            });
        }
        if let Some(text) = delta.refusal.and_then(filled) {
            tell(Piece::Refusal { choice, text });
        }
        if let Some(calls) = delta.calls {
            self.calls(calls, choice, &mut tell)?;
        }
        if said && finished {
            return Err(Malformed::Shape("something follows the end of the answer"));
        }
        if let Some(logprobs) = delta.logprobs.filter(|_| !finished) {
            piece(Piece::Logprobs { choice, logprobs });
        }
        Ok(said)
    }

    fn calls(
        &mut self,
        calls: Raw<'_>,
        choice: u64,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let mut failed = None;
        calls.each_element(|entry| {
            if failed.is_none() {
                failed = self.calls.take(entry, choice, piece).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn thought(&mut self, delta: &Delta<'_>, choice: u64, piece: &mut dyn FnMut(Piece<'_>)) {
        if let Some(text) = delta.thought.text() {
            self.plain = true;
            piece(Piece::Reasoning { choice, text });
        }
        let Some(details) = delta.thought.details else {
            return;
        };
        each_detail(details, |detail| match detail {
            Detail::Text {
                text, signature, ..
            } => {
                if let Some(text) = text.filter(|_| !self.plain) {
                    piece(Piece::Reasoning { choice, text });
                }
                if let Some(signature) = signature {
                    self.plain = false;
                    piece(Piece::Signed { choice, signature });
                }
            }
            Detail::Encrypted(data) => {
                self.plain = false;
                piece(Piece::Redacted { choice, data });
            }
        });
    }
}
