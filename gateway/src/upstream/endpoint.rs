//! Where an upstream is and how a connection to it is opened.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fairlead_snapshot::{Credentials, HttpVersion, Protocol, SecretBytes};
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::body::RequestBody;
use super::http2::{self, Two};
use super::network::Network;
use super::proxy::Tunnel;
use super::unconnected::ConnectError;
use super::uris::{Aim, Uris};
use super::{dial, egress, hosts};
use crate::tasks::Tasks;
use crate::tls::{self, TlsError};

/// The most bytes the head of an answer may have.
const MAX_HEAD: u32 = 128 * 1024;

/// A place that connections are opened to. Two configurations with an equal endpoint share its pools.
pub(crate) struct Endpoint {
    /// Identifies the pools of this endpoint; never used twice in a process.
    pub id: u64,
    /// What it was built from, to tell whether a new configuration means the same place.
    protocol: Protocol,
    host: String,
    port: u16,
    authority: HeaderValue,
    /// Where all operations are.
    below: Uris,
    /// The same with scheme and authority, which HTTP/2 sends too.
    absolute: Uris,
    /// Whether HTTP/2 is wanted.
    http2: bool,
    /// Whether the server did not select HTTP/2 when it was last offered.
    declined: AtomicBool,
    private_network: bool,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The way through a proxy, if it is not reached directly.
    tunnel: Option<Tunnel>,
    network: Network,
}

/// A connection that came about.
pub(crate) enum Opened {
    /// HTTP/1.1.
    One(SendRequest<RequestBody>),
    /// HTTP/2.
    Two(Two),
}

