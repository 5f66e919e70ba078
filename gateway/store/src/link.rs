//! The way to the store: whether it answers, since when, which processes it is, and when it is tried again.

use std::sync::atomic::{AtomicU8, Ordering};

use fairlead_admit::exchange::{RunId, TTL_MS};
use fairlead_admit::lease::{Now, Runs};
use parking_lot::RwLock;
use tokio::time::Instant;

/// Nothing is known of the store yet.
#[cfg(feature = "valkey")]
const UNKNOWN: u8 = 0;
const REACHED: u8 = 1;
const AWAY: u8 = 2;

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether it answers.
    pub reachable: bool,
    /// Since when it does or does not.
    pub since: Instant,
    /// The process it is; of a cluster, all of them. `None` before the first answer.
    pub run: Option<String>,
    /// Why it is not reachable, or refuses to count, to be shown to whoever runs the gateway. Holds no secret.
    pub problem: Option<String>,
    /// Whether the gateway may say that it is ready: it has known the store for long enough that strict limits are granted, or it
    /// cannot reach it.
    pub ready: bool,
}

/// Shared between those who ask and the one who connects.
#[derive(Debug)]
pub(crate) struct Link {
    /// What those who ask look at.
    flag: AtomicU8,
    /// Which processes of the store are known, and since when.
    pub(crate) runs: Runs,
    told: RwLock<Told>,
}

#[derive(Debug)]
struct Told {
    since: Instant,
    problem: Option<String>,
    /// Those that answer now.
    runs: Vec<String>,
}

impl Link {
    /// To a store within this process: it always answers, and forgets nothing while we live.
    pub(crate) fn own(run: &RunId) -> Self {
        Self::over(REACHED, Runs::own(run.clone()), vec![run.to_string()])
    }

    fn over(flag: u8, runs: Runs, answering: Vec<String>) -> Self {
        let told = Told {
            since: Instant::now(),
            problem: None,
            runs: answering,
        };
        Self {
            flag: AtomicU8::new(flag),
            runs,
            told: RwLock::new(told),
        }
    }

    /// Whether it is known that nobody answers.
    pub(crate) fn is_away(&self) -> bool {
        self.flag.load(Ordering::Relaxed) == AWAY
    }

    /// How it is.
    pub(crate) fn state(&self, now: Now) -> State {
        let flag = self.flag.load(Ordering::Relaxed);
        let told = self.told.read();
        let known_for_long = |run: &String| {
            let met = self.runs.met_ms(&RunId::from(run.as_str()), millis(now));
            met >= TTL_MS.unsigned_abs()
        };
        let ready = match flag {
            REACHED => told.runs.iter().all(known_for_long),
            AWAY => true,
            _ => false,
        };
        State {
            reachable: flag == REACHED,
            since: told.since,
            run: (!told.runs.is_empty()).then(|| told.runs.join(" ")),
            problem: told.problem.clone(),
            ready,
        }
    }
}

/// What is learned of the way to a server.
#[cfg(feature = "valkey")]
impl Link {
    /// To a store that has not been asked yet.
    pub(crate) fn new() -> Self {
        Self::over(UNKNOWN, Runs::default(), Vec::new())
    }

    /// These processes answer. Whether there are others than before among them.
    pub(crate) fn reached(&self, runs: Vec<String>, now: Now) -> bool {
        let mut told = self.told.write();
        if self.flag.swap(REACHED, Ordering::Relaxed) != REACHED {
            told.since = Instant::now();
            tracing::info!(runs = ?runs, "the store of counters answers");
        }
        told.problem = None;
        let others = runs.iter().any(|run| !told.runs.contains(run));
        for run in &runs {
            self.runs.heard(&RunId::from(run.as_str()), millis(now));
        }
        // A cluster of which not all can be asked just now says nothing of them.
        if !runs.is_empty() {
            told.runs = runs;
        }
        others
    }

    /// Nobody answers.
    pub(crate) fn away(&self, problem: String) {
        let mut told = self.told.write();
        if self.flag.swap(AWAY, Ordering::Relaxed) != AWAY {
            told.since = Instant::now();
        }
        if told.problem.as_ref() != Some(&problem) {
            tracing::warn!(problem, "the store of counters is away");
            told.problem = Some(problem);
        }
    }

    /// It answers, but refuses to do this; or does it again.
    pub(crate) fn ails(&self, problem: Option<String>) {
        if self.flag.load(Ordering::Relaxed) == REACHED && self.told.read().problem != problem {
            self.told.write().problem = problem;
        }
    }
}

fn millis(now: Now) -> u64 {
    u64::try_from(now.mono.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    const TTL: Duration = Duration::from_millis(TTL_MS.unsigned_abs());

    #[tokio::test(start_paused = true)]
    async fn is_ready_once_it_has_known_the_store_for_long_enough_or_cannot_reach_it() {
        let clock = Clock::since(Instant::now());
        let link = Link::new();
        let ready = || link.state(clock.now()).ready;
        assert!(!ready());
        link.away("refused".to_owned());
        assert!(ready());
        assert!(link.reached(vec!["a".to_owned()], clock.now()));
        assert!(!ready());
        tokio::time::advance(TTL + Duration::from_millis(1)).await;
        assert!(ready());
        assert!(!link.reached(vec!["a".to_owned()], clock.now()));
        assert!(link.reached(vec!["b".to_owned()], clock.now()));
        assert!(!ready(), "a new process has met nobody");
    }

    #[tokio::test(start_paused = true)]
    async fn says_since_when_and_why_nobody_answers() {
        let clock = Clock::since(Instant::now());
        let link = Link::new();
        link.reached(vec!["a".to_owned()], clock.now());
        tokio::time::advance(Duration::from_secs(5)).await;
        link.away("reset".to_owned());
        let since = Instant::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        link.away("refused".to_owned());
        let state = link.state(clock.now());
        assert_eq!(
            (state.reachable, state.since, state.problem.as_deref()),
            (false, since, Some("refused"))
        );
    }

    #[test]
    fn a_store_of_ones_own_is_ready_at_once() {
        let clock = Clock::since(Instant::now());
        assert!(Link::own(&RunId::from("a")).state(clock.now()).ready);
    }
}
