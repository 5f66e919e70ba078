//! The credentials Secret as the gateway knows it: values by their ids, and the token of the admin port.
//!
//! An id is the digest of the value that it names, so a value once known never becomes wrong: what a configuration names is looked up in
//! what the Secret holds and in what is in force.

use std::collections::BTreeMap;

use fairlead_compile::{Credentials, SecretBytes};
use fairlead_snapshot::{CredentialId, ObjectName, Snapshot, names};
use k8s_openapi::api::core::v1::Secret;

/// What the Secret holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    values: BTreeMap<String, SecretBytes>,
    /// The token of the admin port.
    pub(super) token: Option<SecretBytes>,
}

/// A configuration names a value that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the credential {credential:?} of the provider {provider} is not in the credentials Secret"
)]
pub(super) struct Unknown {
    provider: ObjectName,
    credential: String,
}

impl Known {
    /// What a Secret holds.
    pub(super) fn of(secret: Secret) -> Self {
        let mut values: BTreeMap<_, _> = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, SecretBytes::new(value.0)))
            .collect();
        let token = values.remove(names::ADMIN_TOKEN_KEY);
        Self { values, token }
    }

    /// The values that a configuration names, looked up here and then in `before`.
    pub(super) fn choose(
        &self,
        snapshot: &Snapshot,
        before: &Credentials,
    ) -> Result<Credentials, Unknown> {
        let value = |id: &CredentialId| self.values.get(id.as_str()).or_else(|| before.get(id));
        named(snapshot)
            .map(|(provider, credential, id)| {
                let value = value(id).ok_or_else(|| Unknown {
                    provider: provider.clone(),
                    credential: credential.to_owned(),
                })?;
                Ok((id.clone(), value.clone()))
            })
            .collect()
    }
}

/// Every credential of a configuration that has a value.
fn named(snapshot: &Snapshot) -> impl Iterator<Item = (&ObjectName, &str, &CredentialId)> {
    snapshot.providers.iter().flat_map(|(name, provider)| {
        let credentials = provider.credentials.iter();
        credentials.filter_map(move |credential| {
            Some((name, credential.name.as_str(), credential.value.as_ref()?))
        })
    })
}
