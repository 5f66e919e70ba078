//! A peak-sensitive moving average: it rises fast and falls slowly, so that trouble is seen at once and forgotten in time.
//!
//! After the peak EWMA of Finagle and linkerd, tempered for models, whose times spread far more than those of microservices: one slow answer takes
//! it a third of the way up, one quick answer a tenth of the way down, or further if much time has passed. A failure goes all the way up. What
//! was measured long ago counts for nothing once there is something new.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::millis;

/// In so much time without another sample a measured value fades to a third.
const FADES: Duration = Duration::from_secs(10);
/// The part of the way up that a sample above the average takes it.
const UP: f64 = 1.0 / 3.0;
/// The part of the way down that a sample below it takes it at least.
const DOWN: f64 = 0.1;

/// The average of some quantity, in whatever unit, and when it was last measured. Shared by all cores.
#[derive(Debug, Default)]
pub struct Peak(AtomicU64);

/// An average as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// How much.
    pub value: u32,
    /// How long ago it was last measured.
    pub age: Duration,
}

impl Peak {
    /// Notes a sample.
    pub fn note(&self, now: Duration, sample: u32) {
        self.change(now, |average| {
            Some(match average {
                Some(Average { value, age }) if age < FADES => blend(value, age, sample),
                _ => sample,
            })
        });
    }

    /// Notes that it is so much at least. What that does not raise keeps its age: otherwise it would never be old enough to be measured anew.
    pub fn at_least(&self, now: Duration, sample: u32) {
        self.change(now, |average| {
            average
                .is_none_or(|average| average.is_stale() || average.value < sample)
                .then_some(sample)
        });
    }

    /// Notes a sample as far as it takes down what there is.
    pub fn at_most(&self, now: Duration, sample: u32) {
        self.change(now, |average| {
            let Average { value, age } = average.filter(|average| sample < average.value)?;
            let is_old = age >= FADES;
            Some(if is_old {
                sample
            } else {
                blend(value, age, sample)
            })
        });
    }

    /// How it stands; `None`: nothing was ever measured.
    #[must_use]
    pub fn get(&self, now: Duration) -> Option<Average> {
        unpack(self.0.load(Ordering::Relaxed), now)
    }

    fn change(&self, now: Duration, next: impl Fn(Option<Average>) -> Option<u32>) {
        let change = |word| next(unpack(word, now)).map(|value| pack(value, now));
        // Where there is nothing to change, it stays as it is.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

impl Average {
    /// Whether it is so old that it is worth measuring anew.
    #[must_use]
    pub fn is_stale(self) -> bool {
        self.age >= FADES
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two numbers of 32 bits, none of which is negative"
)]
fn blend(value: u32, age: Duration, sample: u32) -> u32 {
    let part = if sample > value {
        UP
    } else {
        let faded = -(-age.as_secs_f64() / FADES.as_secs_f64()).exp_m1();
        faded.max(DOWN)
    };
    let way = f64::from(sample) - f64::from(value);
    way.mul_add(part, f64::from(value)).round() as u32
}

/// The value above the time in milliseconds, of which 32 bits are kept: 49 days. No value is 0, which is nothing.
fn pack(value: u32, now: Duration) -> u64 {
    u64::from(value.max(1)) << 32 | (millis(now) & 0xFFFF_FFFF)
}

fn unpack(word: u64, now: Duration) -> Option<Average> {
    let value = u32::try_from(word >> 32).ok().filter(|value| *value > 0)?;
    // Another core's clock may be a little ahead.
    let age = millis(now).wrapping_sub(word) & 0xFFFF_FFFF;
    let age = if age > 1 << 31 { 0 } else { age };
    Some(Average {
        value,
        age: Duration::from_millis(age),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn value(peak: &Peak, now: u64) -> u32 {
        peak.get(at(now)).map_or(0, |average| average.value)
    }

    #[test]
    fn nothing_is_known_before_the_first_sample() {
        let peak = Peak::default();
        assert_eq!(peak.get(at(5)), None);
        peak.note(at(5), 0);
        assert_eq!(value(&peak, 5), 1, "measured, if as nothing");
    }

    #[test]
    fn it_rises_fast_and_falls_slowly() {
        let peak = Peak::default();
        peak.note(at(0), 100);
        peak.note(at(100), 2_000);
        assert_eq!(value(&peak, 100), 733);
        peak.note(at(200), 100);
        assert_eq!(value(&peak, 200), 670);
        // After five seconds a single sample counts for more than a tenth.
        peak.note(at(5_200), 100);
        assert!((440..450).contains(&value(&peak, 5_200)));
    }

    #[test]
    fn what_is_old_gives_way_to_what_is_new() {
        let peak = Peak::default();
        peak.note(at(0), 2_000);
        assert!(!peak.get(at(9_999)).unwrap().is_stale());
        assert!(peak.get(at(10_000)).unwrap().is_stale());
        peak.note(at(10_000), 100);
        assert_eq!(value(&peak, 10_000), 100);
    }

    #[test]
    fn at_least_only_raises() {
        let peak = Peak::default();
        peak.note(at(0), 100);
        peak.at_least(at(1), 50);
        assert_eq!(value(&peak, 1), 100);
        peak.at_least(at(1), 5_000);
        assert_eq!(value(&peak, 1), 5_000);
    }

    #[test]
    fn what_does_not_raise_it_leaves_its_age() {
        let peak = Peak::default();
        peak.note(at(0), 100);
        peak.at_least(at(9_000), 100);
        assert!(peak.get(at(10_000)).unwrap().is_stale());
        peak.at_least(at(10_000), 50);
        assert_eq!(value(&peak, 10_000), 50, "what is old gives way");
        assert!(!peak.get(at(10_000)).unwrap().is_stale());
    }

    #[test]
    fn at_most_only_lowers() {
        let peak = Peak::default();
        peak.at_most(at(0), 50);
        assert_eq!(peak.get(at(0)), None, "there was nothing to lower");
        peak.note(at(0), 1_000);
        peak.at_most(at(100), 2_000);
        assert_eq!(value(&peak, 100), 1_000);
        peak.at_most(at(100), 500);
        assert_eq!(value(&peak, 100), 950);
        peak.at_most(at(10_100), 500);
        assert_eq!(value(&peak, 10_100), 500);
    }

    #[test]
    fn a_few_slow_answers_in_a_hundred_do_not_make_a_target_slow() {
        let mut random = fastrand::Rng::with_seed(7);
        let peak = Peak::default();
        for n in 0..2_000 {
            let sample = if random.u32(..100) < 3 { 400 } else { 100 };
            peak.note(at(n * 50), sample);
        }
        assert!(value(&peak, 100_000) < 250, "{}", value(&peak, 100_000));
    }

    #[test]
    fn a_time_from_a_core_that_is_ahead_is_now() {
        let peak = Peak::default();
        peak.note(at(50), 7);
        assert_eq!(peak.get(at(49)).unwrap().age, Duration::ZERO);
    }
}
