//! Keeps the token of a source in hand.
//!
//! A [`Refresher`] fetches, one call at a time, ahead of what it knows will expire; a [`Keeper`] hands out what is in hand, for one atomic load.
//! Nobody waits for a call but who comes before the first token. A token server that is out harms nobody as long as the token in hand is good:
//! it is used to its last second, and asked for again with growing pauses. After that, or if there never was one, who asks is told at
//! once what the last call failed of, so that another provider can be tried.

pub(crate) mod pace;
mod refresher;

pub use refresher::Refresher;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};

use crate::{Problem, Source, Token, World};

/// Hands out the token of a source. Cloning shares it; when the last one is dropped, its [`Refresher`] ends.
#[derive(Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
    /// Wakes the refresher; closed when nobody keeps it any more.
    nudge: mpsc::Sender<()>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// None was ever had.
    #[error("no token could be had yet: {0}")]
    Never(Arc<Problem>),
    /// The last one is not good any more.
    #[error("the last token has expired and no new one could be had: {0}")]
    Expired(Arc<Problem>),
    /// The refresher does not run (any more): the process is going down.
    #[error("tokens are not fetched any more; this process is stopping")]
    Stopped,
}

/// How a keeper does, for a status or a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether there is a good token.
    pub ready: bool,
    /// When it expires, if it does.
    pub expires: Option<SystemTime>,
    /// What the last call failed of, if it did.
    pub problem: Option<Arc<Problem>>,
}

/// What keepers and their refresher share.
struct Shared {
    label: Arc<str>,
    source: Source,
    world: World,
    held: ArcSwap<Held>,
    /// Whether the provider has refused the token in hand.
    rejected: AtomicBool,
    /// How often `held` has changed.
    changes: watch::Sender<u64>,
}

/// What is in hand.
#[derive(Debug, Clone, Default)]
struct Held {
    token: Option<Arc<Token>>,
    /// What the last call failed of, if it did.
    problem: Option<Arc<Problem>>,
}

impl Keeper {
    /// A keeper, and what fetches for it: [`Refresher::run`] must be spawned. `label` names the credential in logs.
    #[must_use]
    pub fn new(label: impl Into<Arc<str>>, source: Source, world: World) -> (Self, Refresher) {
        let (nudge, nudges) = mpsc::channel(1);
        let held = Held {
            token: source.fixed().map(Arc::new),
            problem: None,
        };
        let shared = Arc::new(Shared {
            label: label.into(),
            source,
            world,
            held: ArcSwap::from_pointee(held),
            rejected: AtomicBool::new(false),
            changes: watch::Sender::new(0),
        });
        let refresher = Refresher::new(Arc::clone(&shared), nudges);
        (Self { shared, nudge }, refresher)
    }

    /// Where its tokens come from. A keeper of an equal source may be carried over to a new configuration.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.shared.source
    }

    /// The token in hand, if it is good.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Token>> {
        let held = self.shared.held.load();
        let token = held.token.as_ref()?;
        self.shared.is_good(token).then(|| Arc::clone(token))
    }

    /// A good token. Waits only as long as nothing is known yet: for the first call, or one that a leap of the clock made necessary. It ends, for
    /// calls do; who has less patience sets a deadline and drops this.
    ///
    /// # Errors
    /// There is none, and the last call has failed.
    pub async fn token(&self) -> Result<Arc<Token>, NoToken> {
        if let Some(token) = self.current() {
            return Ok(token);
        }
        // Before the look, so that no change between the two is missed.
        let mut changes = self.shared.changes.subscribe();
        loop {
            let held = self.shared.held.load_full();
            match (&held.token, &held.problem) {
                (Some(token), _) if self.shared.is_good(token) => return Ok(Arc::clone(token)),
                (Some(_), Some(problem)) => return Err(NoToken::Expired(Arc::clone(problem))),
                (None, Some(problem)) => return Err(NoToken::Never(Arc::clone(problem))),
                (_, None) => self.wake(),
            }
            tokio::select! {
                changed = changes.changed() => changed.map_err(|_| NoToken::Stopped)?,
                () = self.nudge.closed() => return Err(NoToken::Stopped),
            }
        }
    }

    /// The provider did not accept the token: it may have been revoked, and a new one is fetched, soon but not more than once a minute.
    /// Until then it is still handed out, for the provider may be wrong. Of no effect for a token that is not in hand any more.
    pub fn rejected(&self, token: &Arc<Token>) {
        let held = self.shared.held.load();
        if held
            .token
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, token))
        {
            self.shared.rejected.store(true, Ordering::Relaxed);
            self.wake();
        }
    }

    /// How it does.
    #[must_use]
    pub fn status(&self) -> Status {
        let held = self.shared.held.load_full();
        let token = held.token.as_ref();
        Status {
            ready: token.is_some_and(|token| self.shared.is_good(token)),
            expires: token.and_then(|token| token.expires),
            problem: held.problem.clone(),
        }
    }

    fn wake(&self) {
        // One that waits already does for both; a closed one is noticed where it matters.
        let _ = self.nudge.try_send(());
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("label", &self.shared.label)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn is_good(&self, token: &Token) -> bool {
        // One that does not expire needs no look at the clock.
        token.expires.is_none() || token.left(self.world.clock.now()).is_some()
    }

    fn hold(&self, held: Held) {
        self.held.store(Arc::new(held));
        self.changes
            .send_modify(|changes| *changes = changes.wrapping_add(1));
    }
}
