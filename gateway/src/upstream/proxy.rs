//! The way to providers through a forward proxy: a tunnel by CONNECT (RFC 9110, 9.3.6), where `HTTPS_PROXY` and `NO_PROXY` ask for one.
//!
//! Providers over plain HTTP are reached directly: they are servers within the network, and a proxy would read along. As in Go, loopback
//! addresses and `localhost` are never asked of a proxy.

use std::net::IpAddr;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::tasks::Tasks;

/// The port of a proxy whose URL has none.
const HTTP_PORT: u16 = 80;

/// Which hosts are reached through which proxy.
pub(crate) struct Proxy(Matcher);

/// A proxy that cannot be used. It never shows the value, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "HTTPS_PROXY has to be http://[USER:PASSWORD@]HOST[:PORT] (a proxy that is itself spoken to over TLS or SOCKS is not supported)"
)]
pub(crate) struct ProxyError;

impl Proxy {
    /// What the environment says; `None` where it names no proxy.
    ///
    /// # Errors
    /// A proxy that cannot be used.
    pub(crate) fn from_environment() -> Result<Option<Self>, ProxyError> {
        let of = |names: [&str; 2]| {
            let values = names.iter().filter_map(|name| std::env::var(name).ok());
            values.into_iter().find(|value| !value.is_empty())
        };
        let exceptions = of(["NO_PROXY", "no_proxy"]).unwrap_or_default();
        of(["HTTPS_PROXY", "https_proxy"])
            .map(|proxy| Self::new(&proxy, &exceptions))
            .transpose()
    }

    /// `proxy`: a URL, or a host and port. `exceptions`: names with all below them, addresses, networks, or `*`; separated by commas.
    fn new(proxy: &str, exceptions: &str) -> Result<Self, ProxyError> {
        let uri: Uri = proxy.parse().map_err(|_| ProxyError)?;
        let http = uri.scheme().is_none_or(|scheme| *scheme == Scheme::HTTP);
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !http || !bare || uri.host().is_none_or(str::is_empty) {
            return Err(ProxyError);
        }
        Ok(Self(Matcher::builder().https(proxy).no(exceptions).build()))
    }

    /// The tunnel to a host, given as in a URL: an IPv6 address in brackets. `None` if it is to be reached directly.
    pub(super) fn tunnel(&self, host: &str, port: u16) -> Option<Tunnel> {
        if is_loopback(host) {
            return None;
        }
        let authority = format!("{host}:{port}");
        let destination: Uri = format!("https://{authority}/").parse().ok()?;
        let proxy = self.0.intercept(&destination)?;
        let uri = proxy.uri();
        Some(Tunnel {
            host: bare(uri.host()?).to_owned(),
            port: uri.port_u16().unwrap_or(HTTP_PORT),
            authorization: proxy.basic_auth().cloned(),
            to: authority.parse().ok()?,
            authority: HeaderValue::from_str(&authority).ok()?,
        })
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxy")
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || bare(host)
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// The way to one host through a proxy.
pub(super) struct Tunnel {
    /// The proxy.
    pub host: String,
    /// Its port.
    pub port: u16,
    authorization: Option<HeaderValue>,
    to: Uri,
    authority: HeaderValue,
}

/// No tunnel came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    /// The proxy does not connect to that host.
    #[error("the proxy answers {0}")]
    Refused(StatusCode),
    /// The proxy wants other credentials, of which nobody but whoever runs the gateway can know.
    #[error("the proxy does not accept the credentials of HTTPS_PROXY")]
    Credentials,
    /// It broke off, or answers something that is not HTTP.
    #[error("the proxy broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// It sends something before it was asked.
    #[error("the proxy speaks before the provider does")]
    Early,
}

impl Tunnel {
    /// Makes a connection to the proxy one to the host.
    ///
    /// # Errors
    /// Whatever kept the tunnel from coming about. There is no timeout here.
    pub(super) async fn through(
        &self,
        stream: TcpStream,
        tasks: &Tasks,
    ) -> Result<TcpStream, TunnelError> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tasks.spawn(async move {
            // What goes wrong is told to the one request.
            let _ = connection.with_upgrades().await;
        });
        let answer = sender.send_request(self.request()).await?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Err(TunnelError::Credentials),
            status => return Err(TunnelError::Refused(status)),
        }
        let parts = hyper::upgrade::on(answer)
            .await?
            .downcast::<TokioIo<TcpStream>>()
            .map_err(|_| TunnelError::Early)?;
        if parts.read_buf.is_empty() {
            Ok(parts.io.into_inner())
        } else {
            Err(TunnelError::Early)
        }
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = self.to.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        if let Some(authorization) = &self.authorization {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}

impl TunnelError {
    /// Whether it is so whichever provider was meant.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Credentials | Self::Broken(_) | Self::Early => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(proxy: &str, exceptions: &str, host: &str) -> Option<(String, u16)> {
        let tunnel = Proxy::new(proxy, exceptions).unwrap().tunnel(host, 443)?;
        Some((tunnel.host, tunnel.port))
    }

