//! What is noted of a target while it answers: sums that only grow, so that any number of rules may read them and none takes them from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::millis;

/// Squares of microseconds are kept without their last bits, so that a sum of them stays well below what 64 bits hold between two readings.
const SQUARE_BITS: u32 = 10;
/// What remains of an account is packed into this many bits, beside 40 bits of a time.
const LEFT_BITS: u32 = 24;
const LEFT_MOST: u64 = (1 << LEFT_BITS) - 1;

/// How a target does, as its requests end. Shared by all cores; every call is a few atomic additions.
#[derive(Debug, Default)]
pub struct Recorder {
    in_flight: AtomicU32,
    /// Those in flight whose answer has not begun.
    waiting: AtomicU32,
    /// Failures since the last answer.
    in_a_row: AtomicU32,
    /// The time to the first token as of the last few answers, in microseconds; 0: none yet.
    pulse: AtomicU32,
    begun: AtomicU64,
    failed: AtomicU64,
    first: Times,
    token: Times,
    whole: Times,
    /// How many more requests the account may send (24 bits), until when (40 bits, ms); 0: nothing was said of it.
    account: AtomicU64,
}

/// Times of one kind: how many, their sum in microseconds and the sum of their squares.
#[derive(Debug, Default)]
struct Times {
    count: AtomicU64,
    sum: AtomicU64,
    squares: AtomicU64,
}

/// What a [`Recorder`] has counted since it began. Sums wrap around: only differences mean something.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) begun: u64,
    pub(crate) failed: u64,
    pub(crate) first: TimeTotals,
    pub(crate) token: TimeTotals,
    pub(crate) whole: TimeTotals,
}

/// What [`Times`] have counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeTotals {
    pub(crate) count: u64,
    /// In microseconds.
    pub(crate) sum: u64,
    /// In 1024 microseconds squared.
    pub(crate) squares: u64,
}

/// What the provider has said of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// How many more requests it may send, those in flight not counted.
    pub(crate) left: u32,
    /// Until then.
    pub(crate) until: Duration,
}

/// A request that is at a target. It is there until this is dropped.
#[derive(Debug)]
pub struct Flight {
    recorder: Arc<Recorder>,
    waits: bool,
}

impl Recorder {
    /// A request goes out.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Flight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Flight {
            recorder: Arc::clone(self),
            waits: true,
        }
    }

    /// How many requests are at the target.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many of them wait for their answer to begin.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many have failed since the last answer.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.in_a_row.load(Ordering::Relaxed)
    }

    /// The provider says how many more requests the account may send until a time.
    pub fn allowed(&self, left: u64, until: Duration) {
        // Kept a millisecond long at least, or it would look as if nothing had been said.
        let word = millis(until).max(1) << LEFT_BITS | left.min(LEFT_MOST);
        self.account.store(word, Ordering::Relaxed);
    }

    /// What is left of the account, as last told; `None`: nothing was said, or its time is over.
    pub(crate) fn allowance(&self, now: Duration) -> Option<Allowance> {
        let word = self.account.load(Ordering::Relaxed);
        let until = word >> LEFT_BITS;
        (until > millis(now)).then(|| {
            let told = u32::try_from(word & LEFT_MOST).unwrap_or(u32::MAX);
            Allowance {
                // Those in flight will be counted against it too.
                left: told.saturating_sub(self.in_flight()),
                until: Duration::from_millis(until),
            }
        })
    }

    /// The time to the first token as of the last few answers, in microseconds; 0: none yet.
    pub(crate) fn pulse(&self) -> u32 {
        self.pulse.load(Ordering::Relaxed)
    }

    /// Longer times are followed faster than shorter ones: what has just become slow is left at once (peak-sensitive, as in Finagle). Of two who
    /// come at once one may be forgotten.
    fn feel(&self, micros: u64) {
        let now = u32::try_from(micros).unwrap_or(u32::MAX).max(1);
        let before = self.pulse();
        let next = match before {
            0 => now,
            before if now > before => before + (now - before) / 4,
            before => before - (before - now) / 8,
        };
        self.pulse.store(next, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            begun: self.begun.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            first: self.first.totals(),
            token: self.token.totals(),
            whole: self.whole.totals(),
        }
    }
}

