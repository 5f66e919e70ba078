//! The body of an answer, wherever it comes from, and the connection that goes back to its pool when the body has ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::http1::{Connection, Cut};
use super::pool::Pool;
use super::sender::Home;
use super::shared::Stream;
use super::simulated;
use crate::tasks::Tasks;

/// How long a connection may take to end an answer that was complete already.
const LINGER: Duration = Duration::from_secs(1);

/// So many pieces are read past at once.
const PIECES: usize = 16;

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
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        match self {
            Self::Http(source) => source.chunk().await,
            Self::Simulated(frames) => frames.next().await.map(Ok),
        }
    }

    /// The length that the head of the answer announced.
    #[must_use]
    pub(crate) fn announced(&self) -> Option<u64> {
        match self {
            Self::Http(source) => source.announced(),
            Self::Simulated(_) => None,
        }
    }

    /// Whether another task hands over what comes, piece by piece.
    #[must_use]
    pub(crate) fn is_handed_over(&self) -> bool {
        match self {
            Self::Http(source) => matches!(source.over, Over::Two { .. }),
            Self::Simulated(_) => false,
        }
    }

    /// Nothing more of the body is wanted, and it should be at its end: if it ends soon, the connection is kept.
    pub(crate) fn finish(self) {
        let Self::Http(mut source) = self else { return };
        // The end has usually come together with the last piece.
        for _ in 0..PIECES {
            if !matches!(source.chunk().now_or_never(), Some(Some(Ok(_)))) {
                break;
            }
        }
        if source.is_over() {
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

/// A body from the network, with what it comes over.
pub(crate) struct HttpSource {
    over: Over,
    endpoint: u64,
    pool: Arc<Pool>,
    tasks: Tasks,
}

enum Over {
    /// `None`: it has ended, or was cut.
    One(Option<Box<Connection>>),
    Two {
        body: Incoming,
        /// `None`: it has ended, or was cut.
        stream: Option<Stream>,
    },
}

impl HttpSource {
    /// The body of an answer over a connection of HTTP/1.1.
    #[must_use]
    pub(super) fn one(connection: Box<Connection>, home: Home<'_>) -> Self {
        Self::new(Over::One(Some(connection)), home)
    }

    /// The body of an answer over a stream of HTTP/2.
    #[must_use]
    pub(super) fn two(body: Incoming, stream: Stream, home: Home<'_>) -> Self {
        let stream = Some(stream);
        Self::new(Over::Two { body, stream }, home)
    }

    fn new(over: Over, home: Home<'_>) -> Self {
        Self {
            over,
            endpoint: home.endpoint,
            pool: Arc::clone(home.pool),
            tasks: home.tasks.clone(),
        }
    }

    fn announced(&self) -> Option<u64> {
        match &self.over {
            Over::One(connection) => connection.as_ref()?.left(),
            Over::Two { body, .. } => body.size_hint().exact(),
        }
    }

    /// Whether nothing more will come.
    fn is_over(&self) -> bool {
        match &self.over {
            Over::One(connection) => connection.is_none(),
            Over::Two { stream, .. } => stream.is_none(),
        }
    }

    async fn chunk(&mut self) -> Option<Result<Bytes, Cut>> {
        match &mut self.over {
            Over::One(held) => {
                let connection = held.as_mut()?;
                let chunk = connection.chunk().await;
                let is_good = !matches!(chunk, Some(Err(_)));
                if (connection.is_done() || !is_good)
                    && let Some(connection) = held.take()
                    && is_good
                {
                    self.pool.give(self.endpoint, connection);
                }
                chunk
            }
            Over::Two { body, stream } => {
                let chunk = data(body).await;
                // The connection was never taken out of the pool.
                if body.is_end_stream() || !matches!(chunk, Some(Ok(_))) {
                    *stream = None;
                }
                chunk
            }
        }
    }
}

/// The next content of a body of HTTP/2.
async fn data(body: &mut Incoming) -> Option<Result<Bytes, Cut>> {
    loop {
        match body.frame().await? {
            // Trailers say nothing that an answer needs.
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(_) => return Some(Err(Cut)),
        }
    }
}

impl std::fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSource")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
