//! What is remembered of what a server has told, in a form that a choice can read without waiting for anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::reading::Reading;

/// With so much of its cache taken a server has no room for another request.
const FULL: f64 = 0.95;
/// As many requests of others as there can be in what is remembered.
const MOST: u64 = (1 << 24) - 1;
/// So many bits before when it is stale.
const SHIFT: u32 = 25;
const IS_FULL: u64 = 1 << 24;

/// What a server has told last.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// For choices: until when it counts in tenths of a second, whether there is no room, and what others have there.
    packed: AtomicU64,
    last: Mutex<Option<Last>>,
    /// Whether it is being asked.
    asking: AtomicBool,
    /// When it is to be asked next, in milliseconds.
    due: AtomicU64,
    /// How often in a row it has told nothing.
    silent: AtomicU32,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    reading: Reading,
    until: Duration,
}

/// What of it counts for a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How much others have it do, in requests; one that waits counts twice, for it shows that there is no room.
    pub others: u32,
    /// Whether its cache has no room.
    pub full: bool,
}

/// That a server is being asked; dropped, it is not any more.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Told>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
    }
}

impl Told {
    /// What counts now; nothing, if it is stale.
    #[must_use]
    pub(crate) fn counts(&self, now: Duration) -> Counts {
        let packed = self.packed.load(Ordering::Relaxed);
        if packed >> SHIFT <= tenths(now) {
            return Counts::default();
        }
        Counts {
            others: u32::try_from(packed & MOST).unwrap_or(u32::MAX),
            full: packed & IS_FULL != 0,
        }
    }

    /// What it has told, unless that is stale.
    #[must_use]
    pub(crate) fn reading(&self, now: Duration) -> Option<Reading> {
        let last = *self.last.lock();
        last.filter(|last| now < last.until)
            .map(|last| last.reading)
    }

    /// It has told this while this gateway had so many requests there, which counts until then.
    pub(crate) fn tell(&self, reading: Reading, own: u32, until: Duration) {
        let there = u64::from(reading.running) + u64::from(reading.waiting);
        let others = there.saturating_sub(u64::from(own)) + u64::from(reading.waiting);
        let full = reading.cache.is_some_and(|share| share >= FULL);
        let full = if full { IS_FULL } else { 0 };
        let packed = (tenths(until) << SHIFT) | full | others.min(MOST);
        self.packed.store(packed, Ordering::Relaxed);
        self.silent.store(0, Ordering::Relaxed);
        *self.last.lock() = Some(Last { reading, until });
    }

    /// It has told nothing, so often in a row by now.
    pub(crate) fn said_nothing(&self) -> u32 {
        self.silent
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    /// When it is to be asked next.
    #[must_use]
    pub(crate) fn due(&self) -> Duration {
        Duration::from_millis(self.due.load(Ordering::Relaxed))
    }

    /// Whether it is being asked.
    #[must_use]
    pub(crate) fn is_asked(&self) -> bool {
        self.asking.load(Ordering::Relaxed)
    }

    /// Begins to ask it, and says when it is asked next; `None`: it is being asked.
    #[must_use]
    pub(crate) fn ask(self: &Arc<Self>, next: Duration) -> Option<Asking> {
        if self.asking.swap(true, Ordering::AcqRel) {
            return None;
        }
        self.ask_at(next);
        Some(Asking(Arc::clone(self)))
    }

    /// It is asked next at this time.
    pub(crate) fn ask_at(&self, next: Duration) {
        let next = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
        self.due.store(next, Ordering::Relaxed);
    }
}

fn tenths(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);
    const LATER: Duration = Duration::from_secs(1010);

    fn reading(running: u32, waiting: u32, cache: f64) -> Reading {
        Reading {
            running,
            waiting,
            cache: Some(cache),
        }
    }

    #[test]
    fn what_this_gateway_has_there_is_not_counted_twice_and_what_waits_is() {
        let told = Told::default();
        assert_eq!(told.counts(NOW), Counts::default());
        let counts = |reading, own| {
            told.tell(reading, own, LATER);
            let Counts { others, full } = told.counts(NOW);
            (others, full)
        };
        assert_eq!(counts(reading(5, 0, 0.5), 2), (3, false));
        assert_eq!(counts(reading(5, 0, 0.5), 9), (0, false));
        assert_eq!(counts(reading(5, 4, 0.97), 2), (11, true));
        assert_eq!(
            counts(reading(u32::MAX, u32::MAX, 1.0), 0),
            (u32::try_from(MOST).unwrap(), true)
        );
    }

    #[test]
    fn what_is_stale_does_not_count() {
        let told = Told::default();
        told.tell(reading(5, 4, 1.0), 0, LATER);
        assert_eq!(told.counts(LATER), Counts::default());
        assert_eq!(told.reading(LATER), None);
        assert_eq!(told.reading(NOW), Some(reading(5, 4, 1.0)));
    }

    #[test]
    fn a_server_is_asked_by_one_at_a_time() {
        let told = Arc::new(Told::default());
        let asking = told.ask(LATER);
        assert!(asking.is_some() && told.ask(LATER).is_none());
        assert_eq!(told.due(), LATER);
        drop(asking);
        assert!(told.ask(LATER).is_some());
    }
}
