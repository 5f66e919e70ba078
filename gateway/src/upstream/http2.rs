//! How HTTP/2 is spoken with a provider: what is offered, how a connection begins, and what it lets each of its streams hold back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::body::RequestBody;
use crate::tasks::Tasks;
use crate::turns::Turns;

/// At most this many streams are open on a connection: what one broken connection harms, and what many servers allow.
pub(crate) const MAX_STREAMS: usize = 50;
/// As many bytes of an answer are taken in before somebody reads them: as many as of one over HTTP/1.1.
const STREAM_WINDOW: u32 = 128 * 1024;
/// Ten times what all streams can hold back, so that a caller who takes nothing keeps nothing from the others. More than 50 times the stream's window
/// for h2's sake: it closes a connection on which small frames wait that together fall short of 256 bytes each by half of this window. With 42 bytes
/// to a frame, fewer than the least chunk of an answer has, 50 streams full of them are below that.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// A connection with streams on it that has been silent for so long is asked whether it is alive.
const PING_EVERY: Duration = Duration::from_secs(30);
/// And has so long to say so.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What comes late for so many streams that were given up is passed over. For one that has been forgotten it is an error, and of these a connection
/// stands a thousand in its life.
const REMEMBERED_STREAMS: usize = 1024;
/// For so long.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// How many streams a server allows that has not said anything yet. No server can say this.
const UNSAID: usize = usize::MAX - 1;
/// How often is looked whether it has: hyper does not tell.
const LOOK: Duration = Duration::from_millis(1);

/// A connection, shared by whoever has a clone.
#[derive(Clone)]
pub(crate) struct Two {
    /// Where requests go in.
    pub sender: SendRequest<RequestBody>,
    /// How many streams the server allows.
    allowed: Arc<AtomicUsize>,
}

/// The server did not begin a connection of HTTP/2.
#[derive(Debug, thiserror::Error)]
#[error("the connection ended before its SETTINGS came")]
pub(crate) struct NoGreeting(#[source] Option<hyper::Error>);

impl Two {
    /// Begins to speak HTTP/2, and waits until the server does.
    ///
    /// # Errors
    /// The server speaks something else, or closes the connection.
    pub(crate) async fn begin<S>(stream: S, max_head: u32, tasks: Tasks) -> Result<Self, NoGreeting>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, mut connection) = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(UNSAID)
            .max_header_list_size(max_head)
            .max_concurrent_reset_streams(REMEMBERED_STREAMS)
            .reset_stream_duration(REMEMBERED_FOR)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .handshake(TokioIo::new(Turns::new(stream).with_server()))
            .await
            .map_err(|error| NoGreeting(Some(error)))?;
        // What is sent before the server has said how much it allows may be refused.
        while connection.current_max_send_streams() == UNSAID {
            tokio::select! {
                ended = &mut connection => return Err(NoGreeting(ended.err())),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let allowed = Arc::new(AtomicUsize::new(connection.current_max_send_streams()));
        let said = Arc::clone(&allowed);
        tasks.spawn(async move {
            // The requests in flight see the error themselves; an idle connection that breaks concerns nobody.
            let _ = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                said.store(connection.current_max_send_streams(), Ordering::Relaxed);
                polled
            })
            .await;
        });
        Ok(Self { sender, allowed })
    }

    /// How many streams it may have.
    #[must_use]
    pub(crate) fn room(&self) -> usize {
        self.allowed.load(Ordering::Relaxed).clamp(1, MAX_STREAMS)
    }
}

/// The same connector, offering HTTP/2 and HTTP/1.1.
#[must_use]
pub(crate) fn offered_by(connector: &TlsConnector) -> TlsConnector {
    let mut config = ClientConfig::clone(connector.config());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}
