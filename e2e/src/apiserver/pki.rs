//! What makes a server trusted and a caller known: a certificate for 127.0.0.1 under a CA of its own, and one random token.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Files in the server's folder, and the two things its client needs.
pub(super) struct Pki {
    /// The CA's certificate, PEM.
    pub(super) ca: String,
    /// A bearer token for `system:masters`.
    pub(super) token: String,
    pub(super) certificate: PathBuf,
    /// The private key, of the server and for signing service account tokens.
    pub(super) key: PathBuf,
    pub(super) public_key: PathBuf,
    pub(super) tokens: PathBuf,
}

impl Pki {
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "fairlead e2e");
        let issuer_key = KeyPair::generate()?;
        let ca = authority.self_signed(&issuer_key)?.pem();
        let issuer = Issuer::new(authority, issuer_key);

        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
        let token = random_token()?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(path)
        };
        Ok(Self {
            certificate: write("server.crt", &certificate.pem())?,
            key: write("server.key", &key.serialize_pem())?,
            public_key: write("server.pub", &key.public_key_pem())?,
            tokens: write("tokens.csv", &format!("{token},e2e,e2e,system:masters\n"))?,
            ca,
            token,
        })
    }
}

/// 128 random bits in hexadecimal.
fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
