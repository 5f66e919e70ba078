//! Where an upstream is and how a connection to it is opened.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fairlead_snapshot::Protocol;
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::body::RequestBody;
use super::egress;
use crate::surface::Operation;
use crate::tasks::Tasks;
use crate::tls::{self, TlsError};

/// How long one of several addresses is tried.
const ONE_ADDRESS: Duration = Duration::from_secs(2);
/// The most bytes the head of an answer may have.
const MAX_HEAD: usize = 128 * 1024;

/// A place that connections are opened to. Two configurations with an equal endpoint share its pools.
pub struct Endpoint {
    /// Identifies the pools of this endpoint; never used twice in a process.
    pub id: u64,
    /// What it was built from, to tell whether a new configuration means the same place.
    protocol: Protocol,
    host: String,
    port: u16,
    authority: HeaderValue,
    /// One for each operation: parsed once, cloned per attempt.
    uris: [Uri; Operation::ALL.len()],
    private_network: bool,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A base URL or certificate that no connection can be made with.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not an absolute http or https URL.
    #[error("baseURL {0:?} is not an absolute http or https URL")]
    Url(String),
    /// The trusted certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// No connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("cannot resolve {0}")]
    Resolve(String),
    /// Every address is private, and the provider may not use private addresses.
    #[error(
        "{0} resolves to a private address; set allowPrivateNetwork: true on the provider if that is meant"
    )]
    PrivateAddress(String),
    /// Nobody answered there.
    #[error("cannot connect to {0}: {1}")]
    Tcp(String, std::io::Error),
    /// The certificate or the handshake was refused.
    #[error("TLS handshake with {0} failed: {1}")]
    Tls(String, std::io::Error),
    /// The connection broke at once.
    #[error("HTTP connection to {0} failed: {1}")]
    Http(String, hyper::Error),
}

impl Endpoint {
    /// The endpoint of a protocol; `None` for one that opens no connections.
    ///
    /// # Errors
    /// A URL that cannot be used, or trusted certificates that cannot be read.
    pub fn new(protocol: &Protocol) -> Result<Option<Self>, EndpointError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let Protocol::OpenAi {
            base_url,
            private_network,
            ca_certificates,
            stream_usage: _,
        } = protocol
        else {
            return Ok(None);
        };
        let bad = || EndpointError::Url(base_url.clone());
        let uri: Uri = base_url.parse().map_err(|_| bad())?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority().ok_or_else(bad)?;
        // An IPv6 host stands in brackets in a URL, and without them everywhere else.
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
            Some((tls::connector(ca_certificates.as_deref())?, name))
        } else {
            None
        };
        let below = uri.path().trim_end_matches('/');
        let mut uris = Operation::ALL.map(|_| Uri::default());
        for operation in Operation::ALL {
            uris[operation as usize] = [below, operation.path()]
                .concat()
                .parse()
                .map_err(|_| bad())?;
        }
        Ok(Some(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            protocol: protocol.clone(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            uris,
            private_network: *private_network,
            host,
            tls,
        }))
    }

    /// Whether this endpoint is what `protocol` describes.
    #[must_use]
    pub fn is(&self, protocol: &Protocol) -> bool {
        self.protocol == *protocol
    }

    /// The value of the Host header.
    #[must_use]
    pub fn authority(&self) -> HeaderValue {
        self.authority.clone()
    }

    /// The target of a request: the operation's path below the base URL.
    #[must_use]
    pub fn uri(&self, operation: Operation) -> Uri {
        self.uris[operation as usize].clone()
    }

    /// Opens a connection; its driver runs on the calling thread's runtime until the connection closes.
    ///
    /// # Errors
    /// Whatever kept the connection from coming about. There is no timeout here: the caller knows how long it may take.
    pub async fn connect(&self, tasks: &Tasks) -> Result<SendRequest<RequestBody>, ConnectError> {
        let stream = self.dial().await?;
        match &self.tls {
            None => self.handshake(stream, tasks).await,
            Some((connector, name)) => {
                let stream = connector
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| ConnectError::Tls(self.host.clone(), error))?;
                self.handshake(stream, tasks).await
            }
        }
    }

    async fn dial(&self) -> Result<TcpStream, ConnectError> {
        let resolved: Vec<SocketAddr> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|_| ConnectError::Resolve(self.host.clone()))?
            .collect();
        if resolved.is_empty() {
            return Err(ConnectError::Resolve(self.host.clone()));
        }
        let mut failure = ConnectError::PrivateAddress(self.host.clone());
        for address in resolved {
            if !self.private_network && !egress::is_public(address.ip()) {
                continue;
            }
            match dial_one(address).await {
                Ok(stream) => {
                    // Latency matters more than packet count; a failure to set it costs only that.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failure = ConnectError::Tcp(self.host.clone(), error),
            }
        }
        Err(failure)
    }

    async fn handshake<S>(
        &self,
        stream: S,
        tasks: &Tasks,
    ) -> Result<SendRequest<RequestBody>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Http(self.host.clone(), error))?;
        tasks.spawn(async move {
            // The request in flight sees the error itself; an idle connection that breaks concerns nobody.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

/// One address gets a share of the time, so that one that swallows packets does not keep the others from being tried.
async fn dial_one(address: SocketAddr) -> std::io::Result<TcpStream> {
    tokio::time::timeout(ONE_ADDRESS, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
