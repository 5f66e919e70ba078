//! What is known of an event, whatever its dialect.

use fairlead_translate::{Piece, Text, Usage as Parts};
use fairlead_wire::openai::{Chunk, ErrorFacts, Payload, Told};

/// One event has no more choices than this that count: twice as many as a request may have.
pub(super) const MOST_SEEN: usize = 4096;

/// What the pieces of one event come to.
pub(super) struct Facts<'a> {
    /// What was used so far: reports replace one another, member by member.
    used: &'a mut Parts,
    chunk: Chunk,
    ends: bool,
    error: Option<ErrorFacts>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(used: &'a mut Parts) -> Self {
        Self {
            used,
            chunk: Chunk::default(),
            ends: false,
            error: None,
        }
    }

    pub(super) fn take(&mut self, piece: &Piece<'_>) {
        let chunk = &mut self.chunk;
        chunk.content |= piece.is_content();
        match piece {
            Piece::Text { choice, .. }
            | Piece::Refusal { choice, .. }
            | Piece::Reasoning { choice, .. }
            | Piece::Signed { choice, .. }
            | Piece::Redacted { choice, .. }
            | Piece::Call { choice, .. }
            | Piece::Arguments { choice, .. }
            | Piece::Logprobs { choice, .. } => see(chunk, *choice),
            Piece::Finish { choice, stop } => {
                see(chunk, *choice);
                chunk.finished.push(*choice);
                let reason = Some(stop.word());
                chunk.told.learn(Told::of(None, None, reason));
            }
            Piece::Usage(usage) => {
                self.used.update(usage);
                chunk.usage = Some((*self.used).into());
            }
            Piece::Begin { id, model } => {
                let text = |text: &Option<Text<'_>>| {
                    text.as_ref()
                        .map(|text| text.unescaped().into_owned().into())
                };
                chunk.told.learn(Told::of(text(id), text(model), None));
            }
            Piece::End => self.ends = true,
            Piece::Error(facts) => self.error = Some(facts.clone()),
        }
    }

    /// Whether the event that ends the answer ends the stream, too, so that it goes to the caller as it is.
    pub(super) fn ends_with_its_finish(&self) -> bool {
        self.ends && !self.chunk.finished.is_empty()
    }

    /// The caller gets something of it that is no piece of the answer, such as that a search goes on.
    pub(super) fn moves(&mut self) {
        self.chunk.content = true;
    }

    pub(super) fn into_payload(self) -> Payload {
        match self.error {
            Some(facts) => Payload::Error(facts),
            None if self.ends && self.chunk.finished.is_empty() => Payload::Done,
            None => Payload::Chunk(self.chunk),
        }
    }
}

fn see(chunk: &mut Chunk, choice: u64) {
    // More than are taken from anybody are not told apart: each is compared with each.
    if chunk.seen.len() <= MOST_SEEN && !chunk.seen.contains(&choice) {
        chunk.seen.push(choice);
        chunk.choices += 1;
    }
}
