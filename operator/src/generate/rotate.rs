//! Rotation: the value of a generated key is replaced by another, and the one before is taken away when its time is over.
//!
//! Each step is one write of the key's Secret, with the version that was read: both values, until when the old one works and which request was
//! served stand in one object. It is done only if the Secret says what the compiler saw, so whoever comes late - a leader that was deposed, one that
//! was started anew, one that had no answer to its write - finds that there is nothing left to do.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{RotationState, RotationStep, WantedRotation};
use fairlead_crds::{SECRET_LABEL, SECRET_VIRTUAL_KEY};
use fairlead_process::{NoRandomness, random_value};
use fairlead_snapshot::ObjectName;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ListParams, PostParams};
use kube::runtime::events::{Event, EventType};
use tokio::time::Instant;

use super::{A_ROUND, AGAIN, AT_A_TIME, Maker, Owner, SHOWN, owner};
use crate::clock;
use crate::error::Chain;
use crate::watch::Watched;
use crate::watch::resource::{self, Resource};

/// What is remembered of rotations, for as long as this replica leads.
#[derive(Debug, Default)]
pub(crate) struct Rotations {
    /// What was tried last for each Secret, and until when the same is not tried again: the watch has yet to show it, or it failed.
    tried: BTreeMap<ObjectName, (WantedRotation, Instant)>,
}

/// A Secret that was not written.
#[derive(Debug, thiserror::Error)]
enum RotateError {
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error("the system gives no random numbers")]
    Random,
}

impl From<NoRandomness> for RotateError {
    fn from(_: NoRandomness) -> Self {
        Self::Random
    }
}

impl Rotations {
    /// Does some of what is wanted; the watches will show it. Whether there is more to do at once.
    pub(crate) async fn carry_out(
        &mut self,
        maker: &Maker,
        watched: &Watched,
        wanted: &[WantedRotation],
    ) -> bool {
        let (due, more) = self.next(watched, wanted);
        let steps: Vec<_> = due
            .into_iter()
            .map(|(wanted, key)| async move {
                let outcome = maker.rotate(wanted, &key).await;
                if outcome.is_err() {
                    maker.tell_of_failure(wanted, &key).await;
                }
                (wanted, outcome)
            })
            .collect();
        let done: Vec<_> = stream::iter(steps)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for (wanted, outcome) in done {
            let pause = match outcome {
                Ok(()) => SHOWN,
                Err(error) => {
                    tracing::error!(key = %wanted.key, secret = %wanted.secret, error = %Chain(&error), "cannot rotate a key; what there is of it goes on");
                    AGAIN
                }
            };
            let until = Instant::now() + pause;
            self.tried
                .insert(wanted.secret.clone(), (wanted.clone(), until));
        }
        more
    }

    /// What is done in this round: of each namespace the first, then of each the second, and so on; and whether there is more.
    fn next<'w>(
        &mut self,
        watched: &Watched,
        wanted: &'w [WantedRotation],
    ) -> (Vec<(&'w WantedRotation, Arc<Resource>)>, bool) {
        let now = Instant::now();
        self.tried.retain(|_, (_, until)| *until > now);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut due = Vec::new();
        for wanted in wanted {
            let tried = self.tried.get(&wanted.secret);
            let Some(key) = watched.resource("VirtualKey", &wanted.key) else {
                continue;
            };
            if tried.is_none_or(|(tried, _)| tried != wanted) {
                let rank = counts.entry(&wanted.secret.namespace).or_default();
                *rank += 1;
                due.push((*rank, wanted, key));
            }
        }
        due.sort_by_key(|(rank, _, _)| *rank);
        let more = due.len() > A_ROUND;
        due.truncate(A_ROUND);
        let due = due.into_iter().map(|(_, wanted, key)| (wanted, key));
        (due.collect(), more)
    }
}

impl Maker {
    /// Does one step, unless it was done or its Secret says something else by now.
    async fn rotate(&self, wanted: &WantedRotation, key: &Resource) -> Result<(), RotateError> {
        let name = &wanted.secret;
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &name.namespace);
        let named = ListParams::default()
            .fields(&format!("metadata.name={}", name.name))
            .labels(&format!("{SECRET_LABEL}={SECRET_VIRTUAL_KEY}"));
        let Some(mut secret) = api.list(&named).await?.items.pop() else {
            return Ok(());
        };
        let is_ours = owner(&secret.metadata, &key.uid) == Owner::Key
            && secret.metadata.deletion_timestamp.is_none();
        if !is_ours || resource::rotation(&secret.metadata) != wanted.seen {
            return Ok(());
        }
        let says = change(&mut secret, wanted, clock::unix_seconds())?;
        match api
            .replace(&name.name, &PostParams::default(), &secret)
            .await
        {
            Ok(_) if wanted.step == RotationStep::Forget => {
                tracing::info!(key = %wanted.key, secret = %name, "took away the value that a key had before");
            }
            Ok(_) => {
                tracing::info!(key = %wanted.key, secret = %name, "rotated a key");
                self.tell_of_rotation(wanted, key, says.previous_until)
                    .await;
            }
            // Somebody else was quicker: the watch will show what it says now.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn tell_of_rotation(&self, wanted: &WantedRotation, key: &Resource, until: Option<i64>) {
        let until = until.and_then(|until| Timestamp::from_second(until).ok());
        let before = match until {
            Some(until) => format!("the one before works until {until:.0}"),
            None => "the one before is refused".to_owned(),
        };
        let secret = &wanted.secret.name;
        let note = format!("the key has a new value in the Secret {secret}; {before}");
        self.tell(wanted, key, (EventType::Normal, "Rotated"), note)
            .await;
    }

    async fn tell_of_failure(&self, wanted: &WantedRotation, key: &Resource) {
        let secret = &wanted.secret.name;
        let note = format!(
            "the Secret {secret} could not be written to rotate the key; what it holds goes on, and it is tried again"
        );
        self.tell(wanted, key, (EventType::Warning, "RotationFailed"), note)
            .await;
    }

    /// An event that is lost is no loss for the key; its hint changes as well.
    async fn tell(
        &self,
        wanted: &WantedRotation,
        key: &Resource,
        (type_, reason): (EventType, &str),
        note: String,
    ) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Rotate".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &key.reference).await {
            tracing::warn!(key = %wanted.key, reason, error = %Chain(&error), "an event about the rotation of a key was not written");
        }
    }
}

/// Makes of a Secret what is wanted at `now`, seconds since 1970. Returns what it says then of its value.
fn change(
    secret: &mut Secret,
    wanted: &WantedRotation,
    now: i64,
) -> Result<RotationState, NoRandomness> {
    let data = secret.data.get_or_insert_default();
    let beside = wanted.previous_key();
    let mut says = wanted.seen.clone();
    data.remove(&beside);
    says.previous_until = None;
    if let RotationStep::Replace { served, overlap } = &wanted.step {
        let value = ByteString(random_value("sk-fairlead-")?.into_bytes());
        let present = data.insert(wanted.data_key.clone(), value);
        let overlap = i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX);
        if let Some(present) = present.filter(|_| overlap > 0) {
            data.insert(beside, present);
            says.previous_until = Some(now.saturating_add(overlap));
        }
        says.rotated_at = Some(now);
        says.served.clone_from(served);
    }
    let annotations = secret.metadata.annotations.get_or_insert_default();
    for (name, value) in says.annotations() {
        match value {
            Some(value) => annotations.insert(name.to_owned(), value),
            None => annotations.remove(name),
        };
    }
    Ok(says)
}
