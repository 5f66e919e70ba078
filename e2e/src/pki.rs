//! What makes an API server trusted and its callers known: a certificate under a CA of its own, and a random bearer token per user.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

/// A user and the groups that say what it may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    /// Empty for none.
    pub(crate) group: &'static str,
}

/// Files in one folder, and what a client of this process needs.
#[derive(Debug)]
pub(crate) struct Pki {
    /// The CA's certificate, PEM.
    pub(crate) ca: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) certificate: PathBuf,
    /// The private key, of the server and for signing service account tokens.
    pub(crate) key: PathBuf,
    pub(crate) public_key: PathBuf,
    /// What `--token-auth-file` reads.
    pub(crate) tokens: PathBuf,
    folder: PathBuf,
    bearers: Vec<(User, String)>,
}

impl Pki {
    /// For a server reached by `names` (host names or addresses) and these users.
    pub(crate) fn make(folder: &Path, names: &[&str], users: &[User]) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "fairlead e2e");
        let issuer_key = KeyPair::generate()?;
        let ca = authority.self_signed(&issuer_key)?.pem();
        let issuer = Issuer::new(authority, issuer_key);

        let key = KeyPair::generate()?;
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        let bearers: Vec<_> = users
            .iter()
            .map(|&user| anyhow::Ok((user, random_token()?)))
            .collect::<Result<_>>()?;
        let tokens: String = bearers
            .iter()
            .map(|(User { name, group }, token)| format!("{token},{name},{name},{group}\n"))
            .collect();
        let write = |name: &str, text: &str| write(&folder.join(name), text);
        Ok(Self {
            ca_file: write("ca.crt", &ca)?,
            certificate: write("server.crt", &certificate.pem())?,
            key: write("server.key", &key.serialize_pem())?,
            public_key: write("server.pub", &key.public_key_pem())?,
            tokens: write("tokens.csv", &tokens)?,
            folder: folder.to_owned(),
            ca,
            bearers,
        })
    }

    /// The bearer token of a user it was made with.
    pub(crate) fn token(&self, name: &str) -> Result<&str> {
        let found = self.bearers.iter().find(|(user, _)| user.name == name);
        found
            .map(|(_, token)| token.as_str())
            .with_context(|| format!("no token was made for {name}"))
    }

    /// Writes what the user `name` needs to speak to the server at `url`: a kubeconfig, `NAME.kubeconfig`.
    pub(crate) fn kubeconfig(&self, name: &str, url: &str) -> Result<PathBuf> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": {"server": url, "certificate-authority": self.ca_file}}],
            "users": [{"name": name, "user": {"token": self.token(name)?}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": name}}],
            "current-context": "e2e",
        });
        let file = format!("{}.kubeconfig", name.replace(':', "-"));
        write(&self.folder.join(file), &config.to_string())
    }
}

fn write(path: &Path, text: &str) -> Result<PathBuf> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}

/// 128 random bits in hexadecimal.
fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
