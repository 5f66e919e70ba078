//! The gateways: which index each ready one enforces, and which formats each one reads, asked on its admin port.
//!
//! One that is not ready is asked too: it may wait for an index in a format that it can read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admin_client::{AdminClient, AskError, Endpoint};
use fairlead_snapshot::FORMATS;
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Chain;
use crate::metrics::Metrics;
use crate::watch::Watched;

/// How often a gateway is asked that does not enforce the live index yet.
const EAGER: Duration = Duration::from_millis(100);
/// How often it is asked once it has been behind for [`PATIENCE`].
const PATIENT: Duration = Duration::from_secs(1);
/// How often gateways are asked that are where they should be.
const CALM: Duration = Duration::from_secs(10);
/// How long being behind is nothing special.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is known of a ready gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Replica {
    /// Its pod.
    pub pod: String,
    /// The generation of the index it enforces; `None`: it has not said so yet.
    pub enforces: Option<u64>,
    /// The highest format that both it and this operator know; `None`: it has not said which it reads.
    pub format: Option<u32>,
    /// Whether it reads the token of its admin port from the Secret that has nothing else.
    pub reads_admin_secret: bool,
    /// Since when it is known to keep its counters to itself; `None`: it shares a store, or has not said so.
    pub alone_since: Option<Instant>,
    /// Since when it cannot be asked; `None`: the last answer was good, or it was not asked yet.
    pub unreachable_since: Option<Instant>,
}

/// The ready gateways.
pub(crate) type Replicas = Arc<Vec<Replica>>;

/// What a gateway says on its admin port.
#[derive(Debug, Deserialize)]
struct Answer {
    generation: u64,
    #[serde(default)]
    formats: Vec<u32>,
    #[serde(default, rename = "readsAdminSecret")]
    reads_admin_secret: bool,
    #[serde(default, rename = "countsAlone")]
    counts_alone: bool,
}

/// Asks the gateways, as long as this replica leads.
pub(crate) struct Asker {
    gateways: AdminClient,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    known: BTreeMap<Endpoint, Known>,
}

/// A gateway, and whether it is ready.
struct Known {
    replica: Replica,
    ready: bool,
}

/// Where what the gateways say is told.
pub(crate) struct Told {
    /// The ready ones.
    pub replicas: watch::Sender<Replicas>,
    /// The highest format that all that have said so can read, ready or not; `None`: none has.
    pub reads: watch::Sender<Option<u32>>,
}

impl Asker {
    /// An asker that knows nobody.
    pub(crate) fn new(
        gateways: AdminClient,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            gateways,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            known: BTreeMap::new(),
        }
    }

    /// Asks for ever. `live`: the generation of the live index, 0 while this replica does not lead.
    pub(crate) async fn run(mut self, mut live: watch::Receiver<u64>, told: Told) {
        let mut behind_since = Instant::now();
        loop {
            let generation = *live.borrow_and_update();
            let mut pause = CALM;
            if generation > 0 {
                self.ask_all().await;
                let ready = self.known.values().filter(|known| known.ready);
                let replicas: Vec<Replica> = ready.map(|known| known.replica.clone()).collect();
                let current = replicas
                    .iter()
                    .filter(|replica| replica.enforces >= Some(generation))
                    .count();
                self.metrics
                    .replicas
                    .set(i64::try_from(replicas.len()).unwrap_or(i64::MAX));
                self.metrics
                    .replicas_current
                    .set(i64::try_from(current).unwrap_or(i64::MAX));
                if current < replicas.len() {
                    pause = if behind_since.elapsed() < PATIENCE {
                        EAGER
                    } else {
                        PATIENT
                    };
                } else {
                    behind_since = Instant::now();
                    if self
                        .known
                        .values()
                        .any(|known| known.replica.format.is_none())
                    {
                        pause = PATIENT;
                    }
                }
                self.tell(&told, replicas);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = live.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    behind_since = Instant::now();
                }
                () = self.watched.endpoints_changed.notified() => behind_since = Instant::now(),
            }
        }
    }

    fn tell(&self, told: &Told, replicas: Vec<Replica>) {
        let reads = highest(self.known.values().map(|known| &known.replica));
        told.reads
            .send_if_modified(|old| std::mem::replace(old, reads) != reads);
        told.replicas.send_if_modified(|old| {
            let changed = **old != replicas;
            if changed {
                *old = Arc::new(replicas);
            }
            changed
        });
    }

    async fn ask_all(&mut self) {
        self.gateways.prepare().await;
        let slices = self.watched.endpoints.items();
        let there: BTreeMap<Endpoint, bool> = slices
            .iter()
            .flat_map(|(_, endpoints)| (**endpoints).clone())
            .collect();
        self.known
            .retain(|endpoint, _| there.contains_key(endpoint));
        let answers = join_all(
            there
                .keys()
                .map(|endpoint| self.gateways.ask(endpoint, "/config")),
        )
        .await;
        for ((endpoint, ready), answer) in there.into_iter().zip(answers) {
            self.note(endpoint, ready, answer);
        }
    }

    fn note(&mut self, endpoint: Endpoint, ready: bool, answer: Result<Answer, AskError>) {
        let pod = endpoint.pod.clone();
        let known = self.known.entry(endpoint).or_insert_with(|| Known {
            replica: Replica {
                pod,
                enforces: None,
                format: None,
                reads_admin_secret: false,
                alone_since: None,
                unreachable_since: None,
            },
            ready,
        });
        known.ready = ready;
        let replica = &mut known.replica;
        match answer {
            Ok(answer) => {
                replica.enforces = Some(answer.generation);
                replica.format = common(&answer.formats);
                replica.reads_admin_secret = answer.reads_admin_secret;
                let since = replica.alone_since.unwrap_or_else(Instant::now);
                replica.alone_since = answer.counts_alone.then_some(since);
                replica.unreachable_since = None;
            }
            Err(error) => {
                // One that is starting cannot be asked yet.
                if !ready {
                    replica.unreachable_since = None;
                } else if replica.unreachable_since.is_none() {
                    tracing::warn!(pod = replica.pod, error = %Chain(&error), "a gateway cannot be asked what it enforces");
                    replica.unreachable_since = Some(Instant::now());
                }
            }
        }
    }
}

/// The highest of these formats that this operator writes.
fn common(formats: &[u32]) -> Option<u32> {
    let written = formats.iter().filter(|format| FORMATS.contains(format));
    written.max().copied()
}

/// The highest format that all of these read who have said so. One that has never answered holds nobody back: whatever it cannot read, it
/// keeps what it has.
fn highest<'r>(replicas: impl Iterator<Item = &'r Replica>) -> Option<u32> {
    replicas.filter_map(|replica| replica.format).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(formats: &[u32]) -> Replica {
        Replica {
            pod: String::new(),
            enforces: None,
            format: common(formats),
            reads_admin_secret: true,
            alone_since: None,
            unreachable_since: None,
        }
    }

    #[test]
    fn what_is_written_is_the_highest_format_that_every_gateway_reads() {
        let of = |all: &[&[u32]]| {
            let replicas: Vec<Replica> = all.iter().map(|formats| replica(formats)).collect();
            highest(replicas.iter())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[&[1, 2], &[1, 2]]), Some(2));
        assert_eq!(of(&[&[1, 2], &[1]]), Some(1), "one of the version before");
        assert_eq!(of(&[&[1, 2], &[2, 3]]), Some(2), "one of the version after");
        assert_eq!(
            of(&[&[1, 2], &[]]),
            Some(2),
            "one that has not said anything"
        );
        assert_eq!(of(&[&[]]), None);
    }
}
