//! The listener: accepts, asks the script, plays, keeps the log.
//!
//! Everything runs on the caller's runtime, one task per connection inside one task per provider; dropping the provider ends them.

mod connection;
mod log;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::{Play, Seen};
use connection::Host;
use log::Log;

/// A scripted provider on a loopback port of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

type Script = Box<dyn Fn(&Seen) -> Play + Send + Sync>;

impl Provider {
    /// Starts one that asks `script` what to do with each request.
    pub async fn start(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Self {
        Self::launch(Box::new(script), None, 0).await
    }

    /// Starts one that treats every request alike.
    pub async fn always(play: Play) -> Self {
        Self::start(move |_| play.clone()).await
    }

    /// Starts one that resets its first `first` connections before reading a byte from them, and then goes by the script.
    pub async fn resetting(
        first: usize,
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Box::new(script), None, first).await
    }

    /// Starts one that speaks TLS with this certificate chain and private key, both in PEM.
    pub async fn start_tls(
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
        chain: &str,
        key: &str,
    ) -> Self {
        Self::launch(Box::new(script), Some(acceptor(chain, key)), 0).await
    }

    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without a loopback port"
    )]
    async fn launch(script: Script, tls: Option<TlsAcceptor>, reset_first: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("no free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let log = Arc::new(Log::new());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let host = Arc::new(Host {
            script,
            tls,
            reset_first,
            log: Arc::clone(&log),
        });
        Self {
            address,
            scheme,
            log,
            accepting: spawn(accept(listener, host)),
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

    /// Waits until the condition holds; it is looked at now and after each connection, request and abandoned play.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.log.changes();
        while !condition(self) {
            // The log outlives this borrow, so its sender cannot be gone.
            let _ = changes.changed().await;
        }
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

/// An address at which nothing listens and nothing will: connecting to it is refused as long as this lives.
#[derive(Debug)]
pub struct Refusing {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Refusing {
    /// Takes a loopback port without listening on it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without a loopback port"
    )]
    pub fn bind() -> Self {
        let socket = TcpSocket::new_v4().expect("no socket");
        socket
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("no free loopback port");
        Self {
            address: socket.local_addr().expect("a bound socket has an address"),
            _socket: socket,
        }
    }

    /// What a client is configured with: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

/// Accepts until aborted; the set of connections is aborted with it.
async fn accept(listener: TcpListener, host: Arc<Host>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        connections.spawn(connection::serve(
            tcp,
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

#[expect(
    clippy::expect_used,
    reason = "a test with a broken certificate is a broken test"
)]
fn acceptor(chain: &str, key: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .expect("chain is not PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("key is not PEM");
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default protocol versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("certificate and key do not fit each other");
    TlsAcceptor::from(Arc::new(config))
}
