//! How the events of a stream lie in its bytes: as lines of text, or in Amazon's frames.

use bytes::Bytes;
use fairlead_wire::event_stream::{self, Broken};
use fairlead_wire::sse::{self, Event};

use crate::surface::Operation;

/// Cuts a stream into events.
#[derive(Debug)]
pub(super) enum Framing {
    /// Server-sent events.
    Lines(sse::Decoder),
    /// Frames.
    Frames(event_stream::Decoder),
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unframed {
    /// An event is larger than is taken.
    TooLarge,
    /// It is no event.
    Broken,
}

impl Framing {
    /// That of the streams of an operation, whose events are at most so large.
    pub(super) fn of(sent: Operation, largest: usize) -> Self {
        if sent == Operation::Converse {
            Self::Frames(event_stream::Decoder::new(largest))
        } else {
            Self::Lines(sse::Decoder::new(largest))
        }
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        match self {
            Self::Lines(decoder) => decoder.push(piece),
            Self::Frames(decoder) => decoder.push(piece),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Event>, Unframed> {
        match self {
            Self::Lines(decoder) => decoder.next().map_err(|_| Unframed::TooLarge),
            Self::Frames(decoder) => match decoder.next() {
                Ok(message) => Ok(message.map(Event::from)),
                Err(Broken::TooLarge { .. }) => Err(Unframed::TooLarge),
                Err(_) => Err(Unframed::Broken),
            },
        }
    }

    /// How many bytes have come of an event that is not whole yet.
    pub(super) fn pending(&self) -> usize {
        match self {
            Self::Lines(decoder) => decoder.pending(),
            Self::Frames(decoder) => decoder.pending(),
        }
    }

    /// At the end of the body: the last event, if only its blank line is missing.
    pub(super) fn rest(&mut self) -> Option<Event> {
        match self {
            Self::Lines(decoder) => decoder.rest(),
            Self::Frames(_) => None,
        }
    }
}
