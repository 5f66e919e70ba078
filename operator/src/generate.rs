//! Generated virtual keys: a random value in a Secret of its own, created once, and written again only to rotate it.
//!
//! Secrets are created, never applied: one that is there already and was not made for the key is a conflict, whoever wrote it. A refusal to
//! create says only that there is one; whose it is, its metadata says, for the watch may not have shown yet what this operator made itself.
//! Nothing of the key's labels and annotations is copied, or tools that track objects by label would take the Secret for theirs and delete it.

pub(crate) mod rotate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::WantedKey;
use fairlead_crds::{ROTATE_ANNOTATION, SECRET_LABEL, SECRET_VIRTUAL_KEY};
use fairlead_process::{NoRandomness, random_value};
use fairlead_snapshot::ObjectName;
use futures_util::{StreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Api, Client};
use tokio::time::Instant;

use crate::error::Chain;
use crate::watch::Watched;
use crate::watch::resource::Resource;

/// How many Secrets are created at a time.
const AT_A_TIME: usize = 16;
/// How many are made in one round: a namespace that asks for thousands is not to keep everybody's edits waiting.
const A_ROUND: usize = 64;
/// After this long, a key that could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// How long the watch may take to show a Secret that is known to be there, before it is asked for again.
const SHOWN: Duration = Duration::from_secs(5);

/// Makes Secrets and tells of it.
pub(crate) struct Maker {
    client: Client,
    recorder: Recorder,
}

/// What is remembered of the keys that are made, for as long as this replica leads.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Secrets of somebody else that are in the way of a key, by their names.
    taken: BTreeMap<ObjectName, WantedKey>,
    /// Secrets of ours that the watch has yet to show, and since when they are there.
    made: BTreeMap<ObjectName, Instant>,
    /// Secrets that could not be made, and when that was.
    failed: BTreeMap<ObjectName, Instant>,
    /// Keys whose Secret was deleted, and who have no other yet.
    lost: BTreeSet<ObjectName>,
}

/// Whose a Secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The key's: made for it.
    Key,
    /// Somebody else's.
    Other,
    /// There is no such Secret.
    Nobody,
}

impl Keys {
    /// The Secrets that are in the way of generated keys.
    #[must_use]
    pub(crate) fn taken(&self) -> BTreeSet<ObjectName> {
        self.taken.keys().cloned().collect()
    }

    /// Makes some of what is wanted; the watches will show it. With `again` it is looked whether names that were taken are free by now. Whether there
    /// is something to do at once: names are taken that were not, or free that were, so that the verdicts on keys are others, or there is more to
    /// make.
    pub(crate) async fn generate(
        &mut self,
        maker: &Maker,
        watched: &Watched,
        wanted: &[WantedKey],
        again: bool,
    ) -> bool {
        let before = self.taken();
        if again {
            self.look_again(maker, watched).await;
        }
        let (missing, more) = self.next(watched, wanted);
        let lost = &self.lost;
        let make: Vec<_> = missing
            .iter()
            .map(|(wanted, key)| async move {
                let owner = maker.make(wanted, key, lost.contains(&wanted.key)).await;
                (*wanted, owner)
            })
            .collect();
        let made: Vec<_> = stream::iter(make)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for (wanted, owner) in made {
            match owner {
                Some(Owner::Key) => {
                    self.lost.remove(&wanted.key);
                    self.made.insert(wanted.secret.clone(), Instant::now());
                }
                Some(Owner::Other) => {
                    self.taken.insert(wanted.secret.clone(), wanted.clone());
                }
                // It went meanwhile.
                Some(Owner::Nobody) => {}
                None => {
                    self.failed.insert(wanted.secret.clone(), Instant::now());
                }
            }
        }
        more || self.taken() != before
    }

