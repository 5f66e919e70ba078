//! A provider's credentials: the snapshot names values by digest, the values themselves travel apart.

use fairlead_crds::SECRET_CREDENTIAL;
use fairlead_crds::v1alpha1::Credential as CredentialSpec;
use fairlead_snapshot::{Credential, CredentialId, Credentials, Digest, ModelPattern, ObjectName};

use crate::bounds::CREDENTIAL_BYTES;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::{Wanted, labelled, token};
use crate::world::World;

/// The key in a Secret, where none is named.
pub(crate) const SECRET_KEY: &str = "apiKey";

/// Credentials with their values looked up; one without a usable value stays in the list and cannot be chosen.
pub(crate) fn build(
    provider: &ObjectName,
    specs: &[CredentialSpec],
    world: &World<'_>,
    values: &mut Credentials,
    unresolved: &mut Vec<Finding>,
) -> Vec<Credential> {
    let list = Path::of("spec").field("credentials");
    let mut found = Vec::with_capacity(specs.len());
    for (at, spec) in specs.iter().enumerate() {
        let wanted = Wanted {
            namespace: &provider.namespace,
            name: spec.secret_ref.name.as_str(),
            key: spec
                .secret_ref
                .key
                .as_ref()
                .map_or(SECRET_KEY, |key| key.as_str()),
            label: SECRET_CREDENTIAL,
            path: list.index(at).field("secretRef"),
        };
        let value = match wanted.token_within(CREDENTIAL_BYTES, world.secrets) {
            Ok(value) => Some(values.keep(id(provider, spec.name.as_str(), value), value)),
            Err(finding) => {
                unresolved.push(finding);
                None
            }
        };
        let models = spec
            .models
            .iter()
            .flatten()
            .map(|pattern| ModelPattern(pattern.to_string()))
            .collect();
        found.push(Credential {
            name: spec.name.to_string(),
            weight: spec.weight.unwrap_or(1),
            models,
            value,
        });
    }
    found
}

/// Looks the values of a last accepted version up again. Which Secret it named is not known any more, but what the value was: it counts as
/// long as a Secret of the namespace still offers it.
pub(crate) fn relink(
    provider: &ObjectName,
    credentials: &mut [Credential],
    world: &World<'_>,
    values: &mut Credentials,
) -> Vec<Finding> {
    let mut unresolved = Vec::new();
    let offered: Vec<&str> = labelled(world.secrets, &provider.namespace, SECRET_CREDENTIAL)
        .flat_map(|secret| secret.data.values())
        .filter_map(token)
        .collect();
    for credential in credentials {
        let Some(wanted) = credential.value.take() else {
            continue;
        };
        let found = offered
            .iter()
            .find(|value| id(provider, &credential.name, value) == wanted);
        credential.value = found.map(|value| values.keep(wanted, value));
        if credential.value.is_none() {
            let message = format!(
                "the value of the credential {:?} in the version in force is in no Secret any more; mend the object so that it is read anew",
                credential.name
            );
            unresolved.push(Finding::new(
                &Path::of("spec").field("credentials"),
                Reason::SecretNotFound,
                message,
            ));
        }
    }
    unresolved
}

/// Equal values of two providers have different ids, so that an id says nothing about who shares a value.
fn id(provider: &ObjectName, credential: &str, value: &str) -> CredentialId {
    Digest::of(&(provider, credential, value))
}
