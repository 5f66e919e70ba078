//! What of a stream goes to its caller: without our credential, translated where that is needed, and counted as long as it is kept.

use bytes::{Bytes, BytesMut};
use fairlead_wire::sse::{Decoder, Event, framed};
use tokio::time::Instant;

use super::StreamAnswer;
use super::failed::too_much;
use super::incoming::SMALL_EVENT;
use crate::answer::transcript::rejoined;
use crate::failure::Failure;
use crate::memory::Permit;
use crate::surface::Surface;

/// Of a translated stream so much is kept at most.
const MAX_KEPT: usize = 32 * 1024 * 1024;

impl StreamAnswer {
    /// An event without our credential; of a comment that repeats it nothing is left.
    pub(super) fn clean(&self, event: Event) -> Option<Event> {
        let redactor = match &self.redactor {
            Some(redactor) if redactor.may_be_in(&event.raw) => redactor,
            _ => return Some(event),
        };
        let data = redactor.cut(event.data?);
        let mut raw = framed(std::iter::once(data.clone()));
        // Some readers go by the name.
        if let Some(name) = &event.name {
            raw = [b"event: ", name.as_ref(), b"\n", raw.as_ref()]
                .concat()
                .into();
        }
        Some(Event {
            raw,
            data: Some(data),
            name: event.name,
        })
    }

    /// Counts what is kept of a translated stream.
    pub(super) fn count(&mut self) -> Result<(), Failure> {
        let kept = self.progress.kept();
        if kept <= SMALL_EVENT {
            return Ok(());
        }
        if kept > MAX_KEPT {
            return Err(too_much("its stream is longer than is translated"));
        }
        if self.kept.is_none() {
            self.kept = self.memory.permit(0).ok();
        }
        let fits = |permit: &mut Permit| permit.grow_to(kept).is_ok();
        if self.kept.as_mut().is_some_and(fits) {
            Ok(())
        } else {
            Err(no_room())
        }
    }

    /// Passes an event on, or what it has become.
    pub(super) fn pass_on(&mut self, event: Event) -> Result<(), Failure> {
        if !self.progress.translates() {
            if let Some(event) = self.clean(event) {
                self.pass(event);
            }
            return Ok(());
        }
        let Some(mut written) = self.progress.take_written() else {
            return Ok(());
        };
        if self.transcript.is_none() {
            self.held += written.len();
            if written.len() > SMALL_EVENT {
                let permit = self.memory.permit(written.len());
                written = permit.map_err(|_| no_room())?.keep(written);
            }
            self.ready.push_back(written);
            return Ok(());
        }
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(written);
        while let Ok(Some(event)) = decoder.next() {
            self.pass(event);
        }
        Ok(())
    }

    /// Puts an event where the caller will find it. A comment is passed on without the blank line behind it, which some readers take for
    /// an empty event.
    fn pass(&mut self, mut event: Event) {
        if event.is_comment() {
            if self.surface == Surface::Gemini {
                // Its clients read nothing but data.
                return;
            }
            event.raw = event.without_blank_line();
        }
        self.held += event.raw.len();
        let Some(transcript) = &mut self.transcript else {
            self.ready.push_back(event.raw);
            return;
        };
        let seen = if self.is_rest {
            rejoined(&event, &transcript.identity)
        } else {
            Some(event.raw)
        };
        if let Some(data) = &event.data {
            transcript.take(data);
        }
        self.ready.extend(seen);
    }

    /// What is ready for the caller, as far as it goes into one piece; `None`: nothing is. A large event is a piece of its own: it is counted
    /// as long as it is not copied.
    pub(in crate::answer) fn take_ready(&mut self) -> Option<Bytes> {
        self.left = Instant::now();
        let first = self.ready.pop_front()?;
        let small = |piece: &Bytes| piece.len() <= SMALL_EVENT;
        let more = self.ready.iter().take_while(|piece| small(piece)).count();
        let ready = if more == 0 || !small(&first) {
            first
        } else {
            let mut all = BytesMut::from(first);
            for piece in self.ready.drain(..more) {
                all.extend_from_slice(&piece);
            }
            all.freeze()
        };
        Some(match self.permit.take() {
            // What was held until it is whole is counted until it has left; what is still here goes soon after.
            Some(permit) => permit.keep(ready),
            None => ready,
        })
    }
}

fn no_room() -> Failure {
    Failure::without_memory("the gateway has no memory left for its stream")
}
