//! Certificates, each its own authority.

/// A certificate and its key, in PEM.
pub(crate) struct Certificate {
    /// The certificate; whoever trusts it trusts the server that shows it.
    pub(crate) certificate: String,
    /// Its private key.
    pub(crate) key: String,
}

impl Certificate {
    /// A new one for 127.0.0.1.
    pub(crate) fn loopback() -> Self {
        Self::of("127.0.0.1")
    }

    /// A new one for a name or an address.
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }
}
