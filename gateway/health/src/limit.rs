//! A limit on requests in flight that finds its own height: a little more with every success, half as much when the provider pushes back.
//!
//! Additive increase, multiplicative decrease, as TCP does it (source: Chiu and Jain, 1989): the only simple rule under which several
//! senders to one provider come to share it fairly. Only throttling, overload and silence before the first content count as pushing back,
//! never the time of a whole answer: a long answer is not congestion.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::millis;

/// The limit is kept in parts of a request, so that a success can add less than one.
const PARTS: u64 = 128;
const LIMIT_BITS: u32 = 24;
const LIMIT_MOST: u64 = (1 << LIMIT_BITS) - 1;
/// Requests in flight together fail together: of one such burst only the first halves the limit.
const ONE_BURST: Duration = Duration::from_secs(1);

/// An adaptive limit. Packed: until when the last cut counts as the same burst (40 bits, ms), the limit (24 bits, parts); 0: not yet used.
#[derive(Debug, Default)]
pub struct AdaptiveLimit(AtomicU64);

impl AdaptiveLimit {
    /// The limit as it stands, at least 1 and at most `most`, where it starts.
    #[must_use]
    pub fn get(&self, most: u32) -> u32 {
        let (_, limit) = unpack(self.0.load(Ordering::Relaxed), most);
        u32::try_from(limit / PARTS).unwrap_or(u32::MAX)
    }

    /// A request has succeeded: a limit's worth of them add one.
    pub fn succeeded(&self, most: u32) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                let (burst, limit) = unpack(word, most);
                let grown = limit + (PARTS * PARTS).div_ceil(limit);
                // At the most there is nothing to write, which is how it usually is.
                (limit < ceiling(most)).then(|| pack(burst, grown.min(ceiling(most))))
            });
    }

    /// The provider has pushed back.
    pub fn pushed_back(&self, now: Duration, most: u32) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                let (burst, limit) = unpack(word, most);
                let fresh = millis(now) >= burst;
                fresh.then(|| pack(millis(now + ONE_BURST), (limit / 2).max(PARTS)))
            });
    }
}

fn ceiling(most: u32) -> u64 {
    (u64::from(most.max(1)) * PARTS).min(LIMIT_MOST)
}

fn pack(burst: u64, limit: u64) -> u64 {
    (burst << LIMIT_BITS) | limit
}

/// Until when the last burst goes, and the limit in parts.
fn unpack(word: u64, most: u32) -> (u64, u64) {
    let limit = word & LIMIT_MOST;
    let limit = if limit == 0 { ceiling(most) } else { limit };
    (word >> LIMIT_BITS, limit.clamp(PARTS, ceiling(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn starts_at_the_most_and_is_halved_by_each_burst() {
        let limit = AdaptiveLimit::default();
        assert_eq!(limit.get(100), 100);
        limit.pushed_back(at(0), 100);
        limit.pushed_back(at(0), 100);
        assert_eq!(limit.get(100), 50);
        limit.pushed_back(at(1), 100);
        assert_eq!(limit.get(100), 25);
        (2..20).for_each(|second| limit.pushed_back(at(second), 100));
        assert_eq!(limit.get(100), 1);
    }

    #[test]
    fn grows_by_one_for_a_limits_worth_of_successes_and_stops_at_the_most() {
        let limit = AdaptiveLimit::default();
        limit.pushed_back(at(0), 100);
        (0..50).for_each(|_| limit.succeeded(100));
        assert!((50..=51).contains(&limit.get(100)), "{}", limit.get(100));
        (0..10_000).for_each(|_| limit.succeeded(100));
        assert_eq!(limit.get(100), 100);
    }

    #[test]
    fn a_lower_most_counts_at_once() {
        let limit = AdaptiveLimit::default();
        limit.pushed_back(at(0), 100);
        assert_eq!(limit.get(10), 10);
        assert_eq!(limit.get(1), 1);
    }

    #[test]
    fn the_largest_limit_fits() {
        let limit = AdaptiveLimit::default();
        limit.pushed_back(at(1_000_000), 100_000);
        assert_eq!(limit.get(100_000), 50_000);
        (0..10_000_000_u32).for_each(|_| limit.succeeded(100_000));
        assert_eq!(limit.get(100_000), 100_000);
    }
}
