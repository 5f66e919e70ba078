//! Google, from a Secret or from the pod.

use std::path::PathBuf;

use super::{ConfigError, Environment, Values, needed, variable};
use crate::Source;
use crate::source::google::{File, METADATA_HOST, Metadata, ServiceAccount};
use crate::url::Address;

/// The key of a Secret that holds the document of a service account's key.
pub const SERVICE_ACCOUNT: &str = "serviceAccount";

/// The document of a service account's key, under [`SERVICE_ACCOUNT`]. `scope` says what the token is for
/// ([`CLOUD_PLATFORM`](crate::source::google::CLOUD_PLATFORM)).
///
/// # Errors
/// It is missing, or not such a document.
pub fn from_secret(values: Values<'_>, scope: &str) -> Result<Source, ConfigError> {
    let document = needed(values, SERVICE_ACCOUNT)?;
    let account = ServiceAccount::parse(&document, scope).map_err(|why| ConfigError::Document {
        what: SERVICE_ACCOUNT,
        why,
    })?;
    Ok(Source::GoogleServiceAccount(account))
}

/// The document that `GOOGLE_APPLICATION_CREDENTIALS` names, or else the metadata server, which is there on Google's machines; elsewhere
/// its name is unknown, and so will its tokens be.
///
/// # Errors
/// `GCE_METADATA_HOST` is not a host.
pub fn from_environment(environment: Environment<'_>, scope: &str) -> Result<Source, ConfigError> {
    if let Some(path) = variable(environment, "GOOGLE_APPLICATION_CREDENTIALS") {
        return Ok(Source::GoogleFile(File {
            path: PathBuf::from(path),
            scope: scope.to_owned(),
        }));
    }
    let host = variable(environment, "GCE_METADATA_HOST");
    let host = host.unwrap_or_else(|| METADATA_HOST.to_owned());
    let is_host = Address::parse(&format!("http://{host}")).is_some_and(|url| url.host == host);
    if !is_host {
        return Err(ConfigError::Bad {
            what: "GCE_METADATA_HOST",
            why: "must be a host, with a port if it is not 80",
        });
    }
    Ok(Source::GoogleMetadata(Metadata { host }))
}
