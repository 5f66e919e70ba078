//! How long recent answers took to begin: a histogram whose buckets each span an eighth of a power of two, so that a percentile is off
//! by 6 % at most, and whose counts are halved every so often, so that it tells of now and not of last week.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Buckets to a power of two.
const STEPS: usize = 8;
/// From 1 ms to 2^20 ms, 17 minutes.
const BUCKETS: usize = 20 * STEPS;
/// Counts are halved when they reach this sum together.
const ENOUGH: u32 = 1024;
/// Fewer answers than this say nothing of a percentile.
const FEWEST: u32 = 20;
/// After so many more answers the slowest of them are looked for again: every request may ask for them, so they are kept at hand.
const EVERY: u32 = 16;

/// Times to the first content, of one target.
#[derive(Debug)]
pub struct Latency {
    buckets: Box<[AtomicU32; BUCKETS]>,
    total: AtomicU32,
    /// The 99th percentile when it was last looked for, in ms; 0: too few were known.
    slowest: AtomicU32,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            buckets: Box::new(std::array::from_fn(|_| AtomicU32::new(0))),
            total: AtomicU32::new(0),
            slowest: AtomicU32::new(0),
        }
    }
}

impl Latency {
    /// Notes one time.
    pub fn note(&self, time: Duration) {
        if let Some(bucket) = self.buckets.get(position(time)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let total = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        if total == ENOUGH {
            self.halve();
        }
        if total == FEWEST || total.is_multiple_of(EVERY) {
            let slowest = self.percentile(99).map_or(0, |time| time.as_millis());
            let slowest = u32::try_from(slowest).unwrap_or(u32::MAX);
            self.slowest.store(slowest, Ordering::Relaxed);
        }
    }

    /// The time that all but one in a hundred of recent answers began within, a few answers old; `None` while too few are known.
    #[must_use]
    pub fn slowest(&self) -> Option<Duration> {
        let millis = self.slowest.load(Ordering::Relaxed);
        (millis > 0).then(|| Duration::from_millis(millis.into()))
    }

    /// The time that this share of recent answers began within, in percent; `None` while too few are known.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<Duration> {
        let counts: [u32; BUCKETS] =
            std::array::from_fn(|at| self.buckets[at].load(Ordering::Relaxed));
        let sum: u32 = counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count));
        if sum < FEWEST {
            return None;
        }
        let wanted = (u64::from(sum) * u64::from(percent.min(100))).div_ceil(100);
        let mut passed = 0_u64;
        let found = counts.iter().position(|count| {
            passed += u64::from(*count);
            passed >= wanted.max(1)
        });
        found.map(upper_bound)
    }

    /// Only the thread that reached the limit comes here; what others add meanwhile is kept.
    fn halve(&self) {
        let mut left = 0_u32;
        for bucket in self.buckets.iter() {
            let before = bucket.load(Ordering::Relaxed);
            bucket.fetch_sub(before - before / 2, Ordering::Relaxed);
            left = left.saturating_add(before / 2);
        }
        self.total.store(left, Ordering::Relaxed);
    }
}

/// The bucket of a time.
fn position(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros())
        .unwrap_or(u64::MAX)
        .max(1_000);
    // The position is that of the highest bit over a thousand, and of the three bits below it.
    let scaled = micros.saturating_mul(1 << 3) / 1_000;
    let exponent = scaled.ilog2().saturating_sub(3);
    let fraction = usize::try_from((scaled >> exponent) & 7).unwrap_or(0);
    let octave = usize::try_from(exponent).unwrap_or(usize::MAX);
    octave
        .saturating_mul(STEPS)
        .saturating_add(fraction)
        .min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn upper_bound(position: usize) -> Duration {
    let octave = u32::try_from(position / STEPS).unwrap_or(u32::MAX);
    let fraction = u64::try_from(position % STEPS).unwrap_or(0);
    let eighths = (8 + fraction + 1) << octave.min(40);
    Duration::from_micros(eighths * 1_000 / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_too_few() {
        let latency = Latency::default();
        for _ in 0..19 {
            latency.note(Duration::from_millis(100));
            assert_eq!(latency.percentile(95), None);
        }
        latency.note(Duration::from_millis(100));
        assert!(latency.percentile(95).is_some());
    }

    #[test]
    fn the_slowest_follow_what_is_noted() {
        let latency = Latency::default();
        (0..19).for_each(|_| latency.note(Duration::from_secs(1)));
        assert_eq!(latency.slowest(), None);
        (0..81).for_each(|_| latency.note(Duration::from_secs(1)));
        assert!((1_000..1_130).contains(&latency.slowest().unwrap().as_millis()));
        (0..16).for_each(|_| latency.note(Duration::from_secs(9)));
        assert!(latency.slowest().unwrap() >= Duration::from_secs(9));
    }

    #[test]
    fn every_time_is_at_most_the_bound_of_its_bucket_and_close_to_it() {
        for millis in 1..200_000_u64 {
            let time = Duration::from_millis(millis);
            let bound = upper_bound(position(time));
            assert!(bound >= time, "{time:?} {bound:?}");
            assert!(
                bound.as_secs_f64() <= time.as_secs_f64() * 1.126,
                "{time:?} {bound:?}"
            );
        }
        assert_eq!(position(Duration::ZERO), 0);
        assert_eq!(position(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_percentile_is_that_of_the_sorted_times() {
        let mut random = fastrand::Rng::with_seed(3);
        let latency = Latency::default();
        let mut times: Vec<Duration> = (0..1_000)
            .map(|_| Duration::from_millis(random.u64(1..3_000)))
            .collect();
        for time in &times {
            latency.note(*time);
        }
        times.sort();
        for percent in [50, 95, 99] {
            let exact =
                times[times.len() * usize::try_from(percent).unwrap() / 100 - 1].as_secs_f64();
            let told = latency.percentile(percent).unwrap().as_secs_f64();
            assert!(
                (exact..exact * 1.13).contains(&told),
                "p{percent} {exact} {told}"
            );
        }
    }

    #[test]
    fn what_is_new_soon_outweighs_what_was() {
        let latency = Latency::default();
        (0..10_000).for_each(|_| latency.note(Duration::from_millis(50)));
        (0..3_000).for_each(|_| latency.note(Duration::from_secs(2)));
        assert!(latency.percentile(50).unwrap() > Duration::from_secs(1));
        assert!(latency.percentile(25).unwrap() > Duration::from_secs(1));
    }

    #[test]
    fn threads_may_note_at_once() {
        let latency = Latency::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| latency.note(Duration::from_millis(10))));
            }
        });
        let told = latency.percentile(95).unwrap();
        assert!((10..12).contains(&told.as_millis()), "{told:?}");
    }
}
