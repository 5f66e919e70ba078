//! What one core serves requests with. Nothing in it waits for another core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

#[cfg(feature = "console")]
use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, watch};

use crate::beside::Beside;
use crate::cors::Cors;
use crate::decisions::Decisions;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::observe::Observe;
use crate::observe::record::ActiveRequest;
use crate::observe::requests::Requests;
use crate::peer::TrustedProxies;
use crate::runtime::Live;
#[cfg(feature = "console")]
use crate::runtime::enforced::Enforced;
use crate::status::Status;
use crate::tasks::Tasks;
use crate::upstream::pool::Pool;

/// What all cores share.
pub(crate) struct Shared {
    /// The configuration in force.
    pub live: Live,
    /// What the console tells of the configuration, where there is one.
    #[cfg(feature = "console")]
    pub enforced: ArcSwapOption<Enforced>,
    /// Metrics and the access log.
    pub observe: Arc<Observe>,
    /// Where decisions are told.
    pub decisions: Arc<Decisions>,
    /// Finished requests, to be looked at.
    pub requests: Arc<Requests>,
    /// The cap on bytes in flight.
    pub memory: Arc<Memory>,
    /// Places for copies of requests, whoever's they are: each has a connection.
    pub copies: Arc<Semaphore>,
    /// Where large bodies are looked through.
    pub beside: Beside,
    /// Sizes and times that the installation sets.
    pub limits: Limits,
    /// Which web pages may read answers.
    pub cors: Cors,
    /// The proxies that are believed when they say who calls.
    pub proxies: TrustedProxies,
    /// Whether the issuers of the first configuration have been asked for their keys: those that come later keep nobody from being ready.
    pub met_issuers: AtomicBool,
    /// How far shutdown has come.
    pub phase: watch::Receiver<Phase>,
    /// How the control loop stands, which is the one that writes it.
    pub status: watch::Sender<Status>,
}

/// How far shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everything is served.
    Serving,
    /// Everything is served, and callers are asked to open new connections elsewhere.
    Leaving,
    /// What is in flight is finished, nothing new is taken.
    Draining,
    /// What is in flight is cut.
    Cut,
}

/// One core.
pub(crate) struct Worker {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its idle connections.
    pub pool: Arc<Pool>,
    /// What it runs for callers: shutdown waits for these.
    pub tasks: Tasks,
    /// What drives connections to providers: nobody waits for these, an idle one may live for a minute.
    pub drivers: Tasks,
    /// How many requests it serves; of the cores that are not behind, new connections go where this is lowest.
    pub active: Arc<AtomicUsize>,
}

impl Worker {
    /// A core with nothing to do.
    #[must_use]
    pub(crate) fn new(shared: Arc<Shared>, active: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            pool: Arc::default(),
            tasks: Tasks::default(),
            drivers: Tasks::default(),
            active,
        })
    }

    /// Counts one more request for as long as the guard lives.
    #[must_use]
    pub(crate) fn begin(&self) -> ActiveRequest {
        ActiveRequest::begin(&self.active)
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
