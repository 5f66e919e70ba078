//! Where an upstream is and how a connection to it is opened.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fairlead_snapshot::{Credentials, HttpVersion, Protocol, SecretBytes, is_never_an_endpoint};
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::http1::{Connection, Io, MAX_HEAD};
use super::http2::{self, Two};
use super::network::Network;
use super::proxy::Tunnel;
use super::unconnected::ConnectError;
use super::uris::{Aim, Uris};
use super::{dial, egress, hosts};
use crate::tasks::Tasks;
use crate::tls::{self, TlsError};

/// A place that connections are opened to. Two configurations with an equal endpoint share its pools.
pub(crate) struct Endpoint {
    /// Identifies the pools of this endpoint; never used twice in a process.
    pub id: u64,
    /// What it was built from, to tell whether a new configuration means the same place.
    protocol: Arc<Protocol>,
    host: String,
    port: u16,
    authority: HeaderValue,
    /// Where all operations are.
    below: Arc<Uris>,
    /// The same with scheme and authority, which HTTP/2 sends too.
    absolute: Arc<Uris>,
    /// Whether HTTP/2 is wanted.
    http2: bool,
    /// Whether the server did not select HTTP/2 when it was last offered.
    declined: AtomicBool,
    private_network: bool,
    /// Whether it is one server of a pool.
    pooled: bool,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The way through a proxy, if it is not reached directly.
    tunnel: Option<Tunnel>,
    network: Network,
}

/// A connection that came about.
pub(crate) enum Opened {
    /// HTTP/1.1.
    One(Box<Connection>),
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

/// Never used twice in a process.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
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
            id: next_id(),
            protocol: Arc::new(protocol.clone()),
            port,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            below: Arc::new(uris(below).ok_or_else(bad)?),
            absolute: Arc::new(uris(base_url.trim_end_matches('/')).ok_or_else(bad)?),
            http2,
            declined: AtomicBool::new(false),
            private_network: *private_network,
            pooled: false,
            host,
            tls,
            tunnel,
            network: network.clone(),
        }))
    }

    /// The same at another host and port, which is one server of a pool: it is shown and asked for the same, by the same name or by its `own`, and
    /// connected to directly, whatever proxy there is. `None`: the address is none.
    #[must_use]
    pub(crate) fn at(&self, address: &str, own: bool) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let (authority, absolute) = if own {
            let absolute = self.below.at(&["http://", address].concat())?;
            (HeaderValue::from_str(address).ok()?, Arc::new(absolute))
        } else {
            (self.authority.clone(), Arc::clone(&self.absolute))
        };
        Some(Self {
            id: next_id(),
            protocol: Arc::clone(&self.protocol),
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: port.parse().ok()?,
            authority,
            below: Arc::clone(&self.below),
            absolute,
            http2: self.http2,
            declined: AtomicBool::new(false),
            private_network: self.private_network,
            pooled: true,
            tls: self.tls.clone(),
            tunnel: None,
            network: self.network.clone(),
        })
    }

    /// Whether this endpoint is what `protocol` describes.
    #[must_use]
    pub(crate) fn is(&self, protocol: &Protocol) -> bool {
        *self.protocol == *protocol
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

    /// Host and port.
    #[must_use]
    pub(crate) fn address(&self) -> Arc<str> {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port).into();
        }
        format!("{}:{}", self.host, self.port).into()
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

    /// A target that is not below the base URL; `None`: it is no path.
    #[must_use]
    pub(crate) fn at_root(&self, path: &str, absolute: bool) -> Option<Uri> {
        if !absolute {
            return path.parse().ok();
        }
        let scheme = match self.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        };
        let uri = Uri::builder().scheme(scheme).path_and_query(path);
        uri.authority(self.authority.as_bytes()).build().ok()
    }

    fn uris(&self, absolute: bool) -> &Uris {
        if absolute {
            &self.absolute
        } else {
            &self.below
        }
    }

    /// Opens a connection; what drives one of HTTP/2 runs on the calling thread's runtime until the connection closes.
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
        S: Io + 'static,
    {
        match &self.tls {
            None if self.http2 => self.begin(stream, tasks).await,
            None => Ok(one(stream, false)),
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
                Ok(one(stream, true))
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
        S: Io + 'static,
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
        let is_server = !(self.pooled && is_never_an_endpoint(address));
        is_server && (self.private_network || egress::is_public(address))
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
}

fn one(stream: impl Io + 'static, secure: bool) -> Opened {
    Opened::One(Box::new(Connection::new(stream, secure)))
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

#[cfg(test)]
mod tests {
    use fairlead_snapshot::{Addressing, Authentication, Dialect};

    use super::*;

    fn endpoint(private_network: bool) -> Endpoint {
        let protocol = Protocol::Http {
            dialect: Dialect::default(),
            vendor: String::new(),
            authentication: Authentication::default(),
            addressing: Addressing::default(),
            base_url: "http://llm.example:8080/v1".to_owned(),
            private_network,
            ca_certificates: None,
            client_certificate: None,
            stream_usage: true,
            http_version: HttpVersion::default(),
        };
        let built = Endpoint::new(&protocol, &Credentials::default(), &Network::Tcp(None));
        built.unwrap().unwrap()
    }

    async fn refused(endpoint: &Endpoint) -> bool {
        let until = Instant::now() + std::time::Duration::from_secs(1);
        let resolved = endpoint.resolve(until).await;
        matches!(resolved, Err(ConnectError::PrivateAddress(_)))
    }

    #[tokio::test]
    async fn a_server_of_a_pool_is_judged_by_its_address_as_a_name_is_by_what_it_resolves_to() {
        let (shut, open) = (endpoint(false), endpoint(true));
        for address in ["10.0.0.1:8000", "[fd00::1]:8000", "127.0.0.1:6443"] {
            assert!(
                refused(&shut.at(address, false).unwrap()).await,
                "{address}"
            );
            assert!(
                !refused(&open.at(address, false).unwrap()).await,
                "{address}"
            );
        }
        assert!(!refused(&shut.at("1.1.1.1:443", false).unwrap()).await);
    }

    #[tokio::test]
    async fn no_pool_leads_to_a_metadata_service_though_private_addresses_are_permitted() {
        let open = endpoint(true);
        for address in ["169.254.169.254:80", "[fd00:ec2::254]:80", "[fe80::1]:80"] {
            assert!(
                refused(&open.at(address, false).unwrap()).await,
                "{address}"
            );
        }
    }

    #[test]
    fn a_server_of_a_pool_is_asked_as_the_base_url_says() {
        let server = endpoint(true).at("[fd00::1]:8000", false).unwrap();
        assert_eq!((server.host.as_str(), server.port), ("fd00::1", 8000));
        assert_eq!(server.authority(), "llm.example:8080");
        let by_itself = endpoint(true).at("[fd00::1]:8000", true).unwrap();
        assert_eq!(by_itself.authority(), "[fd00::1]:8000");
        let there = by_itself.beyond("/models", true).unwrap();
        assert_eq!(there, "http://[fd00::1]:8000/v1/models");
        assert!(endpoint(true).at("nowhere", true).is_none());
        assert!(endpoint(true).at("a:x", true).is_none());
    }
}
