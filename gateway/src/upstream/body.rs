//! The body of a request to an upstream: pieces of the caller's bytes, never copied.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fairlead_wire::splice::Pieces;
use http_body::{Body, Frame, SizeHint};

/// [`Pieces`] as an HTTP body with a known length.
#[derive(Debug)]
pub struct RequestBody {
    pieces: smallvec::IntoIter<[Bytes; 4]>,
    remaining: u64,
}

impl RequestBody {
    /// The body made of `pieces`.
    #[must_use]
    pub fn new(pieces: Pieces) -> Self {
        let remaining = pieces.len_bytes() as u64;
        Self {
            pieces: pieces.into_iter(),
            remaining,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.next();
        if let Some(piece) = &next {
            self.remaining = self.remaining.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
