//! The listener: accepts, asks the script, plays, keeps the log.
//!
//! Everything runs on the caller's runtime, one task per connection inside one task per provider; dropping the provider ends them.

mod builder;
mod connection;
mod greeting;
mod log;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use builder::Builder;
pub use log::Played;

use crate::wire::WireListener;
use crate::{Play, Seen};
use connection::{Accepted, Host};
use log::Log;

/// How long anything is waited for: more than any test of a working program takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// A scripted provider on a loopback port of its own, or within the process. Dropping it stops it.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

impl Provider {
    /// Starts one that asks `script` what to do with each request.
    pub async fn start(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Self {
        Self::builder().start(script).await
    }

    /// Starts one that treats every request alike.
    pub async fn always(play: Play) -> Self {
        Self::start(move |_| play.clone()).await
    }

    /// Starts one without a socket: it is reached by [`dial`](crate::dial) only.
    #[must_use]
    pub fn in_process(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Self {
        Self::builder().in_process(script)
    }

    /// Starts one that resets its first `first` connections before reading a byte from them, and then goes by the script.
    pub async fn resetting(
        first: usize,
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
    ) -> Self {
        Self::builder().reset_first(first).start(script).await
    }

    /// Starts one that speaks TLS with this certificate chain and private key, both in PEM.
    pub async fn start_tls(
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
        chain: &str,
        key: &str,
    ) -> Self {
        Self::builder().tls(chain, key).start(script).await
    }

    /// One that is not usual before its first request, or that listens at a certain address.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn serve(listener: Listener, address: SocketAddr, scheme: &'static str, host: Host) -> Self {
        let log = Arc::clone(&host.log);
        Self {
            address,
            scheme,
            log,
            accepting: spawn(accept(listener, Arc::new(host))),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client is configured with: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}://{}/v1", self.scheme, self.address)
    }

    /// The requests so far, in the order in which they had been read.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.log.seen()
    }

    /// How many requests have been read.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.log.requests()
    }

    /// How many requests there were of a kind.
    #[must_use]
    pub fn count(&self, kind: impl Fn(&Seen) -> bool) -> usize {
        self.log.count(kind)
    }

    /// What was played so far, in the order in which the plays ended.
    #[must_use]
    pub fn played(&self) -> Vec<Played> {
        self.log.played()
    }

    /// How many connections have been accepted, those that were reset at once included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.connections()
    }

    /// How many plays ended early because the peer had gone.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.log.abandoned()
    }

    /// Waits until the condition holds; it is looked at now and after each connection, request and play.
    ///
    /// # Panics
    /// It has not come to that within minutes.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.log.changes();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !condition(self) {
                // The log outlives this borrow, so its sender cannot be gone.
                let _ = changes.changed().await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "it never came to that; it has had {} requests, of which {} were abandoned",
            self.requests(),
            self.abandoned()
        );
    }

    /// Stops it and waits until the port is closed and every connection with it.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The only outcome of an aborted task is that it was aborted.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Where connections come from.
enum Listener {
    Tcp(TcpListener),
    InProcess(WireListener),
}

impl Listener {
    async fn accept(&mut self) -> Option<Accepted> {
        match self {
            Self::Tcp(listener) => listener
                .accept()
                .await
                .ok()
                .map(|(tcp, _)| Accepted::Tcp(tcp)),
            Self::InProcess(listener) => listener.accept().await.map(Accepted::InProcess),
        }
    }
}

/// Accepts until aborted; the set of connections is aborted with it.
async fn accept(mut listener: Listener, host: Arc<Host>) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = listener.accept().await {
        connections.spawn(connection::serve(
            accepted,
            host.log.connected(),
            Arc::clone(&host),
        ));
        // Ended ones are let go as new ones come, so that a long test does not keep them all.
        while connections.try_join_next().is_some() {}
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "test support: the task ends when its provider is dropped"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}
