//! The body of an answer, wherever it comes from, and the connection that goes back to its pool when the body has ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::pool::Pool;
use super::sender::Sender;
use super::simulated;
use crate::tasks::Tasks;

/// How long a connection may take to end an answer that was complete already.
const LINGER: Duration = Duration::from_secs(1);

/// An answer's body. Dropped before its end, it closes the connection, or resets its stream of one that others share: the provider sees that
/// nobody listens any more.
#[derive(Debug)]
pub(crate) enum Source {
    /// From the network.
    Http(HttpSource),
    /// Made here.
    Simulated(simulated::Frames),
}

impl Source {
    /// The next bytes; `None` at the end of the body.
    ///
    /// # Errors
    /// The connection broke before the body's end.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        match self {
            Self::Http(source) => source.chunk().await,
            Self::Simulated(frames) => frames.next().await.map(Ok),
        }
    }

    /// The length that the head of the answer announced.
    #[must_use]
    pub(crate) fn announced(&self) -> Option<u64> {
        match self {
            Self::Http(source) => source.body.size_hint().exact(),
            Self::Simulated(_) => None,
        }
    }

    /// Nothing more of the body is wanted, and it should be at its end: if it ends soon, the connection is kept.
    pub(crate) fn finish(self) {
        let Self::Http(mut source) = self else { return };
        // The end has usually come together with the last piece.
        while let Some(Some(Ok(_))) = source.chunk().now_or_never() {}
        if source.lease.is_none() {
            return;
        }
        let tasks = source.tasks.clone();
        tasks.spawn(async move {
            // Whether it ends in time or not, dropping the source does what is right.
            let _ = tokio::time::timeout(LINGER, async {
                while let Some(Ok(_)) = source.chunk().await {}
            })
            .await;
        });
    }
}

/// A body from the network, with the connection it comes from.
#[derive(Debug)]
pub(crate) struct HttpSource {
    body: Incoming,
    lease: Option<Lease>,
    tasks: Tasks,
}

struct Lease {
    sender: Sender,
    endpoint: u64,
    pool: Arc<Pool>,
}

impl HttpSource {
    /// The body of an answer that came over `sender`.
    #[must_use]
    pub(crate) fn new(
        body: Incoming,
        sender: Sender,
        endpoint: u64,
        pool: &Arc<Pool>,
        tasks: &Tasks,
    ) -> Self {
        Self {
            body,
            lease: Some(Lease {
                sender,
                endpoint,
                pool: Arc::clone(pool),
            }),
            tasks: tasks.clone(),
        }
    }

    async fn chunk(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    // Trailers say nothing that an answer needs.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    if self.body.is_end_stream() {
                        self.release();
                    }
                    return Some(Ok(data));
                }
                Some(Err(error)) => {
                    self.lease = None;
                    return Some(Err(error));
                }
                None => {
                    self.release();
                    return None;
                }
            }
        }
    }

    fn release(&mut self) {
        if let Some(Lease {
            sender,
            endpoint,
            pool,
        }) = self.lease.take()
        {
            match sender {
                Sender::One(sender) => pool.give(endpoint, sender),
                // Its connection was never taken out of the pool.
                Sender::Two(stream) => drop(stream),
            }
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
