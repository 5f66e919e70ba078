//! A provider's credentials: the snapshot names values by digest, the values themselves travel apart.

use std::collections::BTreeMap;
use std::fmt;

use fairlead_crds::v1alpha1::Credential as CredentialSpec;
use fairlead_crds::{SECRET_CREDENTIAL, SECRET_LABEL};
use fairlead_snapshot::{Credential, CredentialId, Digest, ModelPattern, ObjectName};

use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::{SecretBytes, Wanted, token};
use crate::world::World;

/// The key in a Secret, where none is named.
pub(crate) const SECRET_KEY: &str = "apiKey";

/// The values of the credentials that a snapshot names. Printing shows how many there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<CredentialId, SecretBytes>);

impl Credentials {
    /// The value to send.
    #[must_use]
    pub fn get(&self, id: &CredentialId) -> Option<&SecretBytes> {
        self.0.get(id)
    }

    /// All values, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&CredentialId, &SecretBytes)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn keep(&mut self, id: CredentialId, value: &str) -> CredentialId {
        self.0.insert(id.clone(), SecretBytes::new(value));
        id
    }
}

impl FromIterator<(CredentialId, SecretBytes)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (CredentialId, SecretBytes)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.len())
    }
}

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
        let value = match wanted.token(world.secrets) {
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
    for credential in credentials {
        let Some(wanted) = credential.value.take() else {
            continue;
        };
        let offered = offered(&provider.namespace, world)
            .find(|value| id(provider, &credential.name, value) == wanted);
        credential.value = offered.map(|value| values.keep(wanted, value));
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

/// The usable values in the Secrets of a namespace that are labelled as credentials.
fn offered<'w>(namespace: &str, world: &'w World<'_>) -> impl Iterator<Item = &'w str> {
    let labelled = world.secrets.iter().filter(move |(name, secret)| {
        name.namespace == namespace
            && secret
                .labels
                .get(SECRET_LABEL)
                .is_some_and(|label| label == SECRET_CREDENTIAL)
    });
    labelled
        .flat_map(|(_, secret)| secret.data.values())
        .filter_map(token)
}

/// Equal values of two providers have different ids, so that an id says nothing about who shares a value.
fn id(provider: &ObjectName, credential: &str, value: &str) -> CredentialId {
    Digest::of(&(provider, credential, value))
}