    /// What is made in this round: of each namespace the first, then of each the second, and so on; and whether there is more. Without what was made
    /// or failed a moment ago.
    fn next<'w>(
        &mut self,
        watched: &Watched,
        wanted: &'w [WantedKey],
    ) -> (Vec<(&'w WantedKey, Arc<Resource>)>, bool) {
        let keys: BTreeSet<&ObjectName> = wanted.iter().map(|wanted| &wanted.key).collect();
        let secrets: BTreeSet<&ObjectName> = wanted.iter().map(|wanted| &wanted.secret).collect();
        self.made
            .retain(|secret, since| secrets.contains(secret) && since.elapsed() < SHOWN);
        self.failed
            .retain(|secret, since| secrets.contains(secret) && since.elapsed() < AGAIN);
        self.lost.retain(|key| keys.contains(key));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut missing = Vec::new();
        for wanted in wanted {
            let Some(key) = watched.resource("VirtualKey", &wanted.key) else {
                continue;
            };
            if had_a_value(&key, &wanted.secret.name) {
                self.lost.insert(wanted.key.clone());
            }
            let secret = &wanted.secret;
            if !self.made.contains_key(secret) && !self.failed.contains_key(secret) {
                let rank = counts.entry(&secret.namespace).or_default();
                *rank += 1;
                missing.push((*rank, wanted, key));
            }
        }
        missing.sort_by_key(|(rank, _, _)| *rank);
        let more = missing.len() > A_ROUND;
        missing.truncate(A_ROUND);
        let missing = missing.into_iter().map(|(_, wanted, key)| (wanted, key));
        (missing.collect(), more)
    }

    /// Forgets the names that are not taken any more.
    async fn look_again(&mut self, maker: &Maker, watched: &Watched) {
        let look: Vec<_> = self
            .taken
            .values()
            .map(|wanted| async move {
                let key = watched.resource("VirtualKey", &wanted.key);
                let free = match key {
                    // Nobody asks for the name any more.
                    None => true,
                    Some(key) => match maker.owner(wanted, &key).await {
                        Ok(owner) => owner != Owner::Other,
                        Err(_) => false,
                    },
                };
                free.then(|| wanted.secret.clone())
            })
            .collect();
        let free: Vec<_> = stream::iter(look)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for secret in free.into_iter().flatten() {
            self.taken.remove(&secret);
        }
    }
}

/// Whether the status of a key says that it had a value of its own in this Secret.
fn had_a_value(key: &Resource, secret: &str) -> bool {
    let told = &key.status["key"];
    told["hint"].is_string() && told["secretName"] == secret
}

impl Maker {
    /// One that speaks to the API server as `recorder` does.
    #[must_use]
    pub(crate) fn new(client: &Client, recorder: Recorder) -> Self {
        Self {
            client: client.clone(),
            recorder,
        }
    }

    /// Makes one key. Returns whose the Secret is then; `None`: that is not known.
    async fn make(&self, wanted: &WantedKey, key: &Resource, replaces: bool) -> Option<Owner> {
        let Ok(secret) = secret(wanted, key) else {
            tracing::error!(key = %wanted.key, "the system gives no random numbers; no key was made");
            return None;
        };
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &wanted.secret.namespace);
        let failed = match api.create(&PostParams::default(), &secret).await {
            Ok(_) => {
                tracing::info!(key = %wanted.key, secret = %wanted.secret, "made a key");
                if replaces {
                    self.tell_of_another(wanted, key).await;
                }
                return Some(Owner::Key);
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {
                match self.owner(wanted, key).await {
                    Ok(owner) => return Some(owner),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        tracing::error!(key = %wanted.key, secret = %wanted.secret, error = %Chain(&failed), "cannot create the Secret of a key");
        None
    }

    /// Whose the Secret of this name is. It is listed by its name and without its values: what somebody else keeps in it is none of ours.
    async fn owner(&self, wanted: &WantedKey, key: &Resource) -> kube::Result<Owner> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &wanted.secret.namespace);
        let named = ListParams::default().fields(&format!("metadata.name={}", wanted.secret.name));
        let found = api.list_metadata(&named).await?;
        let found = found.items.first();
        Ok(found.map_or(Owner::Nobody, |found| owner(&found.metadata, &key.uid)))
    }

    /// An event that is lost is no loss for the key; its hint has changed as well.
    async fn tell_of_another(&self, wanted: &WantedKey, key: &Resource) {
        let event = Event {
            type_: EventType::Warning,
            reason: "ValueReplaced".to_owned(),
            note: Some(format!(
                "the Secret {} was deleted, so the key has a new value; whoever still sends the old one is refused",
                wanted.secret.name
            )),
            action: "Generate".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &key.reference).await {
            tracing::warn!(key = %wanted.key, error = %Chain(&error), "an event was not written: the key has a new value");
        }
    }
}

/// Whose a Secret is, by what it says of itself. Without the label the watch never shows it, so it cannot be used.
fn owner(secret: &ObjectMeta, uid: &str) -> Owner {
    let mut owners = secret.owner_references.iter().flatten();
    let owned = owners.any(|owner| {
        owner.controller == Some(true) && owner.kind == "VirtualKey" && owner.uid == uid
    });
    let labels = secret.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(SECRET_LABEL));
    if owned && label.is_some_and(|label| label == SECRET_VIRTUAL_KEY) {
        Owner::Key
    } else {
        Owner::Other
    }
}

fn secret(wanted: &WantedKey, key: &Resource) -> Result<Secret, NoRandomness> {
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
            // A request to rotate the key that is there already is served by its first value.
            annotations: wanted
                .served
                .clone()
                .map(|served| BTreeMap::from([(ROTATE_ANNOTATION.to_owned(), served)])),
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
