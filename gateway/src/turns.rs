//! Connections take turns: of each, a caller's or a provider's, a little is read before the others of its core go on, however much it sends. One of
//! HTTP/2 is not read at all any more once it only sends what asks for nothing ([`flood`]).

mod flood;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use flood::Flood;

/// What is read of a connection before others have their turn. Of the smallest frames this is about a millisecond's work.
const TURN: usize = 16 * 1024;

/// A stream of which a little is read at a time.
#[derive(Debug)]
pub(crate) struct Turns<S> {
    inner: S,
    /// What was read in this turn.
    taken: usize,
    /// The frames of HTTP/2.
    flood: Option<Flood>,
}

impl<S> Turns<S> {
    /// Whatever it speaks.
    #[must_use]
    pub(crate) fn new(inner: S) -> Self {
        Self {
            inner,
            taken: 0,
            flood: None,
        }
    }

    /// The same with a client of HTTP/2 at the other end.
    #[must_use]
    pub(crate) fn with_client(self) -> Self {
        Self {
            flood: Some(Flood::of_client()),
            ..self
        }
    }

    /// The same with a server of HTTP/2 at the other end.
    #[must_use]
    pub(crate) fn with_server(self) -> Self {
        Self {
            flood: Some(Flood::of_server()),
            ..self
        }
    }

    fn wrote(&mut self, outcome: &Poll<io::Result<usize>>) {
        if let (Some(flood), Poll::Ready(Ok(bytes))) = (&mut self.flood, outcome) {
            flood.wrote(*bytes);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Turns<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken >= TURN {
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let come = &buffer.filled()[before..];
        if come.is_empty() {
            self.taken = 0;
            return outcome;
        }
        self.taken += come.len();
        let flood = self.flood.as_mut();
        if flood.is_some_and(|flood| flood.is_too_much(come)) {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::other("frames that ask for nothing")));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Turns<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.wrote(&outcome);
        outcome
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn others_have_their_turn_while_one_sends_without_end() {
        let (near, mut far) = tokio::io::duplex(1024 * 1024);
        far.write_all(&[0; 10 * TURN]).await.unwrap();
        let (mut near, mut turns) = (Turns::new(near), 0);
        let reading = async {
            let mut all = vec![0; 10 * TURN];
            near.read_exact(&mut all[..]).await.unwrap();
            let mut buffer = [0; 1024];
            far.write_all(&[0; 10 * TURN]).await.unwrap();
            for _ in 0..10 * TURN / buffer.len() {
                near.read_exact(&mut buffer).await.unwrap();
            }
        };
        let others = async {
            loop {
                tokio::task::yield_now().await;
                turns += 1;
            }
        };
        tokio::select! { biased; () = reading => {}, () = others => {} }
        assert!((9..100).contains(&turns), "{turns}");
    }

    #[tokio::test]
    async fn frames_that_ask_for_nothing_are_read_no_more() {
        let ping = [0, 0, 0, 6, 0, 0, 0, 0, 0];
        for is_client in [true, false] {
            let (near, mut far) = tokio::io::duplex(1024 * 1024);
            let near = Turns::new(near);
            let mut near = if is_client {
                far.write_all(&[b'P'; 24]).await.unwrap();
                near.with_client()
            } else {
                near.with_server()
            };
            far.write_all(&ping.repeat(200)).await.unwrap();
            let mut all = Vec::new();
            let error = near.read_to_end(&mut all).await.unwrap_err();
            assert!(error.to_string().contains("ask for nothing"), "{error}");
        }
    }
}
