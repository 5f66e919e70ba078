//! Why no connection came about, and what is said of it.

use fairlead_snapshot::FailureClass;

use super::http2::NoGreeting;
use super::proxy::TunnelError;
use super::{Upstream, dial};
use crate::failure::{Failure, Own};

/// No connection came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The name has no address.
    #[error("{0} has no address")]
    Resolve(String),
    /// Whether the name has an address cannot be found out.
    #[error("cannot find out the address of {0}: {1}")]
    Resolver(String, std::io::Error),
    /// Every address is private, and the provider may not use private addresses.
    #[error(
        "{0} resolves to a private address; set allowPrivateNetwork: true on the provider if that is meant"
    )]
    PrivateAddress(String),
    /// Nobody answered there.
    #[error("cannot connect to {0}: {1}")]
    Tcp(String, std::io::Error),
    /// The proxy cannot be reached.
    #[error("cannot connect to the proxy of HTTPS_PROXY: {0}")]
    Proxy(std::io::Error),
    /// The proxy made no connection.
    #[error("no connection to {0} through the proxy of HTTPS_PROXY: {1}")]
    Tunnel(String, TunnelError),
    /// The certificate or the handshake was refused.
    #[error("TLS handshake with {0} failed: {1}")]
    Tls(String, std::io::Error),
    /// HTTP/2 is not spoken there.
    #[error("no HTTP/2 with {0}: {1}")]
    Http2(String, NoGreeting),
}

impl ConnectError {
    /// Whether it failed for something that this machine lacks, whoever the provider is.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Resolver(..) | Self::Proxy(_) => true,
            Self::Tunnel(_, error) => error.is_local(),
            Self::Tcp(_, error) => dial::is_local(error),
            Self::Resolve(_) | Self::PrivateAddress(_) | Self::Tls(..) | Self::Http2(..) => false,
        }
    }

    /// The failure of an attempt that needed one.
    pub(crate) fn told(&self, upstream: &Upstream) -> Failure {
        tracing::debug!(provider = %upstream.label, error = %self, "no connection");
        let failure = Failure::new(FailureClass::Connect, self.sentence());
        if self.is_local() {
            return failure.by(Own::Connection);
        }
        failure
    }

    fn sentence(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "its name has no address",
            Self::PrivateAddress(_) => {
                "its address is private, and the LLMProvider does not allow that (spec.allowPrivateNetwork)"
            }
            Self::Tls(..) => "its certificate was not accepted, or TLS failed",
            Self::Resolver(..) => "the name of the provider cannot be looked up just now",
            Self::Proxy(_) => "the proxy of this gateway (HTTPS_PROXY) cannot be reached",
            Self::Tunnel(_, error) if error.is_local() => {
                "the proxy of this gateway (HTTPS_PROXY) does not work"
            }
            Self::Tunnel(..) => "the proxy of this gateway (HTTPS_PROXY) makes no connection to it",
            Self::Tcp(..) if self.is_local() => {
                "it has no descriptors, ports, memory or network for one"
            }
            Self::Http2(..) => "it does not speak HTTP/2 (spec.httpVersion)",
            Self::Tcp(..) => "no connection came about",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;
    use crate::upstream::ticket::tests::upstream;

    #[test]
    fn what_this_machine_lacks_blames_no_provider() {
        let upstream = upstream();
        let tcp = |number| ConnectError::Tcp("a:443".to_owned(), Error::from_raw_os_error(number));
        let odd = || Error::from(ErrorKind::InvalidData);
        // EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM of Linux.
        let ours = [24, 23, 99, 105, 12].map(tcp).into_iter();
        let ours = ours.chain([
            ConnectError::Resolver("a".to_owned(), odd()),
            ConnectError::Proxy(odd()),
        ]);
        for error in ours {
            assert_eq!(error.told(&upstream).own, Some(Own::Connection), "{error}");
        }
        // ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH.
        let theirs = [111, 104, 110, 113].map(tcp).into_iter();
        let theirs = theirs.chain([
            ConnectError::Resolve("a".to_owned()),
            ConnectError::Tls("a".to_owned(), odd()),
        ]);
        for error in theirs {
            assert_eq!(error.told(&upstream).own, None, "{error}");
        }
    }
}