/// A base URL or certificate that no connection can be made with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// Not an absolute http or https URL.
    #[error("baseURL {0:?} is not an absolute http or https URL")]
    Url(String),
    /// The trusted certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Endpoint {
    /// The endpoint of a protocol, whose certificate is among the values; `None` for one that opens no connections.
    ///
    /// # Errors
    /// A URL that cannot be used, or trusted certificates that cannot be read.
    pub(crate) fn new(
        protocol: &Protocol,
        values: &Credentials,
        network: &Network,
    ) -> Result<Option<Self>, EndpointError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let Protocol::Http {
            base_url,
            private_network,
            ca_certificates,
            client_certificate,
            addressing,
            stream_usage: _,
            dialect: _,
            vendor,
            authentication: _,
            http_version,
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
        let http2 = *http_version == HttpVersion::Http2;
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
            // One that is named and not here shows none, and the provider says so.
            let shown = client_certificate.as_ref().and_then(|id| values.get(id));
            let shown = shown.map(SecretBytes::expose);
            let connector = tls::connector(ca_certificates.as_deref(), shown)?;
            let offering = http2.then(|| http2::offered_by(&connector));
            Some((offering.unwrap_or(connector), name))
        } else {
            None
        };
        let below = uri.path().trim_end_matches('/');
        let uris = |at| Uris::new(at, addressing)?.with(hosts::elsewhere(vendor, base_url));
        let port = authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let tunnel = network
            .proxy()
            .filter(|_| secure)
            .and_then(|proxy| proxy.tunnel(authority.host(), port));
        Ok(Some(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            protocol: protocol.clone(),
            port,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            below: uris(below).ok_or_else(bad)?,
            absolute: uris(base_url.trim_end_matches('/')).ok_or_else(bad)?,
            http2,
            declined: AtomicBool::new(false),
            private_network: *private_network,
            host,
            tls,
            tunnel,
            network: network.clone(),
        }))
    }

    /// Whether this endpoint is what `protocol` describes.
    #[must_use]
    pub(crate) fn is(&self, protocol: &Protocol) -> bool {
        self.protocol == *protocol
    }

    /// Whether requests are to share connections.
    #[must_use]
    pub(crate) fn is_shared(&self) -> bool {
        self.http2 && !self.declined.load(Ordering::Relaxed)
    }

    /// The value of the Host header.
    #[must_use]
    pub(crate) fn authority(&self) -> HeaderValue {
        self.authority.clone()
    }

    /// The target of a request: the operation's path below the base URL; with scheme and authority if it is `absolute`.
    #[must_use]
    pub(crate) fn uri(&self, aim: &Aim<'_>, absolute: bool) -> Uri {
        self.uris(absolute).of(aim)
    }

    /// Any other target below the base URL, with scheme and authority if it is `absolute`; `None`: it is no path.
    #[must_use]
    pub(crate) fn beyond(&self, path: &str, absolute: bool) -> Option<Uri> {
        self.uris(absolute).beyond(path)
    }

    fn uris(&self, absolute: bool) -> &Uris {
        if absolute {
            &self.absolute
        } else {
            &self.below
        }
    }

    /// Opens a connection; its driver runs on the calling thread's runtime until the connection closes.
    ///
    /// # Errors
    /// Whatever kept the connection from coming about. Only the look-up of the name ends at `until` by itself, so that a resolver that does not
    /// answer is told from a provider that does not: for the rest the caller sees to it.
    pub(crate) async fn connect(
        &self,
        tasks: &Tasks,
        until: Instant,
    ) -> Result<Opened, ConnectError> {
        match &self.network {
            Network::Tcp(_) => {
                let stream = match &self.tunnel {
                    None => self.dial(until).await?,
                    Some(tunnel) => self.dial_through(tunnel, tasks, until).await?,
                };
                self.secure(stream, tasks).await
            }
            #[cfg(test)]
            Network::InProcess => self.secure(self.dial_in_process().await?, tasks).await,
        }
    }

    async fn secure<S>(&self, stream: S, tasks: &Tasks) -> Result<Opened, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match &self.tls {
            None if self.http2 => self.begin(stream, tasks).await,
            None => self.handshake(stream, tasks).await,
            Some((connector, name)) => {
                let stream = connector
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| ConnectError::Tls(self.host.clone(), error))?;
                let selected = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.declined
                    .store(self.http2 && !selected, Ordering::Relaxed);
                if selected {
                    return self.begin(stream, tasks).await;
                }
                self.handshake(stream, tasks).await
            }
        }
    }

    /// Begins to speak HTTP/2; apart, so that what waits for a connection of HTTP/1.1 is not as large as this.
    fn begin<S>(
        &self,
        stream: S,
        tasks: &Tasks,
    ) -> impl Future<Output = Result<Opened, ConnectError>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let begun = Box::pin(Two::begin(stream, MAX_HEAD, tasks.clone()));
        async move {
            begun
                .await
                .map(Opened::Two)
                .map_err(|error| ConnectError::Http2(self.host.clone(), error))
        }
    }

    async fn dial(&self, until: Instant) -> Result<TcpStream, ConnectError> {
        let addresses = self.resolve(until).await?;
        dial::dial(addresses)
            .await
            .map_err(|error| ConnectError::Tcp(self.host.clone(), error))
    }

    /// Through a proxy, which looks the name up itself: whom a name may lead to is for the proxy to say. An address is judged here.
    async fn dial_through(
        &self,
        tunnel: &Tunnel,
        tasks: &Tasks,
        until: Instant,
    ) -> Result<TcpStream, ConnectError> {
        let address = self.host.parse::<IpAddr>();
        if address.is_ok_and(|address| !self.may_reach(address)) {
            return Err(ConnectError::PrivateAddress(self.host.clone()));
        }
        let reached = async {
            let addresses = tokio::net::lookup_host((tunnel.host.as_str(), tunnel.port)).await?;
            dial::dial(addresses.collect()).await
        };
        // The proxy that cannot be reached is told from the provider that it cannot reach.
        let stream = tokio::time::timeout_at(until, reached)
            .await
            .map_err(std::io::Error::from)
            .and_then(std::convert::identity)
            .map_err(ConnectError::Proxy)?;
        tunnel
            .through(stream, tasks)
            .await
            .map_err(|error| ConnectError::Tunnel(self.host.clone(), error))
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        self.private_network || egress::is_public(address)
    }

    /// The addresses that may be connected to.
    async fn resolve(&self, until: Instant) -> Result<Vec<SocketAddr>, ConnectError> {
        let looked_up = tokio::net::lookup_host((self.host.as_str(), self.port));
        let resolved: Vec<SocketAddr> = match tokio::time::timeout_at(until, looked_up).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) if dial::has_no_address(&error) => Vec::new(),
            Ok(Err(error)) => return Err(ConnectError::Resolver(self.host.clone(), error)),
            Err(late) => return Err(ConnectError::Resolver(self.host.clone(), late.into())),
        };
        if resolved.is_empty() {
            return Err(ConnectError::Resolve(self.host.clone()));
        }
        let mut permitted = resolved;
        permitted.retain(|address| self.may_reach(address.ip()));
        if permitted.is_empty() {
            return Err(ConnectError::PrivateAddress(self.host.clone()));
        }
        Ok(permitted)
    }

    #[cfg(test)]
    async fn dial_in_process(&self) -> Result<fairlead_faults::Wire, ConnectError> {
        let address = format!("{}:{}", self.host, self.port);
        let address = address
            .parse()
            .map_err(|_| ConnectError::Resolve(self.host.clone()))?;
        fairlead_faults::dial(address)
            .await
            .map_err(|error| ConnectError::Tcp(self.host.clone(), error))
    }

    async fn handshake<S>(&self, stream: S, tasks: &Tasks) -> Result<Opened, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_header_size(MAX_HEAD as usize)
            .max_buf_size(MAX_HEAD as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Http(self.host.clone(), error))?;
        tasks.spawn(async move {
            // The request in flight sees the error itself; an idle connection that breaks concerns nobody.
            let _ = connection.await;
        });
        Ok(Opened::One(sender))
    }
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
