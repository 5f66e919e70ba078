//! A caller that has sent its request and closed its side of the connection still waits for the answer (RFC 9112, 9.6); one that has hung up
//! looks the same, for both send a FIN. What tells them apart is what becomes of a byte that is sent to them: who has hung up resets the
//! connection. So until an answer has begun, an interim response is sent that everybody must understand and nobody acts on (RFC 9110, 15.2).

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::serve::link::Link;

/// The interim response.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// How soon it is looked at whether the connection was reset: the first time, and in the long run.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_secs(1);

/// A connection without TLS whose caller may close its side.
#[derive(Debug)]
pub(super) struct HalfClose<S> {
    inner: S,
    link: Arc<Link>,
    /// Whether something was written since the caller last sent something.
    answered: bool,
    closed: Option<Closed>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> HalfClose<S> {
    /// Of a connection.
    #[must_use]
    pub(super) fn new(inner: S, link: &Arc<Link>) -> Self {
        Self {
            inner,
            link: Arc::clone(link),
            answered: false,
            closed: None,
        }
    }

    /// What the end of what its caller sends means: pending while the caller waits for its answer, an error once it has hung up, and else the
    /// end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.link.is_answering() {
                return Poll::Ready(Ok(()));
            }
            let Some(closed) = &mut self.closed else {
                // Once an answer has begun nothing can be asked, and a provider must not go on for nobody: who closes then has hung up.
                if self.answered {
                    return Poll::Ready(Ok(()));
                }
                self.closed = Some(Closed::now());
                continue;
            };
            ready!(closed.timer.as_mut().poll(cx));
            // The last of the request came with the end, and has been looked at by now; or some of it is missing.
            if !self.link.awaits_answer() {
                return Poll::Ready(Ok(()));
            }
            let asks = if closed.asked || self.answered {
                // Nothing is written, but what became of the connection is told.
                &[]
            } else {
                CONTINUE
            };
            closed.again();
            match Pin::new(&mut self.inner).poll_write(cx, asks) {
                Poll::Ready(Ok(length)) if length == asks.len() => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(_)) | Poll::Pending => {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
            }
        }
    }
}

/// A caller that has closed its side.
#[derive(Debug)]
struct Closed {
    timer: Pin<Box<Sleep>>,
    pause: Duration,
    /// Whether it was sent something to find out.
    asked: bool,
}

impl Closed {
    fn now() -> Self {
        Self {
            timer: Box::pin(tokio::time::sleep(SOON)),
            pause: SOON,
            asked: false,
        }
    }

    fn again(&mut self) {
        self.asked = true;
        self.pause = (self.pause * 2).min(LATER);
        self.timer
            .as_mut()
            .reset(tokio::time::Instant::now() + self.pause);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for HalfClose<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.answered = false;
        } else if buffer.remaining() > 0 {
            return self.poll_end(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HalfClose<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answered = true;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.answered = true;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
