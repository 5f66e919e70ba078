//! What a store tells of itself: how much it keeps, how much was dropped, and what is wrong with it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::standing::Standing;

/// So many requests may wait to be written, the batch in hand not counted; those that find no room are dropped and counted.
pub const QUEUE: usize = 8_192;

/// What is told, shared by the thread that writes and whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Told {
    offered: AtomicU64,
    dropped: AtomicU64,
    written: AtomicU64,
    refused: AtomicU64,
    astray: AtomicU64,
    problem: Mutex<Option<String>>,
    /// What is written, as the log calls it; `None`: the request log.
    what: Option<&'static str>,
}

impl Told {
    /// Of something else than requests.
    pub(crate) fn of(what: &'static str) -> Self {
        Self {
            what: Some(what),
            ..Self::default()
        }
    }

    fn what(&self) -> &'static str {
        self.what.unwrap_or("the request log")
    }

    pub(crate) fn taken(&self) {
        self.offered.fetch_add(1, Relaxed);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, count: usize) {
        self.refused.fetch_add(number(count), Relaxed);
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn astray(&self, rows: i64) {
        self.astray.store(rows.try_into().unwrap_or(0), Relaxed);
    }

    /// So many are kept, and with that nothing is wrong any more.
    pub(crate) fn written(&self, count: usize) {
        self.written.fetch_add(number(count), Relaxed);
        if let Some(problem) = self.problem.lock().take() {
            tracing::info!("{} is written again, after: {problem}", self.what());
        }
    }

    /// Says what is wrong: in the log once, until it is right again or something else is wrong.
    pub(crate) fn failed(&self, problem: String) {
        let mut last = self.problem.lock();
        if last.as_ref() != Some(&problem) {
            tracing::warn!(
                "{} cannot be written, which no request waits for; it is tried again: {problem}",
                self.what()
            );
            *last = Some(problem);
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            taken: self.offered.load(Relaxed),
            written: self.written.load(Relaxed),
            refused: self.refused.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            astray: self.astray.load(Relaxed),
            problem: self.problem.lock().clone(),
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
