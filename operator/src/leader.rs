//! Leader election over a Lease: every replica watches, one writes.
//!
//! The algorithm of client-go's `leaderelection`: a record that has not changed for the lease's length, by this process's own clock, may be
//! taken over, so clocks of nodes need not agree. Each write carries the resourceVersion it replaces, so of two contenders one wins. A
//! leader that cannot renew stops leading before anyone else may begin; should it still be writing then, the index is fenced by its
//! own resourceVersion.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Chain;

/// One contender.
pub(crate) struct Contender {
    api: Api<Lease>,
    name: String,
    identity: String,
    length: Duration,
    seen: Option<Seen>,
    renewed: Option<Instant>,
}

/// The record as it was seen last, and since when it has looked like that.
struct Seen {
    spec: LeaseSpec,
    since: Instant,
}

/// What a look at the lease calls for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Write our name into it.
    Take,
    /// Someone else leads.
    Wait,
}

impl Contender {
    /// A contender that calls itself `identity`.
    #[must_use]
    pub(crate) fn new(
        client: Client,
        namespace: &str,
        name: String,
        identity: String,
        length: Duration,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name,
            identity,
            length,
            seen: None,
            renewed: None,
        }
    }

    /// Contends until `stop` is set, then gives the lease up so that another need not wait for it to run out.
    pub(crate) async fn run(
        mut self,
        leading: watch::Sender<bool>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut tick = tokio::time::interval(self.retry());
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            let asked = Instant::now();
            // A request that hangs must not keep us from noticing that our time is over.
            let outcome = tokio::time::timeout(self.retry() * 2, self.contend()).await;
            match outcome {
                Ok(Ok(true)) => self.renewed = Some(asked),
                Ok(Ok(false)) => self.renewed = None,
                Ok(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), "cannot renew or read the lease");
                }
                Err(_) => tracing::warn!("the lease was not answered in time"),
            }
            let leads = self
                .renewed
                .is_some_and(|renewed| renewed.elapsed() < self.deadline());
            let changed = leading.send_if_modified(|now| std::mem::replace(now, leads) != leads);
            if changed {
                tracing::info!(identity = self.identity, leads, "leadership changed");
            }
        }
        if self.renewed.is_some() {
            leading.send_replace(false);
            if let Err(error) = self.give_up().await {
                tracing::warn!(error = %Chain(&error), "the lease is left to run out");
            }
        }
    }

    /// How often the lease is renewed, or looked at.
    fn retry(&self) -> Duration {
        self.length / 7
    }

    /// After this long without a renewal nothing is written any more: earlier than anyone else may take over.
    fn deadline(&self) -> Duration {
        self.length * 2 / 3
    }

    /// One look, and a write where it is ours to write. Whether we hold the lease.
    async fn contend(&mut self) -> kube::Result<bool> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let lease = self.record(None);
            return won(self.api.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        match self.step(&spec, Instant::now()) {
            Step::Wait => Ok(false),
            Step::Take => {
                let fresh = self.record(Some(&lease));
                won(self
                    .api
                    .replace(&self.name, &PostParams::default(), &fresh)
                    .await)
            }
        }
    }

    fn step(&mut self, spec: &LeaseSpec, now: Instant) -> Step {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return Step::Take;
        }
        match &self.seen {
            Some(seen) if seen.spec == *spec => {
                // The holder's own length counts: it may have been started with another one.
                let length = spec
                    .lease_duration_seconds
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map_or(self.length, Duration::from_secs);
                if now.duration_since(seen.since) > length {
                    return Step::Take;
                }
            }
            _ => {
                self.seen = Some(Seen {
                    spec: spec.clone(),
                    since: now,
                });
            }
        }
        Step::Wait
    }

    fn record(&self, old: Option<&Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let before = old.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let ours = before.holder_identity.as_deref() == Some(self.identity.as_str());
        let transitions = before.lease_transitions.unwrap_or_default();
        Lease {
            metadata: old.map_or_else(
                || ObjectMeta {
                    name: Some(self.name.clone()),
                    ..ObjectMeta::default()
                },
                |lease| lease.metadata.clone(),
            ),
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.length.as_secs()).ok(),
                acquire_time: if ours {
                    before.acquire_time
                } else {
                    Some(now.clone())
                },
                renew_time: Some(now),
                lease_transitions: Some(if ours || old.is_none() {
                    transitions
                } else {
                    transitions + 1
                }),
                ..LeaseSpec::default()
            }),
        }
    }

    async fn give_up(&self) -> kube::Result<()> {
        let mut lease = self.api.get(&self.name).await?;
        if let Some(spec) = &mut lease.spec
            && spec.holder_identity.as_deref() == Some(self.identity.as_str())
        {
            spec.holder_identity = Some(String::new());
            self.api
                .replace(&self.name, &PostParams::default(), &lease)
                .await?;
        }
        Ok(())
    }
}

/// A conflict means that another contender was faster.
fn won(outcome: kube::Result<Lease>) -> kube::Result<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender() -> Contender {
        let config = kube::Config::new(http::Uri::from_static("http://127.0.0.1:1"));
        let client = Client::try_from(config).unwrap();
        Contender::new(
            client,
            "own",
            "lease".to_owned(),
            "me".to_owned(),
            Duration::from_secs(15),
        )
    }

    fn held_by(holder: &str, second: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(Timestamp::from_second(second).unwrap())),
            ..LeaseSpec::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn takes_a_lease_that_nobody_holds_or_that_it_holds_itself() {
        let mut contender = contender();
        assert_eq!(
            contender.step(&LeaseSpec::default(), Instant::now()),
            Step::Take
        );
        assert_eq!(contender.step(&held_by("", 1), Instant::now()), Step::Take);
        assert_eq!(
            contender.step(&held_by("me", 1), Instant::now()),
            Step::Take
        );
    }

    #[tokio::test(start_paused = true)]
    async fn takes_over_only_what_was_not_renewed_for_its_whole_length_by_its_own_clock() {
        let mut contender = contender();
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(contender.step(&held_by("other", 1), at(0)), Step::Wait);
        assert_eq!(contender.step(&held_by("other", 1), at(15)), Step::Wait);
        assert_eq!(
            contender.step(&held_by("other", 2), at(16)),
            Step::Wait,
            "it was renewed"
        );
        assert_eq!(contender.step(&held_by("other", 2), at(31)), Step::Wait);
        assert_eq!(contender.step(&held_by("other", 2), at(32)), Step::Take);
    }

    #[tokio::test(start_paused = true)]
    async fn stops_leading_before_anyone_else_may_begin() {
        let contender = contender();
        assert!(contender.deadline() + contender.retry() * 2 < contender.length);
    }

    #[tokio::test(start_paused = true)]
    async fn a_takeover_is_counted_and_a_renewal_is_not() {
        let contender = contender();
        let lease = |spec| Lease {
            spec: Some(spec),
            ..Lease::default()
        };
        let transitions = |lease: &Lease| {
            contender
                .record(Some(lease))
                .spec
                .unwrap()
                .lease_transitions
        };
        assert_eq!(transitions(&lease(held_by("other", 1))), Some(1));
        assert_eq!(transitions(&lease(held_by("me", 1))), Some(0));
    }
}
