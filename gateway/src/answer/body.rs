//! The body of an answer to a caller, and the answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// An answer to a caller.
pub(crate) type Response = http::Response<Body>;

/// What an answer says after its head. Dropped before its end, it tells whatever it comes from that nobody listens any more.
pub(crate) struct Body {
    content: Content,
    end: Option<Instant>,
}

enum Content {
    /// Nothing is left.
    Over,
    /// All of it.
    Whole(Bytes),
    /// What comes, as it comes. An error breaks the answer off.
    Pieces(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

impl Body {
    fn of(content: Content) -> Self {
        Self { content, end: None }
    }

    /// Says when the caller must have taken all of it.
    pub(crate) fn ends_by(&mut self, end: Instant) {
        self.end = Some(end);
    }

    /// When the caller must have taken all of it; `None`: whenever.
    #[must_use]
    pub(crate) fn end(&self) -> Option<Instant> {
        self.end
    }

    /// No body.
    #[must_use]
    pub(crate) fn empty() -> Self {
        Self::of(Content::Over)
    }

    /// A body in one piece.
    #[must_use]
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Self::empty();
        }
        Self::of(Content::Whole(bytes))
    }

    /// All of it, where it is in one piece that nobody has taken.
    #[must_use]
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Over | Content::Pieces(_) => None,
        }
    }

    /// A body of unknown length.
    #[must_use]
    pub(crate) fn pieces(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::of(Content::Pieces(Box::pin(pieces)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Over => Poll::Ready(None),
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Over;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Pieces(pieces) => pieces
                .as_mut()
                .poll_next(cx)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Over => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let content = match &self.content {
            Content::Over => "over",
            Content::Whole(_) => "whole",
            Content::Pieces(_) => "pieces",
        };
        f.debug_tuple("Body").field(&content).finish()
    }
}
