//! Microsoft Entra, from a Secret or from the pod.

use std::path::PathBuf;

use super::{ConfigError, Environment, Values, needed, variable};
use crate::source::entra::{Entra, PUBLIC_AUTHORITY, Proof};
use crate::{Secret, Source, url};

/// Keys of a Secret: `tenantId`, `clientId`, `clientSecret`. `scope` says what the token is for
/// ([`COGNITIVE_SERVICES`](crate::source::entra::COGNITIVE_SERVICES)), `authority` where it is given, if not in the public cloud.
///
/// # Errors
/// One is missing or cannot be right.
pub fn from_secret(
    values: Values<'_>,
    scope: &str,
    authority: Option<&str>,
) -> Result<Source, ConfigError> {
    let tenant = needed(values, "tenantId")?;
    let client = needed(values, "clientId")?;
    let proof = Proof::Secret(needed(values, "clientSecret")?);
    let who = [tenant.expose(), client.expose()];
    source(who, ["tenantId", "clientId"], scope, authority, proof)
}

/// What Azure's workload identity puts into a pod.
///
/// # Errors
/// It is not there, or cannot be right.
pub fn from_environment(environment: Environment<'_>, scope: &str) -> Result<Source, ConfigError> {
    let get = |name| {
        variable(environment, name).ok_or(ConfigError::NoIdentity {
            cloud: "Azure",
            mend: "label the pod azure.workload.identity/use: \"true\", annotate its service account with azure.workload.identity/client-id, and restart it",
        })
    };
    let (tenant, client) = (get("AZURE_TENANT_ID")?, get("AZURE_CLIENT_ID")?);
    let proof = Proof::TokenFile(PathBuf::from(get("AZURE_FEDERATED_TOKEN_FILE")?));
    let authority = variable(environment, "AZURE_AUTHORITY_HOST");
    source(
        [&tenant, &client],
        ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"],
        scope,
        authority.as_deref(),
        proof,
    )
}

fn source(
    [tenant, client]: [&str; 2],
    names: [&'static str; 2],
    scope: &str,
    authority: Option<&str>,
    proof: Proof,
) -> Result<Source, ConfigError> {
    // They become a part of an address, and of messages.
    for (what, text) in names.into_iter().zip([tenant, client]) {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if !text.bytes().all(fits) || text.starts_with('.') {
            return Err(ConfigError::Bad {
                what,
                why: "must be an id, such as 6e4e2f0a-6a4c-4d8e-8f0e-1f3c0a2b4c5d",
            });
        }
    }
    if !Secret::new(scope).fits_a_header() {
        return Err(ConfigError::Bad {
            what: "the scope",
            why: "must be that of a resource, such as https://cognitiveservices.azure.com/.default",
        });
    }
    let authority = url::secure(authority.unwrap_or(PUBLIC_AUTHORITY)).ok_or(ConfigError::Bad {
        what: "the authority",
        why: "must be an https address, such as https://login.microsoftonline.com",
    })?;
    Ok(Source::Entra(Entra {
        authority: authority.to_owned(),
        tenant: tenant.to_owned(),
        client: client.to_owned(),
        scope: scope.to_owned(),
        proof,
    }))
}
