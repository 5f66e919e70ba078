//! The events of a provider's stream as they come in, and the memory of one that is large.

use bytes::Bytes;
use fairlead_wire::openai::{payload, stray_error};
use fairlead_wire::sse::Event;

use super::failed::protocol;
use super::framing::{Framing, Unframed};
use super::too_much;
use crate::failure::Failure;
use crate::memory::{Permit, Share};
use crate::surface::Operation;
use crate::upstream::http1::Cut;
use crate::upstream::source::Source;

/// The largest event that is passed on: images come in one.
const MAX_EVENT: usize = 16 * 1024 * 1024;
/// What an event that is not whole yet may occupy without being counted.
pub(super) const SMALL_EVENT: usize = 64 * 1024;

/// A stream that is being read.
#[derive(Debug)]
pub(super) struct Incoming {
    source: Source,
    /// Of its body, what was read to see what it is.
    begun: Option<Bytes>,
    decoder: Framing,
    /// The memory of a large event that is not whole yet.
    permit: Option<Permit>,
    memory: Share,
}

impl Incoming {
    pub(super) fn new(
        source: Source,
        begun: Option<Bytes>,
        sent: Operation,
        memory: Share,
    ) -> Self {
        Self {
            source,
            begun,
            decoder: Framing::of(sent, MAX_EVENT),
            permit: None,
            memory,
        }
    }

    /// Reads a piece; `None` at the end of the body. Take every event out before reading again.
    pub(super) async fn read(&mut self) -> Option<Result<(), Cut>> {
        let piece = match self.begun.take() {
            Some(begun) => Ok(begun),
            None => self.source.chunk().await?,
        };
        Some(piece.map(|piece| self.decoder.push(piece)))
    }

    /// Whether what comes is handed over piece by piece, by somebody who needs a turn for it.
    #[must_use]
    pub(super) fn is_handed_over(&self) -> bool {
        self.source.is_handed_over()
    }

    /// The next event, if all of it is there. What was counted of a large one is, until the last of it has left.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Failure> {
        match self.decoder.next() {
            Ok(Some(mut event)) => {
                if let Some(permit) = self.permit.take() {
                    event.raw = permit.keep(event.raw);
                }
                Ok(Some(event))
            }
            Ok(None) => {
                self.count()?;
                Ok(None)
            }
            Err(Unframed::TooLarge) => {
                Err(too_much("one event of its stream is larger than 16 MiB"))
            }
            Err(Unframed::Broken) => Err(protocol("a frame of its stream cannot be read")),
        }
    }

    /// At the end of the body: the last event, if only its blank line is missing.
    pub(super) fn rest(&mut self) -> Option<Event> {
        self.decoder.rest().filter(|event| match &event.data {
            Some(data) => payload(data).is_ok(),
            None => stray_error(&event.raw).is_some(),
        })
    }

    /// Nothing more is wanted of it.
    pub(super) fn finish(self) {
        self.source.finish();
    }

    /// Counts what has come of the next event.
    fn count(&mut self) -> Result<(), Failure> {
        // It is kept in a buffer that grows to twice of what is in it.
        let pending = 2 * self.decoder.pending();
        if pending <= SMALL_EVENT {
            self.permit = None;
            return Ok(());
        }
        if self.permit.is_none() {
            self.permit = self.memory.permit(0).ok();
        }
        let fits = |permit: &mut Permit| permit.grow_to(pending).is_ok();
        if self.permit.as_mut().is_some_and(fits) {
            return Ok(());
        }
        let detail = "the gateway has no memory left for an event of its stream";
        Err(Failure::without_memory(detail))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fairlead_health::Asker;

    use super::*;
    use crate::failure::Own;
    use crate::memory::Memory;
    use crate::upstream::simulated::Frames;

    fn incoming(memory: &Arc<Memory>) -> Incoming {
        let source = Source::Simulated(Frames::default());
        Incoming::new(source, None, Operation::Chat, memory.of(Asker::new(2)))
    }

    fn push(incoming: &mut Incoming, text: String) -> Result<Option<Event>, Failure> {
        incoming.decoder.push(text.into());
        incoming.next()
    }

    #[test]
    fn a_large_event_is_counted_until_it_has_left() {
        let memory = Memory::new(2 * 1024 * 1024);
        let mut stream = incoming(&memory);
        assert!(push(&mut stream, "data: small".into()).unwrap().is_none());
        assert_eq!(memory.taken(), 0);
        assert!(push(&mut stream, "x".repeat(500_000)).unwrap().is_none());
        assert!(memory.taken() >= 500_000);
        let event = push(&mut stream, "\n\n".into()).unwrap().unwrap();
        assert!(stream.next().unwrap().is_none());
        assert!(memory.taken() >= 500_000);
        let last = event.raw.slice(event.raw.len() - 10..);
        drop(event);
        assert!(memory.taken() >= 500_000);
        drop(last);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn an_event_for_which_there_is_no_memory_blames_nobody() {
        let memory = Memory::new(256 * 1024);
        let failure = push(&mut incoming(&memory), "x".repeat(500_000)).unwrap_err();
        assert_eq!(failure.own, Some(Own::Memory));
    }

    #[test]
    fn a_last_event_that_was_cut_is_none() {
        let memory = Memory::new(1024);
        let rest = |text: &str| {
            let mut stream = incoming(&memory);
            push(&mut stream, text.to_owned()).unwrap();
            stream.rest()
        };
        for whole in [
            "data: {}",
            "data: [DONE]\n",
            "{\"error\":\"no\"}",
            "error: no",
        ] {
            assert!(rest(whole).is_some(), "{whole}");
        }
        for cut in [
            "data: {",
            "data: [DON",
            "{\"error\":\"n",
            ": comm",
            "dat",
            "",
        ] {
            assert!(rest(cut).is_none(), "{cut}");
        }
    }
}
