//! The Secrets as the gateway knows them: values of credentials by their ids, and the token of the admin port.
//!
//! An id is the digest of the value that it names, so a value once known never becomes wrong: what a configuration names is looked up in
//! what the Secret holds and in what is in force.

use std::collections::BTreeMap;

use fairlead_snapshot::{CredentialId, ObjectName, Snapshot, names};
use fairlead_snapshot::{Credentials, SecretBytes};
use k8s_openapi::api::core::v1::Secret;

/// What the credentials Secret holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    values: BTreeMap<String, SecretBytes>,
    /// The token of the admin port, from an operator that does not give it a Secret of its own yet.
    pub(super) token: Option<SecretBytes>,
}

/// What the Secret of the admin port's token holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Admin(pub(super) Option<SecretBytes>);

impl Admin {
    /// What a Secret holds.
    pub(super) fn of(secret: Secret) -> Self {
        let token = secret.data.unwrap_or_default().remove(names::TOKEN_KEY);
        Self(token.map(|token| SecretBytes::new(token.0)))
    }
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
        let token = values.remove(names::OLD_TOKEN_KEY);
        Self { values, token }
    }

    /// Adds what another part of the credentials holds.
    pub(super) fn add(&mut self, part: Self) {
        self.values.extend(part.values);
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
        let values = provider.values();
        values.map(move |(what, id)| (name, what, id))
    })
}
