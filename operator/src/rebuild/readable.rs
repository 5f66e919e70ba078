//! Readable: in which format is published, and what becomes of a leader that cannot read what is published.

use std::borrow::Cow;

use fairlead_compile::{Compiled, InForce, Verdict};
use fairlead_snapshot::{FORMAT, OLDEST, Snapshot};
use tokio::time::Instant;

use super::{Leadership, Rebuild, RebuildError};
use crate::live::{Live, LiveError, Lost};

/// How many objects a message names.
const NAMED: usize = 3;

impl Rebuild {
    /// The highest format that may be written. While no gateway has said what it reads, they are taken to read what is live.
    pub(super) fn format(&self, led: &Leadership) -> u32 {
        let live = led.live.index.as_ref().map(|(index, _)| index.format);
        let reads = *self.reads.borrow();
        reads.or(live).unwrap_or(FORMAT).clamp(OLDEST, FORMAT)
    }

    /// The snapshot as every gateway can read it.
    pub(super) fn readable<'s>(
        &self,
        led: &Leadership,
        snapshot: &'s Snapshot,
    ) -> Cow<'s, Snapshot> {
        let format = self.format(led);
        let (readable, closed) = snapshot.readable_in(format);
        self.metrics
            .entries_closed
            .set(i64::try_from(closed).unwrap_or(i64::MAX));
        if closed > 0 {
            tracing::error!(
                format,
                closed,
                "some gateways are of the version before and do not know what these entries restrict, so nobody may use them; upgrade the gateways"
            );
        }
        readable
    }

    /// Whether an index of this format stays, with the same content.
    pub(super) fn keeps_format(led: &Leadership, readable: &Snapshot) -> bool {
        let live = led.live.index.as_ref();
        live.is_some_and(|(index, _)| index.format == readable.format)
    }

    /// Looks again at what could not be read.
    pub(super) async fn look_again(&self, led: &mut Leadership) -> Result<(), LiveError> {
        if led.live.lost.is_some() {
            let found = self.read_live().await?;
            led.damaged = found.snapshot.is_none();
            led.live = found.or(&led.live);
            // Nothing is taken away by what an index that could not be read seemed to name.
            self.look(led).await?;
        }
        Ok(())
    }

    /// Refuses to go on where publishing would forget what is published and cannot be read, and tells what can be told all the same.
    pub(super) fn hold(&self, led: &Leadership, compiled: &Compiled) -> Result<(), RebuildError> {
        let verdicts = &compiled.verdicts;
        let lost = led.live.lost.as_ref();
        let held = lost.and_then(|lost| held(lost, verdicts));
        self.tell_held(held.clone());
        let Some(held) = held else { return Ok(()) };
        let before = led.live.snapshot.as_deref();
        // What is to come is told with a generation that no gateway enforces.
        let mut ledger = led.ledger.clone();
        let next = led.live.generation + 1;
        ledger.note(before, &compiled.snapshot, verdicts, next, Instant::now());
        // Of what is not acceptable now, the last accepted version is in force if there was one: nobody knows.
        let told = verdicts
            .iter()
            .filter(|verdict| before.is_some() || verdict.in_force == InForce::This);
        self.report(ledger, told.cloned().collect(), &compiled.snapshot);
        Err(RebuildError::Held(held.text))
    }

    /// What a replica that does not lead says: one that could not read what is published cannot take over until it can.
    pub(super) async fn rest(&self) {
        let newer = self.held.borrow().as_ref().is_some_and(|held| held.newer);
        if !newer {
            return self.tell_held(None);
        }
        if let Ok(found) = self.read_live().await
            && !found.lost.is_some_and(|lost| lost.is_newer())
        {
            self.tell_held(None);
        }
    }

    fn tell_held(&self, held: Option<Held>) {
        self.metrics.held.set(i64::from(held.is_some()));
        self.held.send_if_modified(|old| {
            let changed = *old != held;
            *old = held;
            changed
        });
    }

    async fn read_live(&self) -> Result<Live, LiveError> {
        let publisher = &self.publisher;
        Live::read(
            &publisher.client,
            &publisher.namespace,
            &publisher.gateway_name,
        )
        .await
    }
}

/// Why nothing is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// In words.
    pub text: String,
    /// A newer version could go on, so it is not to be kept from leading.
    pub newer: bool,
}

/// Why nothing may be published, if so. Where only a shard is lost and every object is good as it is, nothing depended on what was in it.
fn held(lost: &Lost, verdicts: &[Verdict]) -> Option<Held> {
    let bad: Vec<String> = verdicts
        .iter()
        .filter(|verdict| !verdict.is_good())
        .map(|verdict| format!("{} {}", verdict.kind, verdict.name))
        .collect();
    if matches!(lost, Lost::Shard(_)) && bad.is_empty() {
        return None;
    }
    let newer = lost.is_newer();
    let more = match bad.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = if bad.is_empty() {
        String::new()
    } else {
        let bad: Vec<String> = bad.into_iter().take(NAMED).collect();
        format!(", of {}{more} among others", bad.join(", "))
    };
    let text = format!(
        "{lost}, or delete the index to publish without the last accepted versions that are in it{named}; what is published stays in force until then"
    );
    Some(Held { text, newer })
}
