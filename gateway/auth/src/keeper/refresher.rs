//! The one who fetches: one call at a time, so that however many wait, the server is asked once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pace::{self, Trouble};
use super::{Held, Shared};
use crate::{Problem, Token};

/// Timers do not run while a machine sleeps, and clocks are set: the wall's is looked at this often.
const LOOK: Duration = Duration::from_secs(60);
/// A provider that refuses every token has no new one fetched more often.
const BETWEEN_REJECTIONS: Duration = Duration::from_secs(60);

/// Fetches for a [`Keeper`](super::Keeper).
pub struct Refresher {
    shared: Arc<Shared>,
    nudges: mpsc::Receiver<()>,
    /// Failures in a row.
    failures: u32,
    /// When the last token came.
    fetched: Option<Instant>,
}

/// What to do next.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// Fetch after a pause, or when it becomes necessary before.
    Rested(Duration),
    /// Fetch after a pause, whatever happens.
    After(Duration),
    /// Nothing is to be fetched.
    Never,
}

impl Refresher {
    pub(super) fn new(shared: Arc<Shared>, nudges: mpsc::Receiver<()>) -> Self {
        Self {
            shared,
            nudges,
            failures: 0,
            fetched: None,
        }
    }

    /// Fetches until the last keeper is dropped. To be spawned: if it is dropped before, keepers hand out what they have until it expires.
    pub async fn run(mut self) {
        if self.shared.source.fixed().is_some() {
            return self.until_closed().await;
        }
        loop {
            let shared = Arc::clone(&self.shared);
            let fetch = shared.source.fetch(&shared.world);
            let fetched = tokio::select! {
                fetched = fetch => fetched,
                () = self.until_closed() => return,
            };
            let next = match fetched.and_then(|token| self.good(token)) {
                Ok((token, left)) => self.succeeded(token, left),
                Err(problem) => self.failed(problem),
            };
            let stays = match next {
                Next::Rested(pause) => self.rest(pause).await,
                Next::After(pause) => self.pause(pause).await,
                Next::Never => return self.until_closed().await,
            };
            if !stays {
                return;
            }
        }
    }

    /// A token that is good now, and for how long.
    fn good(&self, token: Token) -> Result<(Token, Duration), Problem> {
        let left = token.left(self.shared.world.clock.now());
        let left = left.ok_or(Problem::Stale)?;
        Ok((token, left))
    }

    fn succeeded(&mut self, token: Token, left: Duration) -> Next {
        let label = &self.shared.label;
        if self.failures > 0 {
            tracing::info!(credential = %label, "tokens can be had again");
        }
        self.failures = 0;
        self.fetched = Some(Instant::now());
        // The refusal was of the one before.
        self.shared.rejected.store(false, Ordering::Relaxed);
        let pause = pace::refresh_in(left, (self.shared.world.random)());
        let expires = token.expires.is_some();
        self.shared.hold(Held {
            token: Some(Arc::new(token)),
            problem: None,
        });
        if expires {
            Next::Rested(pause)
        } else {
            Next::Never
        }
    }

    fn failed(&mut self, problem: Problem) -> Next {
        let shared = &self.shared;
        self.failures = self.failures.saturating_add(1);
        let token = shared.held.load().token.clone();
        let now = shared.world.clock.now();
        let left = token.as_ref().and_then(|token| token.left(now));
        let trouble = Trouble {
            failures: self.failures,
            transient: problem.is_transient(),
            in_hand: left.is_some(),
            asked: problem.retry_after(),
        };
        let pause = pace::retry_in(trouble, (shared.world.random)());
        tracing::warn!(
            credential = %shared.label, %problem, failures = self.failures,
            good_for_seconds = left.map_or(0, |left| left.as_secs()),
            "a new token could not be fetched; the one in hand, if any, is used until it expires"
        );
        shared.hold(Held {
            token,
            problem: Some(Arc::new(problem)),
        });
        Next::After(pause)
    }

    /// Rests for a time, which ends before the token does, or until it was refused. `false`: nobody needs one any more.
    async fn rest(&mut self, pause: Duration) -> bool {
        // By both clocks: the wall's may be set back, and the other stands still while the machine sleeps.
        let mut due = Instant::now() + pause;
        let due_by_wall = self.shared.world.clock.now().checked_add(pause);
        loop {
            let now = self.shared.world.clock.now();
            if self.shared.rejected.load(Ordering::Relaxed) {
                due = due.min(Instant::now() + self.rejection_rests());
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || due_by_wall.is_some_and(|due| due <= now) {
                return true;
            }
            tokio::select! {
                nudge = self.nudges.recv() => if nudge.is_none() { return false },
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }

    /// How long a refused token must still be borne with.
    fn rejection_rests(&self) -> Duration {
        let since = self.fetched.map_or(Duration::MAX, |at| at.elapsed());
        BETWEEN_REJECTIONS.saturating_sub(since)
    }

    /// Rests after a failure, whoever asks meanwhile. `false`: nobody needs a token any more.
    async fn pause(&mut self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.until_closed() => false,
        }
    }

    /// Resolves when the last keeper is dropped.
    async fn until_closed(&mut self) {
        while self.nudges.recv().await.is_some() {}
    }
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher")
            .field("label", &self.shared.label)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
