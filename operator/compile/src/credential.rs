//! A provider's credentials: the snapshot names values by digest, the values themselves travel apart.

mod keys;

use std::borrow::Cow;

use fairlead_crds::SECRET_CREDENTIAL;
use fairlead_crds::v1alpha1::{Credential as CredentialSpec, LLMProviderSpec};
use fairlead_snapshot::{
    Credential, CredentialId, Credentials, Digest, ModelPattern, ObjectName, WorkloadIdentity,
};

use crate::bounds::CREDENTIAL_BYTES;
use crate::finding::{Finding, Reason};
use crate::kinds::About;
use crate::path::Path;
use crate::secret::{Wanted, labelled, token};
use crate::world::World;
use keys::Keys;

/// The key in a Secret, where none is named.
pub(crate) const SECRET_KEY: &str = "apiKey";

/// What is wrong with the credentials by themselves.
pub(crate) fn faults(spec: &LLMProviderSpec, about: &About<'_>, path: &Path) -> Vec<Finding> {
    let mut faults = Vec::new();
    for (at, credential) in spec.credentials.iter().flatten().enumerate() {
        let path = path.index(at);
        if credential.secret_ref.is_some() == credential.workload_identity.is_some() {
            let message = "give secretRef or workloadIdentity, one of them";
            faults.push(Finding::new(&path, Reason::Invalid, message));
        }
        if credential.workload_identity.is_none() {
            continue;
        }
        let path = path.field("workloadIdentity");
        if Keys::of(spec.kind).is_none() {
            let message = "workloadIdentity goes with types AzureOpenAI, Bedrock and VertexAI only";
            faults.push(Finding::new(&path, Reason::Invalid, message));
        }
        if !about.is_gateway() {
            let message = format!(
                "the gateway's own identity is for providers of its namespace, {}, only; use a Secret, or ask for access to a provider there",
                about.settings.gateway_namespace
            );
            faults.push(Finding::new(&path, Reason::NotPermitted, message));
        }
    }
    faults
}

/// Credentials with their values looked up; one without a usable value stays in the list and cannot be chosen.
pub(crate) fn build(
    provider: &ObjectName,
    provider_spec: &LLMProviderSpec,
    world: &World<'_>,
    values: &mut Credentials,
    unresolved: &mut Vec<Finding>,
) -> Vec<Credential> {
    let list = Path::of("spec").field("credentials");
    let specs = provider_spec.credentials.as_deref().unwrap_or_default();
    let keys = Keys::of(provider_spec.kind);
    let mut found = Vec::with_capacity(specs.len());
    for (at, spec) in specs.iter().enumerate() {
        let value = match value(provider, spec, keys, &list.index(at), world) {
            None => None,
            Some(Ok(value)) => Some(values.keep(id(provider, spec.name.as_str(), &value), &value)),
            Some(Err(finding)) => {
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
            identity: spec
                .workload_identity
                .as_ref()
                .map(|identity| WorkloadIdentity {
                    role_arn: identity.role_arn.as_ref().map(ToString::to_string),
                }),
        });
    }
    found
}

/// The value that a credential names, if it names one: a token; or, where its provider's type knows others and the Secret has none, all of
/// those together.
fn value<'w>(
    provider: &ObjectName,
    spec: &CredentialSpec,
    keys: Option<&Keys>,
    path: &Path,
    world: &World<'w>,
) -> Option<Result<Cow<'w, str>, Finding>> {
    let secret_ref = spec.secret_ref.as_ref()?;
    let wanted = Wanted {
        namespace: &provider.namespace,
        name: secret_ref.name.as_str(),
        key: secret_ref
            .key
            .as_ref()
            .map_or(SECRET_KEY, |key| key.as_str()),
        label: SECRET_CREDENTIAL,
        path: path.field("secretRef"),
    };
    if let (None, Some(keys)) = (&secret_ref.key, keys)
        && let Some(data) = wanted.without_key(world.secrets)
    {
        let together = keys.together(data);
        return Some(match together {
            Some(value) if value.len() <= CREDENTIAL_BYTES => Ok(Cow::Owned(value)),
            Some(_) => Err(wanted.invalid(&format!("is over {CREDENTIAL_BYTES} bytes together"))),
            None => Err(wanted.lacks(&format!("{SECRET_KEY}, nor {}", keys.needed()))),
        });
    }
    let token = wanted.token_within(CREDENTIAL_BYTES, world.secrets);
    Some(token.map(Cow::Borrowed))
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
    let secrets = || labelled(world.secrets, &provider.namespace, SECRET_CREDENTIAL);
    let tokens = secrets()
        .flat_map(|secret| secret.data.values())
        .filter_map(token)
        .map(Cow::Borrowed);
    let together = secrets()
        .flat_map(|secret| keys::ALL.map(|keys| keys.together(&secret.data)))
        .flatten()
        .map(Cow::Owned);
    let offered: Vec<Cow<'_, str>> = tokens.chain(together).collect();
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
