//! One certificate for everything that speaks TLS here, its own authority.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// A certificate and its key, as files in PEM.
pub(crate) struct Certificate {
    /// The file of the certificate; whoever trusts it trusts the server that shows it.
    pub(crate) certificate: PathBuf,
    /// The file of its key.
    pub(crate) key: PathBuf,
    _home: TempDir,
}

impl Certificate {
    /// A new one (ECDSA, P-256) for 127.0.0.1 and localhost.
    pub(crate) fn new() -> Result<Self> {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        let home = TempDir::new()?;
        let (certificate, key) = (home.path().join("tls.crt"), home.path().join("tls.key"));
        fs::write(&certificate, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self {
            certificate,
            key,
            _home: home,
        })
    }

    /// The certificate's text.
    pub(crate) fn pem(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.certificate)?)
    }
}

/// What a server needs that shows this certificate.
pub(crate) fn server(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let certificate = CertificateDer::from_pem_file(certificate).context("the certificate")?;
    let key = PrivateKeyDer::from_pem_file(key).context("its key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(Arc::new(config))
}
