//! The body of a request, as far as it has been read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;

/// A body that knows whether anything of it may still be on its way: whoever refuses a request has to know.
#[derive(Debug)]
pub(crate) struct Inbound<B> {
    body: B,
    ended: bool,
    /// Told when it has ended.
    read: Arc<AtomicBool>,
}

/// The body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut;

impl<B: Body<Data = Bytes> + Unpin> Inbound<B> {
    /// Of which nothing has been read; `read` is told when all of it has been.
    #[must_use]
    pub(crate) fn new(body: B, read: Arc<AtomicBool>) -> Self {
        let ended = body.is_end_stream();
        read.store(ended, Relaxed);
        Self { body, ended, read }
    }

    fn end(&mut self, ended: bool) {
        self.ended = ended;
        self.read.store(ended, Relaxed);
    }

    /// Whether all of it has been read.
    #[must_use]
    pub(crate) fn is_read(&self) -> bool {
        self.ended
    }

    /// How long it says that it is; `None` where it does not.
    #[must_use]
    pub(crate) fn announced(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The connection or the caller gave up before the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        while !self.ended {
            let Some(frame) = self.body.frame().await else {
                self.end(true);
                break;
            };
            let Ok(frame) = frame else {
                self.ended = true;
                return Some(Err(Cut));
            };
            // Trailers say nothing that is acted on.
            if let Ok(piece) = frame.into_data() {
                self.end(self.body.is_end_stream());
                return Some(Ok(piece));
            }
        }
        None
    }
}
