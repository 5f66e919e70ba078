//! The one who fetches an issuer's keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{InHand, Shared};
use crate::keeper::pace::{self, Trouble};
use crate::{KeySet, Problem};

/// Keys are looked at this often, or up to a tenth sooner: a key that was withdrawn is good for no longer.
const EVERY: Duration = Duration::from_secs(300);
/// However many tokens name keys that are not there, an issuer is asked no more often.
const LEAST: Duration = Duration::from_secs(10);

/// Fetches for [`IssuerKeys`](super::IssuerKeys).
pub struct KeyRefresher {
    shared: Arc<Shared>,
    nudges: mpsc::Receiver<()>,
    /// Failures in a row.
    failures: u32,
    versions: u64,
}

impl KeyRefresher {
    pub(super) fn new(shared: Arc<Shared>, nudges: mpsc::Receiver<()>) -> Self {
        Self {
            shared,
            nudges,
            failures: 0,
            versions: 0,
        }
    }

    /// Fetches until the last that hands them out is dropped.
    pub async fn run(mut self) {
        loop {
            let asked = Instant::now();
            let shared = Arc::clone(&self.shared);
            let fetched = tokio::select! {
                fetched = shared.issuer.fetch(&shared.world) => fetched,
                () = self.until_closed() => return,
            };
            self.shared.met.store(true, Ordering::Relaxed);
            let stays = match fetched {
                Ok(keys) => {
                    self.succeeded(keys);
                    self.rest(asked).await
                }
                Err(problem) => {
                    let pause = self.failed(&problem);
                    self.pause(pause).await
                }
            };
            if !stays {
                return;
            }
        }
    }

    fn succeeded(&mut self, keys: KeySet) {
        if self.failures > 0 {
            tracing::info!(issuer = %self.shared.issuer.name, "the keys of the issuer can be had again");
        }
        self.failures = 0;
        let held = self.shared.held.load();
        if held.as_ref().is_some_and(|held| held.keys == keys) {
            return;
        }
        self.versions += 1;
        let version = self.versions;
        tracing::info!(issuer = %self.shared.issuer.name, keys = keys.len(), "the issuer has these keys");
        self.shared
            .held
            .store(Some(Arc::new(InHand { keys, version })));
    }

    fn failed(&mut self, problem: &Problem) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let in_hand = self.shared.held.load().is_some();
        tracing::warn!(
            issuer = %self.shared.issuer.name, %problem, failures = self.failures, in_hand,
            "the keys of the issuer could not be fetched; those in hand, if any, are used"
        );
        let trouble = Trouble {
            failures: self.failures,
            transient: problem.is_transient(),
            in_hand,
            asked: problem.retry_after(),
        };
        pace::retry_in(trouble, (self.shared.world.random)())
    }

    /// Rests until the next look, or until a key is missed. `false`: nobody needs them any more.
    async fn rest(&mut self, asked: Instant) -> bool {
        let early = pace::part(EVERY / 10, (self.shared.world.random)());
        tokio::select! {
            nudge = self.nudges.recv() => if nudge.is_none() { return false },
            () = tokio::time::sleep_until(asked + EVERY - early) => return true,
        }
        let soonest = asked + LEAST;
        self.pause(soonest.saturating_duration_since(Instant::now()))
            .await
    }

    /// Rests, whoever asks meanwhile. `false`: nobody needs them any more.
    async fn pause(&mut self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.until_closed() => false,
        }
    }

    /// Resolves when the last that hands them out is dropped.
    async fn until_closed(&mut self) {
        while self.nudges.recv().await.is_some() {}
    }
}

impl std::fmt::Debug for KeyRefresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRefresher")
            .field("issuer", &self.shared.issuer.name)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
