//! Certificates for loopback addresses, each its own authority.

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
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }
}