    fn a_proxy(port: u16) -> Option<(String, u16)> {
        Some(("proxy.test".to_owned(), port))
    }

    #[test]
    fn a_proxy_is_a_url_or_a_host_with_its_port() {
        for (text, port) in [
            ("http://proxy.test:3128", 3128),
            ("http://proxy.test:3128/", 3128),
            ("proxy.test:3128", 3128),
            ("http://proxy.test", 80),
            ("http://me:secret@proxy.test:8080", 8080),
        ] {
            assert_eq!(through(text, "", "api.test"), a_proxy(port), "{text}");
        }
        let v6 = through("http://[2001:db8::1]:3128", "", "api.test");
        assert_eq!(v6, Some(("2001:db8::1".to_owned(), 3128)));
    }

    #[test]
    fn one_that_cannot_be_used_is_refused_and_its_password_not_shown() {
        for text in [
            "https://me:hidden@proxy.test",
            "socks5://me:hidden@proxy.test:1080",
            "http://me:hidden@proxy.test/path",
            "http://me:hidden@proxy test",
            "http://",
            "ftp://me:hidden@proxy.test",
        ] {
            let error = Proxy::new(text, "").unwrap_err().to_string();
            assert!(error.contains("HTTPS_PROXY"), "{text}: {error}");
            assert!(!error.contains("hidden"), "{text}: {error}");
        }
    }

    #[test]
    fn exceptions_are_names_with_all_below_them_addresses_and_networks() {
        let exceptions = "internal.test, 10.0.0.0/8,192.0.2.7,.dotted.test";
        for host in [
            "internal.test",
            "llm.internal.test",
            "10.1.2.3",
            "192.0.2.7",
            "a.dotted.test",
        ] {
            assert_eq!(through("proxy.test:80", exceptions, host), None, "{host}");
        }
        for host in ["api.test", "notinternal.test", "11.1.2.3", "192.0.2.8"] {
            assert_eq!(
                through("proxy.test:80", exceptions, host),
                a_proxy(80),
                "{host}"
            );
        }
        assert_eq!(through("proxy.test:80", "*", "api.test"), None);
    }

    #[test]
    fn this_machine_is_never_asked_of_a_proxy() {
        for host in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(through("proxy.test:80", "", host), None, "{host}");
        }
    }

    #[test]
    fn a_tunnel_is_asked_for_with_credentials_that_stay_hidden() {
        let proxy = Proxy::new("http://me:se%20cret@proxy.test:80", "").unwrap();
        let request = proxy.tunnel("api.test", 443).unwrap().request();
        assert_eq!(request.uri(), "api.test:443");
        let authorization = &request.headers()[header::PROXY_AUTHORIZATION];
        assert_eq!(authorization, "Basic bWU6c2UgY3JldA==");
        assert!(authorization.is_sensitive());
        let v6 = proxy.tunnel("[2001:db8::1]", 8443).unwrap().request();
        assert_eq!(v6.uri(), "[2001:db8::1]:8443");
    }
}
