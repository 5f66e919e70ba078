//! All counters of a process, and the store behind them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admit::exchange::{Account, Shape};
use fairlead_admit::lease::Standing;
use fairlead_admit::window::Window;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::counter::Counter;
use crate::driver::Driver;
use crate::embedded::{Embedded, FileError};
use crate::journal::{Journal, JournalError};
use crate::link::{Link, State};
use crate::part::Part;
use crate::place::Place;
use crate::registry::Registry;
use crate::shared::{Shared, Wake};
#[cfg(feature = "valkey")]
use crate::valkey::{Valkey, ValkeyOptions};

/// A drain ends after this, whatever has not been told by then: the journal has it.
const DRAIN: Duration = Duration::from_secs(2);
/// Somebody who reads waits this long for the store.
const READ: Duration = Duration::from_secs(1);

/// Where counters are kept, and what this process remembers of its own.
#[derive(Debug)]
pub struct Options {
    /// The store.
    pub place: Where,
    /// The file that the leases stand in, so that a process that is killed loses nothing; `None`: in memory.
    pub journal: Option<PathBuf>,
    /// When the process started: what [`Now::mono`](fairlead_admit::lease::Now) counts from.
    pub started: Instant,
}

/// The store.
#[derive(Debug)]
pub enum Where {
    /// This process.
    Embedded {
        /// The folder of its file; `None`: what is counted ends with the process.
        dir: Option<PathBuf>,
    },
    /// A server that all replicas share.
    #[cfg(feature = "valkey")]
    Valkey(Box<ValkeyOptions>),
}

/// Why counters cannot be opened. That a server cannot be reached is no such reason.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of the embedded store.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The store did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store of counters does not answer")]
pub struct Unavailable;

/// All counters of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Counters(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
    /// Whether the store is this process's own.
    alone: bool,
    /// What [`Counters::run`] takes.
    driver: Mutex<Option<Box<Driver>>>,
}

impl Counters {
    /// Opens files. A server is only connected to by [`Counters::run`].
    ///
    /// # Errors
    /// A file cannot be used.
    #[expect(
        clippy::unused_async,
        reason = "callers await it, whatever a store to come has to do here"
    )]
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let clock = Clock::since(options.started);
        let (journal, remains) = match &options.journal {
            Some(path) => Journal::open(path)?,
            None => (Journal::in_memory(), Vec::new()),
        };
        let alone = matches!(options.place, Where::Embedded { .. });
        let (link, place) = match options.place {
            Where::Embedded { dir } => {
                let embedded = Embedded::open(dir.as_deref(), clock)?;
                (Link::own(embedded.run()), Place::Embedded(embedded))
            }
            #[cfg(feature = "valkey")]
            Where::Valkey(options) => (Link::new(), Place::Valkey(Valkey::new(*options))),
        };
        let (inbox, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            link,
            clock,
            journal,
            inbox,
        });
        let registry = Arc::new(Registry::new());
        let driver = Driver::new(shared.clone(), registry.clone(), place, received);
        let counters = Self(Arc::new(Inner {
            shared,
            registry,
            alone,
            driver: Mutex::new(Some(Box::new(driver))),
        }));
        for left in remains {
            counters.resume(left);
        }
        Ok(counters)
    }

    /// What a dead process left is reported like our own.
    fn resume(&self, left: crate::journal::Remains) {
        let counter = self.counter(&left.account.counter, left.account.shape);
        if let Some(part) = Part::resume(left, self.0.shared.clone()) {
            counter.adopt(part);
        }
    }

    /// The counter of this name, such as `budget/team/search/research/month`; made where there is none.
    #[must_use]
    pub fn counter(&self, id: &str, shape: Shape) -> Arc<Counter> {
        let new = |id| Counter::new(id, shape, self.0.shared.clone());
        self.0.registry.get(id, shape, new)
    }

    /// The counter of this name, if there is one.
    #[must_use]
    pub fn existing(&self, id: &str, shape: Shape) -> Option<Arc<Counter>> {
        self.0.registry.find(id, shape)
    }

    /// Speaks with the store for as long as it is polled. To be run once, on any runtime; a second run ends at once.
    pub async fn run(self) {
        let driver = self.0.driver.lock().take();
        match driver {
            Some(driver) => driver.run().await,
            None => tracing::error!("the counters are already being driven"),
        }
    }

    /// Gives back what is idle and tells all that was spent, as far as the store answers within 2 s.
    pub async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        self.0.shared.wake(Wake::Drain(done));
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }

    /// Whether nobody else counts on the same store: with several replicas every limit then holds on each of them by itself.
    #[must_use]
    pub fn count_alone(&self) -> bool {
        self.0.alone
    }

    /// How the store is.
    #[must_use]
    pub fn state(&self) -> State {
        let shared = &self.0.shared;
        shared.link.state(shared.clock.now())
    }

    /// What the store holds of each: all replicas together. `None`: nothing was ever counted under that name and window. An account that cannot
    /// be read keeps nobody from the others. Not for the path of requests.
    ///
    /// # Errors
    /// The store does not answer within a second.
    pub async fn read(
        &self,
        ids: &[(String, Shape, Option<Window>, i64)],
    ) -> Result<Vec<Result<Option<Standing>, Unavailable>>, Unavailable> {
        let accounts = ids.iter().map(|(id, shape, window, _)| Account {
            counter: id.as_str().into(),
            shape: *shape,
            window: *window,
        });
        let (sender, receiver) = oneshot::channel();
        self.0.shared.wake(Wake::Look(accounts.collect(), sender));
        let answer = tokio::time::timeout(READ, receiver).await;
        let answer = answer.map_err(|_| Unavailable)?.map_err(|_| Unavailable)?;
        let as_of = Some(self.0.shared.clock.now().mono);
        let standings = ids.iter().zip(answer).map(|((.., limit), totals)| {
            let totals = totals.map_err(|_| Unavailable)?;
            Ok(totals.map(|totals| Standing {
                used: totals.used.saturating_add(totals.lost),
                leased: totals.leased,
                limit: *limit,
                as_of,
            }))
        });
        Ok(standings.collect())
    }
}
