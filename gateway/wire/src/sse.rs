//! Server-sent events: an incremental decoder that keeps the bytes.
//!
//! Between the upstream's body and whoever reads events. The framing is the WHATWG HTML standard's
//! ("Server-sent events", 9.2.5 and 9.2.6): lines end in LF, CRLF or CR; a blank line ends an event; several
//! data lines are joined by LF; a byte order mark at the very start is ignored. Bytes may be split anywhere.
//! Every other byte comes out again in some event's `raw`, so that a stream can be passed on exactly as it came.
//!
//! It fails only when one event is larger than agreed.

mod event;
mod frame;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

pub use event::Event;
use frame::Frame;

/// An event is larger than the decoder was told to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one event of the stream is larger than {limit} bytes")]
pub struct TooLarge {
    /// The most bytes an event may have, separators included.
    pub limit: usize,
}

/// Whether a body begins as a stream of events does: with a comment or a field that the standard knows. `None`: too little has come.
#[must_use]
pub fn begins_events(body: &[u8]) -> Option<bool> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if !body.is_empty() && MARK.starts_with(body) {
        return None;
    }
    let text = body.strip_prefix(MARK).unwrap_or(body);
    let blank = text
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    let line = text.get(blank..).unwrap_or_default();
    if line.is_empty() {
        return None;
    }
    let fields: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
    if fields.iter().any(|field| line.starts_with(field)) {
        return Some(true);
    }
    let may_become = fields.iter().any(|field| field.starts_with(line));
    (!may_become).then_some(false)
}

/// An event of these pieces of data. Line ends inside would break the framing; JSON means the same without them.
#[must_use]
pub fn framed(pieces: impl Iterator<Item = Bytes>) -> Bytes {
    let mut event = BytesMut::from(&b"data: "[..]);
    for piece in pieces {
        event.extend(piece.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            other => *other,
        }));
    }
    event.extend_from_slice(b"\n\n");
    event.freeze()
}

/// Cuts a stream into events.
///
/// An event that lies in one chunk is a slice of that chunk; only one that does not is copied together. Each
/// byte is looked at once, however small the chunks.
#[derive(Debug)]
pub struct Decoder {
    chunks: VecDeque<Bytes>,
    /// The beginning of an event whose end has not come: from chunks that are used up.
    begun: BytesMut,
    frame: Frame,
    at_start: bool,
    max_event: usize,
    refused: bool,
}

impl Decoder {
    /// A decoder at the start of a stream, which refuses events of more than `max_event` bytes.
    #[must_use]
    pub fn new(max_event: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            begun: BytesMut::new(),
            frame: Frame::default(),
            at_start: true,
            max_event,
            refused: false,
        }
    }

    /// Takes the next bytes of the stream. Call [`Decoder::next`] until it has no more before pushing again,
    /// else the bound on memory is the caller's.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next whole event, or `None` until more is pushed.
    ///
    /// # Errors
    /// The event is too large. The decoder is of no further use: the answer stays the same.
    #[expect(
        clippy::should_implement_trait,
        reason = "after None more may come, so it is no Iterator"
    )]
    pub fn next(&mut self) -> Result<Option<Event>, TooLarge> {
        while let Some(mut chunk) = self.chunks.pop_front() {
            let end = self.frame.end_of_event(&chunk);
            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            self.refused |= self.begun.len() + part.len() > self.max_event;
            if self.refused {
                break;
            }
            self.push_front(chunk);
            if end.is_some() {
                return Ok(Some(self.event(part)));
            }
            self.begun.extend_from_slice(&part);
        }
        if self.refused {
            Err(TooLarge {
                limit: self.max_event,
            })
        } else {
            Ok(None)
        }
    }

    /// How many bytes have come of an event that is not whole yet. At the end of the stream, anything but 0
    /// means that it was cut.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.begun.len() + self.chunks.iter().map(Bytes::len).sum::<usize>()
    }

    /// What has come of the last event at the clean end of a stream whose last blank line is missing, with the line ends that it lacks. The
    /// standard throws it away; servers that end so mean it. Whether it was cut only its data can tell.
    #[must_use]
    pub fn rest(&mut self) -> Option<Event> {
        if self.refused || self.begun.is_empty() {
            return None;
        }
        let missing: &[u8] = match self.frame {
            Frame::LineStart => b"\n",
            Frame::AfterCr | Frame::InLine => b"\n\n",
        };
        self.frame = Frame::default();
        Some(self.event(Bytes::from_static(missing)))
    }

    /// The event that `ending` ends.
    fn event(&mut self, ending: Bytes) -> Event {
        let raw = if self.begun.is_empty() {
            ending
        } else {
            self.begun.extend_from_slice(&ending);
            self.begun.split().freeze()
        };
        Event::parse(raw, std::mem::replace(&mut self.at_start, false))
    }

    fn push_front(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_front(chunk);
        }
    }
}
