//! What happens to a connection before its first request: nothing, TLS, or an early end.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::socket::{self, Socket};

/// The head of a TLS record that holds a ServerHello, and the first bytes of that; the record says that more follow.
const HALF_A_HELLO: &[u8] = &[
    0x16, 0x03, 0x03, 0x00, 0x7a, 0x02, 0x00, 0x00, 0x76, 0x03, 0x03,
];

/// How connections begin.
#[derive(Clone, Default)]
pub(super) enum Greeting {
    /// With a request.
    #[default]
    Plain,
    /// With a TLS handshake.
    Tls(TlsAcceptor),
    /// With a TLS handshake that the server leaves in the middle.
    CutHandshake,
}

impl Greeting {
    /// TLS with this certificate chain and private key, and with clients whose certificate is signed by `clients` or is it, where that is given; all
    /// in PEM.
    #[expect(
        clippy::expect_used,
        reason = "a test with a broken certificate is a broken test"
    )]
    pub(super) fn tls(chain: &str, key: &str, clients: Option<&str>) -> Self {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .expect("chain is not PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("key is not PEM");
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default protocol versions");
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(clients) => config.with_client_cert_verifier(verifier(clients)),
        };
        let config = config
            .with_single_cert(chain, key)
            .expect("certificate and key do not fit each other");
        Self::Tls(TlsAcceptor::from(Arc::new(config)))
    }

    /// A connection that is ready for its first request; `None` if there will be none.
    pub(super) async fn receive(&self, tcp: TcpStream) -> Option<Socket> {
        match self {
            Self::Plain => Socket::plain(tcp).ok(),
            // A failed handshake is the client's to report.
            Self::Tls(acceptor) => Socket::tls(tcp, acceptor).await.ok(),
            Self::CutHandshake => {
                let mut socket = Socket::plain(tcp).ok()?;
                // Only after the client has said hello is it in the middle of a handshake.
                socket.fill().await.ok()?;
                socket.write(HALF_A_HELLO).await.ok()?;
                socket.close().await;
                None
            }
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "a test with a broken certificate is a broken test"
)]
fn verifier(clients: &str) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(clients.as_bytes()) {
        let added = roots.add(root.expect("certificate of clients is not PEM"));
        added.expect("certificate of clients cannot be trusted");
    }
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto)
        .build()
        .expect("there is a certificate of clients")
}

/// Ends a connection before a byte was read from it.
pub(super) fn reset(tcp: &TcpStream) {
    socket::reset(tcp);
}
