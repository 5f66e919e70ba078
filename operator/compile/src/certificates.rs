//! A provider's certificates: whom it is trusted by, and what it is shown. A certificate to show travels with its key, as values of
//! credentials do, and the snapshot names it by digest.
//!
//! What was asked for and cannot be had leaves the provider unused: an empty text of certificates to trust, which trusts nobody.

use fairlead_crds::v1alpha1::{LLMProviderSpec, ProviderTls};
use fairlead_crds::{SECRET_CA, SECRET_CLIENT_CERTIFICATE};
use fairlead_snapshot::{CredentialId, Credentials, Digest, ObjectName, SecretBytes};

use crate::bounds::{CA_BYTES, CLIENT_CERTIFICATE_BYTES};
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::{Secret, Wanted, labelled};
use crate::world::World;

/// The key in a Secret of CA certificates, where none is named.
const CA_KEY: &str = "ca.crt";
/// The keys in a Secret of type kubernetes.io/tls.
const CERTIFICATE_KEY: &str = "tls.crt";
const PRIVATE_KEY_KEY: &str = "tls.key";
/// What a certificate begins with, and how a private key's first line ends.
const PEM_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const PEM_PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// The certificates of one provider.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    /// To trust instead of the system's, PEM.
    pub(crate) trusted: Option<String>,
    /// To show.
    pub(crate) shown: Option<CredentialId>,
}

/// Whether none are named.
pub(crate) fn are_none(tls: &ProviderTls) -> bool {
    tls.ca_certificate_ref.is_none() && tls.client_certificate_ref.is_none()
}

/// Looks the certificates of a provider up; the one to show goes into `values`.
pub(crate) fn build(
    provider: &ObjectName,
    spec: &LLMProviderSpec,
    world: &World<'_>,
    values: &mut Credentials,
    unresolved: &mut Vec<Finding>,
) -> Certificates {
    let Some(tls) = &spec.tls else {
        return Certificates::default();
    };
    let mut usable = |found: Result<_, Finding>| match found {
        Ok(found) => found,
        Err(finding) => {
            unresolved.push(finding);
            None
        }
    };
    let trusted = usable(trusted(&provider.namespace, tls, world));
    let shown = usable(shown(&provider.namespace, tls, world));
    let missing = trusted.is_none() && tls.ca_certificate_ref.is_some()
        || shown.is_none() && tls.client_certificate_ref.is_some();
    Certificates {
        trusted: if missing {
            Some(String::new())
        } else {
            trusted
        },
        shown: shown.map(|pem| values.keep(id(provider, &pem), &pem)),
    }
}

/// Looks the certificate of a last accepted version up again: it counts as long as a Secret of the namespace still offers it.
pub(crate) fn relink(
    provider: &ObjectName,
    trusted: &mut Option<String>,
    shown: &mut Option<CredentialId>,
    world: &World<'_>,
    values: &mut Credentials,
) -> Option<Finding> {
    let wanted = shown.take()?;
    let found = labelled(
        world.secrets,
        &provider.namespace,
        SECRET_CLIENT_CERTIFICATE,
    )
    .filter_map(pair)
    .find(|pem| id(provider, pem) == wanted);
    if let Some(pem) = found {
        *shown = Some(values.keep(wanted, &pem));
        return None;
    }
    *trusted = Some(String::new());
    Some(Finding::new(
        &path().field("clientCertificateRef"),
        Reason::SecretNotFound,
        "the client certificate of the version in force is in no Secret any more; mend the object so that it is read anew",
    ))
}

fn path() -> Path {
    Path::of("spec").field("tls")
}

fn trusted(
    namespace: &str,
    tls: &ProviderTls,
    world: &World<'_>,
) -> Result<Option<String>, Finding> {
    let Some(reference) = &tls.ca_certificate_ref else {
        return Ok(None);
    };
    let wanted = Wanted {
        namespace,
        name: reference.name.as_str(),
        key: reference.key.as_ref().map_or(CA_KEY, |key| key.as_str()),
        label: SECRET_CA,
        path: path().field("caCertificateRef"),
    };
    let bytes = wanted.bytes(world.secrets)?;
    wanted.within(CA_BYTES, bytes)?;
    text(bytes, PEM_CERTIFICATE)
        .map(|pem| Some(pem.to_owned()))
        .ok_or_else(|| wanted.invalid("is no PEM bundle of certificates"))
}

fn shown(namespace: &str, tls: &ProviderTls, world: &World<'_>) -> Result<Option<String>, Finding> {
    let Some(reference) = &tls.client_certificate_ref else {
        return Ok(None);
    };
    let part = |key, begins: &str, what: &str| {
        let wanted = Wanted {
            namespace,
            name: reference.name.as_str(),
            key,
            label: SECRET_CLIENT_CERTIFICATE,
            path: path().field("clientCertificateRef"),
        };
        let bytes = wanted.bytes(world.secrets)?;
        wanted.within(CLIENT_CERTIFICATE_BYTES, bytes)?;
        text(bytes, begins).ok_or_else(|| wanted.invalid(&format!("is no PEM {what}")))
    };
    let certificate = part(CERTIFICATE_KEY, PEM_CERTIFICATE, "certificate")?;
    let key = part(PRIVATE_KEY_KEY, PEM_PRIVATE_KEY, "private key")?;
    Ok(Some(joined(certificate, key)))
}

/// The certificate and the key that a Secret holds, if it holds both.
fn pair(secret: &Secret) -> Option<String> {
    let part = |key, begins| text(secret.data.get(key)?, begins);
    let certificate = part(CERTIFICATE_KEY, PEM_CERTIFICATE)?;
    Some(joined(certificate, part(PRIVATE_KEY_KEY, PEM_PRIVATE_KEY)?))
}

fn joined(certificate: &str, key: &str) -> String {
    [certificate, "\n", key].concat()
}

fn text<'b>(bytes: &'b SecretBytes, begins: &str) -> Option<&'b str> {
    let text = std::str::from_utf8(bytes.expose()).ok()?;
    text.contains(begins).then_some(text)
}

/// Apart from those of credentials, whose names have no dot.
fn id(provider: &ObjectName, pem: &str) -> CredentialId {
    Digest::of(&(provider, "tls.clientCertificateRef", pem))
}
