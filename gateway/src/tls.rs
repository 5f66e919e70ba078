//! TLS both ways: what upstreams are trusted by, and the certificate that callers see.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// There is no certificate or key in it.
    #[error("{0} holds no PEM {1}")]
    Pem(String, &'static str),
    /// rustls refuses it.
    #[error("{0}: {1}")]
    Rustls(String, rustls::Error),
}

/// A connector that trusts the given PEM certificates, or the system's where none are given. An empty text trusts nobody. It shows the
/// certificate, PEM with its key, that is given.
///
/// # Errors
/// A text that is not empty and holds no certificate that can be used, or no key that goes with it.
pub(crate) fn connector(
    ca_certificates: Option<&str>,
    client_certificate: Option<&[u8]>,
) -> Result<TlsConnector, TlsError> {
    let roots = match ca_certificates {
        None => SYSTEM_ROOTS.clone(),
        Some(pem) => Arc::new(roots_of(pem)?),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Rustls("TLS versions".to_owned(), error))?
        .with_root_certificates(roots);
    let config = match client_certificate {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let name = || "clientCertificateRef".to_owned();
            let (chain, key) = chain_and_key(name, pem, pem)?;
            config
                .with_client_auth_cert(chain, key)
                .map_err(|error| TlsError::Rustls(name(), error))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Read once: it takes milliseconds, and every provider without a CA of its own shares it.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(
            "no CA certificates found on this system: https providers without caCertificateRef cannot be verified; install ca-certificates or set SSL_CERT_FILE"
        );
    }
    Arc::new(roots)
});

fn roots_of(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate =
            certificate.map_err(|_| TlsError::Pem("caCertificateRef".to_owned(), "certificate"))?;
        roots
            .add(certificate)
            .map_err(|error| TlsError::Rustls("caCertificateRef".to_owned(), error))?;
    }
    Ok(roots)
}

/// The certificate that callers see, exchanged while the gateway runs.
#[derive(Debug)]
pub(crate) struct ServedCertificate {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl ServedCertificate {
    /// Reads the certificate chain and its key.
    ///
    /// # Errors
    /// Files that cannot be read, or do not hold a matching pair.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::new(Arc::new(certified(certificate, key)?));
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current,
        }))
    }

    /// Reads the files again. Connections that are open keep what they have.
    ///
    /// # Errors
    /// As [`Self::load`]; the last good certificate stays.
    pub(crate) fn reload(&self) -> Result<bool, TlsError> {
        let fresh = certified(&self.certificate, &self.key)?;
        let changed = fresh.cert != self.current.load().cert;
        if changed {
            self.current.store(Arc::new(fresh));
        }
        Ok(changed)
    }

    /// The acceptor that serves it, offering HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// Should the crypto provider support none of the default TLS versions.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| TlsError::Rustls("TLS versions".to_owned(), error))?
                .with_no_client_auth()
                .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn certified(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let read =
        |path: &Path| std::fs::read(path).map_err(|error| TlsError::Read(path.to_owned(), error));
    let names = || format!("{} and {}", certificate.display(), key.display());
    let (chain, private) = chain_and_key(names, &read(certificate)?, &read(key)?)?;
    CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())
        .map_err(|error| TlsError::Rustls(names(), error))
}

/// The certificates of one PEM text and the private key of another, or of the same.
fn chain_and_key(
    name: impl Fn() -> String,
    certificate: &[u8],
    key: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::Pem(name(), "certificate"))?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Pem(name(), "private key"))?;
    Ok((chain, key))
}