impl Flight {
    /// Its answer has begun, after so long.
    pub fn answered(&mut self, after: Duration) {
        self.waits_no_more();
        let micros = micros(after);
        self.recorder.first.note(micros);
        self.recorder.feel(micros);
        // Cores share this: as a rule there is nothing to write.
        if self.recorder.in_a_row() != 0 {
            self.recorder.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// It has failed, and the target is to blame.
    pub fn failed(&mut self) {
        self.waits_no_more();
        self.recorder.failed.fetch_add(1, Ordering::Relaxed);
        self.recorder.in_a_row.fetch_add(1, Ordering::Relaxed);
    }

    /// Its answer is complete: so many output tokens, of which the first came after `first` and the last after `whole`. Of an answer of which
    /// the tokens are not known only the time counts that it took.
    pub fn complete(self, tokens: u64, first: Duration, whole: Duration) {
        self.recorder.whole.note(micros(whole));
        // The first token has no time of its own.
        if let Some(rest) = tokens.checked_sub(1).filter(|rest| *rest > 0) {
            let time = micros(whole.saturating_sub(first)) / rest;
            self.recorder.token.note(time);
        }
    }

    fn waits_no_more(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.recorder.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.waits_no_more();
        self.recorder.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Times {
    fn note(&self, micros: u64) {
        let square = micros.saturating_mul(micros) >> SQUARE_BITS;
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
        self.squares.fetch_add(square, Ordering::Relaxed);
    }

    fn totals(&self) -> TimeTotals {
        TimeTotals {
            count: self.count.load(Ordering::Relaxed),
            sum: self.sum.load(Ordering::Relaxed),
            squares: self.squares.load(Ordering::Relaxed),
        }
    }
}

impl Totals {
    /// What has come since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            begun: self.begun.wrapping_sub(before.begun),
            failed: self.failed.wrapping_sub(before.failed),
            first: self.first.since(&before.first),
            token: self.token.since(&before.token),
            whole: self.whole.since(&before.whole),
        }
    }
}

impl TimeTotals {
    fn since(&self, before: &Self) -> Self {
        Self {
            count: self.count.wrapping_sub(before.count),
            sum: self.sum.wrapping_sub(before.sum),
            squares: self.squares.wrapping_sub(before.squares),
        }
    }
}

/// At most what its square fits 64 bits with: more than an hour.
fn micros(time: Duration) -> u64 {
    const MOST: u64 = u32::MAX as u64;
    u64::try_from(time.as_micros()).map_or(MOST, |micros| micros.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_dropped() {
        let recorder = Arc::new(Recorder::default());
        let (mut one, two) = (recorder.begin(), recorder.begin());
        assert_eq!((recorder.in_flight(), recorder.waiting()), (2, 2));
        one.failed();
        assert_eq!((recorder.in_flight(), recorder.waiting()), (2, 1));
        assert_eq!(recorder.in_a_row(), 1);
        drop(one);
        two.complete(0, ms(1), ms(2));
        assert_eq!((recorder.in_flight(), recorder.waiting()), (0, 0));
        let totals = recorder.totals();
        assert_eq!((totals.begun, totals.failed), (2, 1));
    }

    #[test]
    fn a_long_answer_is_no_slow_token() {
        let recorder = Arc::new(Recorder::default());
        for tokens in [2_u64, 1_001] {
            let mut flight = recorder.begin();
            flight.answered(ms(300));
            flight.complete(tokens, ms(300), ms(300 + 20 * (tokens - 1)));
        }
        let totals = recorder.totals();
        assert_eq!((totals.token.count, totals.token.sum), (2, 40_000));
        assert_eq!((totals.first.count, totals.first.sum), (2, 600_000));
    }

    #[test]
    fn what_is_in_flight_has_its_part_of_what_is_left() {
        let recorder = Arc::new(Recorder::default());
        assert_eq!(recorder.allowance(ms(0)), None);
        let _flights = [recorder.begin(), recorder.begin()];
        recorder.allowed(5, ms(900));
        let allowance = Allowance {
            left: 3,
            until: ms(900),
        };
        assert_eq!(recorder.allowance(ms(899)), Some(allowance));
        assert_eq!(recorder.allowance(ms(900)), None);
        recorder.allowed(1, ms(900));
        assert_eq!(recorder.allowance(ms(0)).unwrap().left, 0);
    }

    #[test]
    fn nothing_is_lost_between_threads_nor_where_sums_wrap_around() {
        let recorder = Arc::new(Recorder::default());
        recorder.first.sum.store(u64::MAX - 5, Ordering::Relaxed);
        let before = recorder.totals();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| recorder.begin().answered(ms(1))));
            }
        });
        let since = recorder.totals().since(&before);
        assert_eq!(
            (since.begun, since.first.count, since.first.sum),
            (4_000, 4_000, 4_000_000)
        );
        assert_eq!(recorder.in_flight(), 0);
    }
}
