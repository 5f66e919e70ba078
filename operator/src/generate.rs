//! Generated virtual keys: a random value in a Secret of its own, created once and never written again.
//!
//! Secrets are created, never applied: one that is there already and was not made for the key is a conflict, whoever wrote it. Nothing of the
//! key's labels and annotations is copied, or tools that track objects by label would take the Secret for theirs and delete it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairlead_compile::WantedKey;
use fairlead_crds::{SECRET_LABEL, SECRET_VIRTUAL_KEY};
use fairlead_snapshot::ObjectName;
use futures_util::{StreamExt as _, future, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::error::Chain;
use crate::watch::Watched;
use crate::watch::resource::Resource;

/// How many Secrets are created at a time: thousands of keys that come at once are not to hold up everything else.
const AT_A_TIME: usize = 16;

/// Makes what is wanted; the watches will show it. Returns the names that somebody else has.
pub async fn generate(
    client: &Client,
    watched: &Watched,
    wanted: &[WantedKey],
) -> BTreeSet<ObjectName> {
    let made: Vec<_> = wanted
        .iter()
        .map(|wanted| make(client, watched, wanted))
        .collect();
    stream::iter(made)
        .buffer_unordered(AT_A_TIME)
        .filter_map(future::ready)
        .collect()
        .await
}

/// Makes one key. Returns the Secret's name if somebody else has it.
async fn make(client: &Client, watched: &Watched, wanted: &WantedKey) -> Option<ObjectName> {
    let key = watched.resource("VirtualKey", &wanted.key)?;
    let Ok(secret) = secret(wanted, &key) else {
        tracing::error!(key = %wanted.key, "the system gives no random numbers; no key was made");
        return None;
    };
    let api: Api<Secret> = Api::namespaced(client.clone(), &wanted.secret.namespace);
    match api.create(&PostParams::default(), &secret).await {
        Ok(_) => tracing::info!(key = %wanted.key, secret = %wanted.secret, "made a key"),
        Err(kube::Error::Api(status)) if status.code == 409 => return Some(wanted.secret.clone()),
        Err(error) => {
            tracing::error!(key = %wanted.key, secret = %wanted.secret, error = %Chain(&error), "cannot create the Secret of a key");
        }
    }
    None
}

fn secret(wanted: &WantedKey, key: &Resource) -> Result<Secret, getrandom::Error> {
    let owner = OwnerReference {
        api_version: key.reference.api_version.clone().unwrap_or_default(),
        kind: key.reference.kind.clone().unwrap_or_default(),
        name: wanted.key.name.clone(),
        uid: key.uid.clone(),
        controller: Some(true),
        // Asking for it would need the right to set finalizers on keys where that admission plugin runs.
        block_owner_deletion: None,
    };
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(wanted.secret.name.clone()),
            labels: Some(BTreeMap::from([(
                SECRET_LABEL.to_owned(),
                SECRET_VIRTUAL_KEY.to_owned(),
            )])),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(
            wanted.data_key.clone(),
            ByteString(random_value("sk-fairlead-")?.into_bytes()),
        )])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    })
}

/// 256 random bits, in letters that need no quoting anywhere.
///
/// # Errors
/// The system gives no random numbers.
pub fn random_value(prefix: &str) -> Result<String, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits)))
}
