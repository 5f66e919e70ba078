//! A replica, and callers who use it.

use std::sync::Arc;
use std::time::Duration;

use fairlead_store::{Counter, Counters, Hold, Now, Options, Refused, Shape, Terms, Where, Window};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A folder of the test's own, in memory where that is possible: a disk that is busy with something else holds a store up for seconds.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// One process's counters, driven until dropped.
pub(crate) struct Replica {
    pub(crate) counters: Counters,
    started: Instant,
    driver: JoinSet<()>,
}

impl Replica {
    pub(crate) async fn start(place: Where, journal: Option<std::path::PathBuf>) -> Self {
        let started = Instant::now();
        let options = Options {
            place,
            journal,
            started,
        };
        let counters = Counters::open(options).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(counters.clone().run());
        Self {
            counters,
            started,
            driver,
        }
    }

    /// Ends it without a word to the store, and waits until its files can be opened again.
    pub(crate) async fn stop(mut self) {
        self.driver.shutdown().await;
        drop(self);
        // What was being written is written by a thread of its own.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    pub(crate) fn now(&self) -> Now {
        let mono = self.started.elapsed();
        let unix_ms = i64::try_from(mono.as_millis()).unwrap();
        Now { mono, unix_ms }
    }

    pub(crate) fn budget(&self, id: &str) -> Arc<Counter> {
        self.counters.counter(id, Shape::Budget)
    }

    pub(crate) async fn take(
        &self,
        counter: &Arc<Counter>,
        terms: &Terms,
        need: i64,
    ) -> Result<Hold, Refused> {
        counter.take(terms, need, self.now()).await
    }

    /// Takes as soon as the store says that it may: on a busy machine it may take its time.
    pub(crate) async fn take_soon(&self, counter: &Arc<Counter>, terms: &Terms, need: i64) -> Hold {
        for _ in 0..100 {
            match self.take(counter, terms, need).await {
                Ok(hold) => return hold,
                Err(Refused::Unavailable | Refused::Busy { .. }) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(refused) => panic!("{refused:?}"),
            }
        }
        panic!("the store does not answer: {:?}", self.counters.state());
    }

    /// What the store holds of a budget, as soon as it says so.
    pub(crate) async fn used(&self, id: &str, terms: &Terms) -> i64 {
        let ids = [(id.to_owned(), Shape::Budget, terms.window, terms.limit)];
        for _ in 0..100 {
            if let Ok(read) = self.counters.read(&ids).await
                && let Ok(standing) = read[0]
            {
                return standing.map_or(0, |standing| standing.used);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the store does not answer: {:?}", self.counters.state());
    }

    /// Until the store holds so much of a budget, and for a while after, lest more comes.
    pub(crate) async fn comes_to(&self, id: &str, terms: &Terms, used: i64) {
        let told = async |replica: &Self| replica.used(id, terms).await >= used;
        self.until("told", told).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(self.used(id, terms).await, used);
    }

    /// Until it is as it should be; 20 s at most.
    pub(crate) async fn until(&self, what: &str, so: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !so(self).await {
            assert!(
                Instant::now() < deadline,
                "not {what}: {:?}",
                self.counters.state()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until the store answers.
    pub(crate) async fn reaches(&self) {
        self.until("reachable", async |replica| {
            replica.counters.state().reachable
        })
        .await;
    }

    /// Until strict limits are granted.
    pub(crate) async fn ready(&self) {
        self.until("ready", async |replica| {
            let state = replica.counters.state();
            state.reachable && state.ready
        })
        .await;
    }
}

pub(crate) const WINDOW: Window = Window {
    start: 0,
    end: 1 << 52,
};

/// So much in one long window; refused while the store is away.
pub(crate) fn terms(limit: i64) -> Terms {
    Terms {
        limit,
        generation: 1,
        window: Some(WINDOW),
        strict: false,
        allow_on_failure: false,
    }
}

pub(crate) fn is_exhausted(refused: &Refused) -> bool {
    matches!(refused, Refused::Exhausted { .. })
}

/// What callers have seen.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) settled: i64,
    pub(crate) admitted: u32,
    pub(crate) exhausted: u32,
    pub(crate) busy: u32,
    pub(crate) unavailable: u32,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.settled += other.settled;
        self.admitted += other.admitted;
        self.exhausted += other.exhausted;
        self.busy += other.busy;
        self.unavailable += other.unavailable;
    }
}

/// A caller who takes up to 7 and settles at no more than that, until the time or the budget is over.
pub(crate) async fn call(
    counters: Counters,
    started: Instant,
    id: &'static str,
    terms: Terms,
    until: Instant,
) -> Tally {
    let counter = counters.counter(id, Shape::Budget);
    let mut tally = Tally::default();
    while Instant::now() < until {
        let need = fastrand::i64(1..=7);
        let mono = started.elapsed();
        let now = Now { mono, unix_ms: 0 };
        match counter.take(&terms, need, now).await {
            Ok(hold) => {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                let actual = fastrand::i64(0..=need);
                hold.settle(actual);
                tally.settled += actual;
                tally.admitted += 1;
            }
            Err(Refused::Exhausted { .. }) => {
                tally.exhausted += 1;
                if need == 1 {
                    break;
                }
            }
            Err(Refused::Busy { .. }) => {
                tally.busy += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Refused::Unavailable) => {
                tally.unavailable += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    tally
}

/// So many callers at each replica, together.
pub(crate) async fn crowd(
    replicas: &[Replica],
    callers: usize,
    id: &'static str,
    terms: Terms,
    time: Duration,
) -> Tally {
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for replica in replicas {
        for _ in 0..callers {
            let counters = replica.counters.clone();
            tasks.spawn(call(counters, replica.started, id, terms, until));
        }
    }
    let mut sum = Tally::default();
    while let Some(tally) = tasks.join_next().await {
        sum.add(tally.unwrap());
    }
    sum
}
