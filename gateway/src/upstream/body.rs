//! The body of a request to an upstream: pieces of the caller's bytes, never copied.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fairlead_wire::splice::Pieces;
use http_body::{Body, Frame, SizeHint};

/// A body of HTTP/2 up to this size goes out in one frame, which is as large as servers take one: h2's servers end a connection on which too many
/// frames wait that are smaller than 256 bytes, and each piece would be one.
const ONE_FRAME: usize = 16 * 1024;

/// [`Pieces`] as an HTTP body with a known length.
#[derive(Debug)]
pub(crate) struct RequestBody {
    pieces: smallvec::IntoIter<[Bytes; 4]>,
    remaining: u64,
}

impl RequestBody {
    /// The body made of `pieces`.
    #[must_use]
    pub(crate) fn new(pieces: Pieces) -> Self {
        let remaining = pieces.len_bytes() as u64;
        Self {
            pieces: pieces.into_iter(),
            remaining,
        }
    }

    /// The same for HTTP/2.
    #[must_use]
    pub(crate) fn in_frames(pieces: Pieces) -> Self {
        if pieces.len_bytes() > ONE_FRAME {
            return Self::new(pieces);
        }
        Self::new(Pieces::from(pieces.to_bytes()))
    }

    /// How many bytes of it are left.
    #[must_use]
    pub(crate) fn left(&self) -> u64 {
        self.remaining
    }

    /// What is left of it.
    pub(crate) fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        self.pieces
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
