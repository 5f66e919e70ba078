//! How far a stream has come: what is held, what is passed on, what is left out, and whether it is complete. Pure.
//!
//! Follows `docs/streams.md`: nothing reaches the caller before the first content; the stream is complete when every choice has a finish
//! reason; an event that cannot be read is never passed over in silence.

use bytes::Bytes;
use fairlead_wire::openai::{Chunk, ErrorFacts, Payload, Told, Usage, named_error, stray_error};
use fairlead_wire::sse::Event;
use smallvec::SmallVec;

use crate::codec::Events;

/// More events than this are not held: the stream commits.
const MAX_HELD_EVENTS: usize = 64;
/// More bytes than this are not held: the stream commits.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// Choices are compared one by one, so a provider must not make up any number of them. More than this, and than were asked for, are
/// not taken.
const MAX_CHOICES: u64 = 256;

/// What becomes of an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It goes to the caller, at once or when the stream commits.
    Pass,
    /// It was asked for by the gateway, not by the caller.
    Drop,
    /// It ends the stream, and the stream is complete.
    End,
    /// The provider says that it failed.
    Error(ErrorFacts),
    /// The event is not what the API promises, and why.
    Malformed(&'static str),
    /// There is more in it than is taken from anybody.
    TooMuch(&'static str),
}

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct Progress {
    events: Events,
    choices: u64,
    caller_wants_usage: bool,
    finished: SmallVec<[u64; 1]>,
    seen: SmallVec<[u64; 1]>,
    held_events: usize,
    held_bytes: usize,
    committed: bool,
    /// Whether the last event moved the answer on: content or a finish reason. Comments and empty deltas do not keep a stream alive.
    pub moved: bool,
    /// What the provider said of usage, last.
    pub usage: Option<Usage>,
    /// What the answer calls itself, and why it ended.
    pub told: Told,
    /// Whether it has said what it calls itself.
    named: bool,
    /// In how many events content came: about as many tokens, at least.
    pub pieces: u64,
}

impl Progress {
    /// The start of a stream of `choices` choices, whose events are read so.
    #[must_use]
    pub(crate) fn new(events: Events, choices: u64, caller_wants_usage: bool) -> Self {
        Self {
            events,
            choices,
            caller_wants_usage,
            finished: SmallVec::new(),
            seen: SmallVec::new(),
            held_events: 0,
            held_bytes: 0,
            committed: false,
            moved: false,
            usage: None,
            told: Told::default(),
            named: false,
            pieces: 0,
        }
    }

    /// Whether the stream may reach the caller: it has brought content, a finish reason, or more than may be held.
    #[must_use]
    pub(crate) fn committed(&self) -> bool {
        self.committed
    }

    /// Whether every choice that has begun has its finish reason: with a terminator that is enough, for some servers ignore `n`.
    fn all_finished(&self) -> bool {
        !self.finished.is_empty()
            && self
                .seen
                .iter()
                .all(|choice| self.finished.contains(choice))
    }

    /// Whether every choice that was asked for has its finish reason, so that nothing but the terminator is missing.
    #[must_use]
    pub(crate) fn complete(&self) -> bool {
        let enough = u64::try_from(self.finished.len())
            .is_ok_and(|finished| finished >= self.choices.max(1));
        enough && self.all_finished()
    }

    /// Takes the next event; the verdict says what becomes of it.
    pub(crate) fn take(&mut self, event: &Event) -> Verdict {
        self.moved = false;
        let Some(data) = &event.data else {
            return self.without_data(event);
        };
        // A heartbeat of some servers and proxies, of which many readers would make an empty answer or an error.
        if data.trim_ascii().is_empty() {
            return Verdict::Drop;
        }
        if event.name.as_deref() == Some(b"error") {
            return Verdict::Error(named_error(data));
        }
        match self.events.read(event, data) {
            Some(Payload::Done) if self.all_finished() => Verdict::End,
            Some(Payload::Done) => {
                Verdict::Malformed("the stream ended before every choice had a finish reason")
            }
            Some(Payload::Error(error)) => Verdict::Error(error),
            Some(Payload::Chunk(mut chunk)) => {
                if !std::mem::replace(&mut self.named, true) && !self.events.names() {
                    self.told = Told::named(data);
                }
                self.told.learn(std::mem::take(&mut chunk.told));
                self.chunk(&chunk, event)
            }
            None => Verdict::Malformed("an event of the stream is not what its API promises"),
        }
    }

    /// Whether events become others on the way to the caller.
    #[must_use]
    pub(crate) fn translates(&self) -> bool {
        self.events.translate()
    }

    /// Whether the event that was taken last ends the stream, and goes to the caller as such.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.events.is_over()
    }

    /// About how much of a translated stream is kept, in bytes.
    #[must_use]
    pub(crate) fn kept(&self) -> usize {
        self.events.kept()
    }

    /// What the caller gets in place of the event that was taken last.
    pub(crate) fn take_written(&mut self) -> Option<Bytes> {
        self.events.take_written()
    }

    /// What ends the stream for its caller.
    pub(crate) fn end(&mut self) -> Option<Bytes> {
        self.events.end()
    }

    /// What tells the caller that the stream has failed, where its surface has more to say than an error.
    pub(crate) fn fail(&mut self, code: &str, message: &str) -> Option<Bytes> {
        self.events.fail(code, message)
    }

    fn without_data(&self, event: &Event) -> Verdict {
        if let Some(error) = stray_error(&event.raw) {
            return Verdict::Error(error);
        }
        // Comments keep a connection open; before the content the gateway sends its own.
        if self.committed {
            Verdict::Pass
        } else {
            Verdict::Drop
        }
    }

    fn chunk(&mut self, chunk: &Chunk, event: &Event) -> Verdict {
        let only_usage = chunk.choices == 0
            && chunk.usage.is_some()
            && !chunk.more
            && self.events.tells_usage_when_asked();
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        let most = usize::try_from(self.choices.max(MAX_CHOICES)).unwrap_or(usize::MAX);
        if chunk.seen.len().max(self.seen.len()) > most {
            return Verdict::TooMuch("its stream has more choices than are passed on");
        }
        note(&mut self.seen, &chunk.seen);
        note(&mut self.finished, &chunk.finished);
        if only_usage && !self.caller_wants_usage {
            return Verdict::Drop;
        }
        self.moved = chunk.content || !chunk.finished.is_empty();
        self.pieces += u64::from(chunk.content);
        self.committed |= self.moved;
        self.hold(event)
    }

    fn hold(&mut self, event: &Event) -> Verdict {
        if !self.committed {
            self.held_events += 1;
            self.held_bytes += event.raw.len();
            self.committed = self.held_events > MAX_HELD_EVENTS || self.held_bytes > MAX_HELD_BYTES;
        }
        Verdict::Pass
    }
}

fn note(known: &mut SmallVec<[u64; 1]>, more: &[u64]) {
    for choice in more {
        if !known.contains(choice) {
            known.push(*choice);
        }
    }
}

#[cfg(test)]
mod tests;
