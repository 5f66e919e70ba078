//! HTTP/1.1 to a provider, one request at a time over a connection of its own (RFC 9112).
//!
//! Whoever asks reads and writes the connection itself: there is no task beside it that hands over what comes, so that a request is woken by
//! its socket alone, and all that has come of a stream is there at once. An idle connection is looked at when it is to be used again and
//! when the pool is swept; nobody listens to it meanwhile.

mod head;
mod outgoing;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use fairlead_wire::http1::Body;
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::has_budget_remaining;

use super::body::RequestBody;
use head::Head;
use outgoing::Outgoing;

/// So much is read at a time.
const READ: usize = 32 * 1024;
/// The most bytes the head of an answer may have.
pub(super) const MAX_HEAD: u32 = 128 * 1024;

/// What a connection reads from and writes to.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// A connection. Dropping it closes it.
pub(crate) struct Connection {
    io: Box<dyn Io>,
    outgoing: Outgoing,
    /// What has come and was not taken yet.
    came: Bytes,
    /// The rest of the answer that is being read.
    body: Body,
    /// Whether the server lets it be used again.
    keeps: bool,
    /// Whether there is TLS between the two.
    secure: bool,
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The connection broke before anything of the request went out.
    Unsent,
    /// It broke after that.
    Broken,
    /// The head is larger than is taken from anybody, or has more fields.
    TooLarge,
    /// What came is not HTTP/1.1.
    NotHttp,
}

/// The connection broke before the end of the answer, or what came is not framed as the answer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke before the end of the answer")]
pub(crate) struct Cut;

impl Connection {
    /// A connection that was just opened, with TLS or without.
    #[must_use]
    pub(crate) fn new(io: impl Io + 'static, secure: bool) -> Self {
        Self {
            io: Box::new(io),
            outgoing: Outgoing::default(),
            came: Bytes::new(),
            body: Body::Length(0),
            keeps: true,
            secure,
        }
    }

    /// Sends a request and waits for the head of its answer. What of a large request has not gone out by then does while the body is read.
    /// A future that is dropped before leaves a connection that can only be dropped, too.
    ///
    /// # Errors
    /// No answer came.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Answered, Unanswered> {
        let to_head = request.method() == Method::HEAD;
        self.keeps = false;
        // TLS takes in more than it gets rid of: of a write that fails some may have gone out.
        self.outgoing = Outgoing::new(request, !self.secure);
        let mut begun = BytesMut::new();
        let head = poll_fn(|cx| self.poll_head(cx, &mut begun, to_head)).await?;
        self.body = head.body;
        self.keeps = head.keeps;
        Ok(Answered {
            status: head.status,
            headers: head.headers,
        })
    }

    /// The next content of the answer; `None` at its end.
    ///
    /// # Errors
    /// The answer is cut.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The length that the head of the answer announced, less what was read.
    #[must_use]
    pub(crate) fn left(&self) -> Option<u64> {
        self.body.left()
    }

    /// Whether the answer has been read to its end.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_done()
    }

    /// Whether another request may be sent over it, for all that has come by now.
    #[must_use]
    pub(crate) fn is_reusable(&self) -> bool {
        self.keeps && self.body.is_done() && self.came.is_empty() && self.outgoing.is_out()
    }

    /// Whether an idle connection is still open. Whatever comes over one that nothing was asked over ends it.
    #[must_use]
    pub(crate) fn is_open(&mut self) -> bool {
        let look = poll_fn(|cx| Poll::Ready(self.poll_read(cx).is_pending()));
        // Over TLS much may come that is nothing. A task that has used up its turn is told that nothing has come, and does not know.
        look.now_or_never() == Some(true) && has_budget_remaining()
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        begun: &mut BytesMut,
        to_head: bool,
    ) -> Poll<Result<Head, Unanswered>> {
        self.outgoing.write_on(cx, &mut self.io);
        loop {
            if let Some(head) = self.head(begun, to_head)? {
                return Poll::Ready(Ok(head));
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(more)) if !more.is_empty() => self.came = more,
                // Who could not be told anything may have said why.
                Poll::Pending if !self.outgoing.is_lost() => return Poll::Pending,
                Poll::Pending | Poll::Ready(_) => {
                    return Poll::Ready(Err(if self.outgoing.has_begun() {
                        Unanswered::Broken
                    } else {
                        Unanswered::Unsent
                    }));
                }
            }
        }
    }

    /// The head, if all of it has come; `begun` is what there was of it before.
    fn head(&mut self, begun: &mut BytesMut, to_head: bool) -> Result<Option<Head>, Unanswered> {
        while !self.came.is_empty() {
            if !begun.is_empty() {
                // It is parsed once it may be whole: a server that sends it byte by byte would else have all of it parsed for each.
                let looked = begun.len().saturating_sub(3);
                begun.extend_from_slice(&std::mem::take(&mut self.came));
                if begun.len() <= MAX_HEAD as usize && !head::ends(&begun[looked..]) {
                    return Ok(None);
                }
                self.came = std::mem::take(begun).freeze();
            }
            head::skip_blank_lines(&mut self.came);
            let Some((head, length)) = head::read(&self.came, to_head)? else {
                if self.came.len() > MAX_HEAD as usize {
                    return Err(Unanswered::TooLarge);
                }
                *begun = BytesMut::from(std::mem::take(&mut self.came));
                return Ok(None);
            };
            let _ = self.came.split_to(length);
            // What comes before the answer itself says nothing here (RFC 9110, 15.2).
            if !head.status.is_informational() {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        self.outgoing.write_on(cx, &mut self.io);
        loop {
            match self.body.next(&mut self.came) {
                Ok(None) if !self.body.is_done() => {}
                Ok(content) => return Poll::Ready(content.map(Ok)),
                Err(_) => return Poll::Ready(Some(Err(Cut))),
            }
            match ready!(self.poll_read(cx)) {
                Ok(more) if !more.is_empty() => self.came = more,
                Ok(_) if self.body == Body::UntilClose => self.body = Body::Length(0),
                _ => return Poll::Ready(Some(Err(Cut))),
            }
        }
    }

    /// What has come, and no more room than that takes: none is held while nothing comes. Empty at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut space = [const { MaybeUninit::uninit() }; READ];
        let mut space = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut space))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(space.filled())))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.secure {
            // The other side is told that this is no cut (RFC 8446, 6.1), if there is room for it.
            let mut cx = Context::from_waker(Waker::noop());
            let _ = Pin::new(&mut self.io).poll_shutdown(&mut cx);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("body", &self.body)
            .field("keeps", &self.keeps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
