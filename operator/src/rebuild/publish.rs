//! Publish: render what was compiled and apply it, if anything differs from what is live.

use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Verdict, audit};
use fairlead_process::log::AUDIT;
use fairlead_snapshot::{Credentials, Index, Publication, Snapshot};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Leadership, Rebuild, RebuildError};
use crate::apply::ApplyError;
use crate::live::Live;
use crate::report::ledger::Ledger;

/// So many lines of the audit are told at once, and then none for a moment.
const AT_ONCE: usize = 512;
const BREATH: Duration = Duration::from_millis(5);

impl Rebuild {
    /// Renders and applies, if anything differs from what is live.
    pub(super) async fn publish(
        &self,
        led: &mut Leadership,
        snapshot: &Arc<Snapshot>,
        credentials: &Credentials,
        verdicts: &[Verdict],
    ) -> Result<(), RebuildError> {
        let before = led.live.snapshot.clone();
        let now = Instant::now();
        let readable = self.readable(led, snapshot);
        let differs = before.as_deref() != Some(&**snapshot) || !Self::keeps_format(led, &readable);
        if led.damaged || differs {
            let readable = readable.into_owned();
            self.write(led, snapshot, readable, credentials).await?;
            let (generation, objects) = (led.live.generation, verdicts.len());
            tracing::info!(
                generation,
                shards_written = led.written,
                objects,
                "published"
            );
            audit(before.as_deref(), snapshot, generation).await;
        }
        let generation = led.live.generation;
        led.ledger
            .note(before.as_deref(), snapshot, verdicts, generation, now);
        self.metrics
            .generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.generation
            .send_if_modified(|live| std::mem::replace(live, generation) != generation);
        Ok(())
    }

    /// The ledger as it will be when this is published.
    pub(super) fn expected(
        &self,
        led: &Leadership,
        snapshot: &Snapshot,
        verdicts: &[Verdict],
    ) -> Ledger {
        let mut ledger = led.ledger.clone();
        let (before, now) = (led.live.snapshot.as_deref(), Instant::now());
        ledger.note(before, snapshot, verdicts, self.next_generation(led), now);
        ledger
    }

    async fn write(
        &self,
        led: &mut Leadership,
        snapshot: &Arc<Snapshot>,
        readable: Snapshot,
        credentials: &Credentials,
    ) -> Result<(), RebuildError> {
        let (live, generation) = (led.live.generation, self.next_generation(led));
        let previous = led.live.index.as_ref().map(|(index, _)| index.clone());
        let publication = render(readable, generation, previous).await?;
        self.publisher
            .keep(&mut led.vault, credentials, live)
            .await?;
        led.written = self
            .publisher
            .shards(&publication, &mut led.shards, live)
            .await?;
        let replaces = led.live.index.as_ref().map(|(_, version)| version.as_str());
        let version = self.publisher.index(&publication.index, replaces).await?;
        self.metrics
            .shards_written
            .inc_by(u64::try_from(led.written).unwrap_or_default());
        let now = Instant::now();
        let named = self.publisher.named(&publication.index);
        led.shards.published(named, generation, now);
        let ids = credentials.iter().map(|(id, _)| id.to_string()).collect();
        led.vault.things.published(ids, generation, now);
        led.live = Live {
            generation,
            index: Some((publication.index, version)),
            snapshot: Some(Arc::clone(snapshot)),
            lost: None,
        };
        led.damaged = false;
        Ok(())
    }

    /// Should the index have been deleted, the next one must not look older than what a gateway says it enforces.
    fn next_generation(&self, led: &Leadership) -> u64 {
        let replicas = self.replicas.borrow();
        let reported = replicas.iter().filter_map(|replica| replica.enforces);
        led.live.generation.max(reported.max().unwrap_or_default()) + 1
    }
}

/// Tells what took effect. A queue of lines takes no more than some thousands at once, so that many go a part at a time.
async fn audit(before: Option<&Snapshot>, after: &Snapshot, generation: u64) {
    let nothing = Snapshot::empty(&after.gateway_namespace);
    let before = before.unwrap_or(&nothing);
    let lines = audit::lines(before, after, generation, Timestamp::now());
    for (at, line) in lines.enumerate() {
        tracing::info!(target: AUDIT, "{line}");
        if at % AT_ONCE == AT_ONCE - 1 {
            tokio::time::sleep(BREATH).await;
        }
    }
}

async fn render(
    snapshot: Snapshot,
    generation: u64,
    previous: Option<Index>,
) -> Result<Publication, RebuildError> {
    let rendered =
        tokio::task::spawn_blocking(move || snapshot.publish(generation, previous.as_ref()));
    Ok(rendered.await?.map_err(ApplyError::Json)?)
}
