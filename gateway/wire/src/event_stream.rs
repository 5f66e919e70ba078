//! Frames of `application/vnd.amazon.eventstream`: an incremental decoder, and an encoder for whoever plays a provider.
//!
//! Between the body of an upstream on Amazon's side and whoever reads events, where [`crate::sse`] stands for all others. The framing is that
//! of the event stream encoding in Amazon's documentation (Amazon Transcribe, "Event stream encoding"; Smithy, "Amazon Event Stream"): length,
//! length of the headers, checksum of both; headers; payload; checksum of it all. Bytes may be split anywhere.
//!
//! It fails where a frame is larger than agreed or is not what its checksums say. What follows cannot be found then, so that the decoder is of
//! no further use.

mod encode;
mod message;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

pub use encode::{error, event, exception, frame};
pub use message::{Kind, Message};
use message::{PRELUDE, length};

/// What such a stream calls itself in `content-type`.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A frame is larger than the decoder was told to accept.
    #[error("one frame of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes a frame may have, checksums included.
        limit: usize,
    },
    /// The bytes are not those that were sent, or no frames at all.
    #[error("a checksum of the stream is wrong")]
    Checksum,
    /// The lengths in a frame do not fit into one another.
    #[error("a frame of the stream is shorter than it says")]
    Length,
    /// The headers are not of the encoding, or do not say what the frame is.
    #[error("a frame of the stream does not say what it is")]
    Headers,
}

/// Cuts a stream into messages.
///
/// A frame that lies in one chunk is a slice of that chunk; only one that does not is copied together.
#[derive(Debug)]
pub struct Decoder {
    chunks: VecDeque<Bytes>,
    /// The beginning of a frame whose end has not come: from chunks that are used up.
    begun: BytesMut,
    max_frame: usize,
    broken: Option<Broken>,
}

impl Decoder {
    /// A decoder at the start of a stream, which refuses frames of more than `max_frame` bytes.
    #[must_use]
    pub fn new(max_frame: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            begun: BytesMut::new(),
            max_frame,
            broken: None,
        }
    }

    /// Takes the next bytes of the stream. Call [`Decoder::next`] until it has no more before pushing again, else the bound on memory is the
    /// caller's.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() && self.broken.is_none() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next whole message, or `None` until more is pushed.
    ///
    /// # Errors
    /// The stream cannot be read on. The answer stays the same.
    #[expect(
        clippy::should_implement_trait,
        reason = "after None more may come, so it is no Iterator"
    )]
    pub fn next(&mut self) -> Result<Option<Message>, Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let read = self.read();
        if let Err(broken) = read {
            self.broken = Some(broken);
            self.chunks.clear();
            self.begun = BytesMut::new();
        }
        read
    }

    /// How many bytes have come of a frame that is not whole yet. At the end of the stream, anything but 0 means that it was cut.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.begun.len() + self.chunks.iter().map(Bytes::len).sum::<usize>()
    }

    fn read(&mut self) -> Result<Option<Message>, Broken> {
        while let Some(mut chunk) = self.chunks.pop_front() {
            if self.begun.is_empty()
                && let Some(prelude) = chunk.first_chunk()
            {
                let length = length(prelude, self.max_frame)?;
                if chunk.len() >= length {
                    let whole = chunk.split_to(length);
                    self.push_front(chunk);
                    return Message::parse(whole).map(Some);
                }
            }
            let wanted = self.wanted()?;
            let missing = wanted.saturating_sub(self.begun.len());
            let part = chunk.split_to(missing.min(chunk.len()));
            self.begun.extend_from_slice(&part);
            self.push_front(chunk);
            if self.begun.len() >= self.wanted()? {
                return Message::parse(self.begun.split().freeze()).map(Some);
            }
        }
        Ok(None)
    }

    /// How many bytes are to be gathered: those that tell how long the frame is, and then all of it.
    fn wanted(&self) -> Result<usize, Broken> {
        match self.begun.first_chunk() {
            Some(prelude) => length(prelude, self.max_frame),
            None => Ok(PRELUDE),
        }
    }

    fn push_front(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_front(chunk);
        }
    }
}
