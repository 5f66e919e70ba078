//! What is noted of a target while it answers: sums that only grow, so that whoever reads them takes them from nobody else.
//!
//! Streams and answers that come whole are apart: of a stream it is seen when its first token comes and how long each further one takes, of an
//! answer that comes whole only when all of it is there. Whatever it is long: what is noted of that is the time that an answer of usual length
//! would have taken, the first token counted as so many others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Squares of microseconds are kept without their last bits, so that a sum of them stays well below what 64 bits hold between two readings.
const SQUARE_BITS: u32 = 10;
/// As many tokens as an answer usually has.
const USUAL: f64 = 256.0;
/// The first token takes about as long as so many others.
const FIRST: f64 = 20.0;
/// So many answers in a row that know nothing of what was asked for are the target's fault, and not the requests'.
const UNKNOWN: u32 = 20;
/// Nobody has to find out whether it is back; somebody has. Any other number: whoever has this one is about to.
const NO_PROBE: u32 = 0;
const WANTED: u32 = 1;
/// Whoever gives up sooner than this says nothing of a target that nobody knows.
const IMPATIENT: Duration = Duration::from_secs(1);

/// How a target does, as its requests end. Shared by all cores; every call is a few atomic additions.
#[derive(Debug, Default)]
pub struct Recorder {
    in_flight: AtomicU32,
    /// Failures since the last answer.
    in_a_row: AtomicU32,
    /// Answers since the last one of use that knew nothing of what was asked for.
    unknown: AtomicU32,
    probe: AtomicU32,
    answered: AtomicU64,
    failed: AtomicU64,
    /// Of answers that come whole, and of streams.
    kinds: [Kind; 2],
    token: Times,
    whole: Times,
}

/// What is noted of one kind of answers.
#[derive(Debug, Default)]
struct Kind {
    begun: AtomicU64,
    /// Those in flight whose answer has not begun.
    waiting: AtomicU32,
    /// The time to the first token as of the last few answers, in microseconds; 0: none yet.
    pulse: AtomicU32,
    first: Times,
    /// How long was waited in vain for a target that nobody knows.
    silent: Times,
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
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// Of answers that come whole, and of streams.
    pub(crate) kinds: [KindTotals; 2],
    pub(crate) token: TimeTotals,
    pub(crate) whole: TimeTotals,
}

/// What has been counted of one kind of answers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KindTotals {
    pub(crate) begun: u64,
    pub(crate) first: TimeTotals,
    pub(crate) silent: TimeTotals,
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

/// The right to find out whether a target is back. Dropped before anything was sent there, somebody else has it.
#[derive(Debug)]
pub struct Probe {
    recorder: Arc<Recorder>,
    number: u32,
}

/// A request that is at a target. It is there until this is dropped.
#[derive(Debug)]
pub struct Flight {
    recorder: Arc<Recorder>,
    stream: bool,
    waits: bool,
}

impl Recorder {
    /// A request goes out, for an answer that is streamed or comes whole.
    #[must_use]
    pub fn begin(self: &Arc<Self>, stream: bool) -> Flight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let kind = self.kind(stream);
        kind.waiting.fetch_add(1, Ordering::Relaxed);
        kind.begun.fetch_add(1, Ordering::Relaxed);
        // Cores share this: as a rule there is nothing to write.
        if self.probe.load(Ordering::Relaxed) != NO_PROBE {
            self.probe.store(NO_PROBE, Ordering::Relaxed);
        }
        Flight {
            recorder: Arc::clone(self),
            stream,
            waits: true,
        }
    }

    /// How many requests are at the target.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether somebody should find out if it is back, as of a look. Where requests wait there already, they will.
    pub(crate) fn wants_probe(&self, wants: bool) {
        let wants = wants && self.waiting() == [0, 0];
        let probe = if wants { WANTED } else { NO_PROBE };
        self.probe.store(probe, Ordering::Relaxed);
    }

    /// Whether it is for this request to find out if it is back: nobody else is to, while this one may.
    pub(crate) fn lend_probe(&self) -> bool {
        let number = || fastrand::u32(WANTED + 1..);
        self.probe.load(Ordering::Relaxed) == WANTED && self.moves_probe(WANTED, number())
    }

    /// The right that was lent, if it was.
    #[must_use]
    pub fn lent_probe(self: &Arc<Self>) -> Option<Probe> {
        let number = self.probe.load(Ordering::Relaxed);
        (number > WANTED).then(|| Probe {
            recorder: Arc::clone(self),
            number,
        })
    }

    fn moves_probe(&self, from: u32, to: u32) -> bool {
        let moved = self
            .probe
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        moved.is_ok()
    }

    /// How many of them wait for their answer to begin, of either kind.
    pub(crate) fn waiting(&self) -> [u32; 2] {
        let waiting = |kind: &Kind| kind.waiting.load(Ordering::Relaxed);
        [waiting(self.kind(false)), waiting(self.kind(true))]
    }

    /// How many have failed since the last answer.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.in_a_row.load(Ordering::Relaxed)
    }

    /// The time to the first token as of the last few answers of a kind, in microseconds; 0: none yet.
    pub(crate) fn pulse(&self, stream: bool) -> u32 {
        self.kind(stream).pulse.load(Ordering::Relaxed)
    }

    pub(crate) fn totals(&self) -> Totals {
        let [whole, streams] = &self.kinds;
        Totals {
            answered: self.answered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            kinds: [whole.totals(), streams.totals()],
            token: self.token.totals(),
            whole: self.whole.totals(),
        }
    }

    fn kind(&self, stream: bool) -> &Kind {
        let [whole, streams] = &self.kinds;
        if stream { streams } else { whole }
    }
}

impl Kind {
    /// Longer times are followed faster than shorter ones: what has just become slow is left at once (peak-sensitive, as in Finagle). Of two who
    /// come at once one may be forgotten.
    fn feel(&self, micros: u64) {
        let now = u32::try_from(micros).unwrap_or(u32::MAX).max(1);
        let before = self.pulse.load(Ordering::Relaxed);
        let next = match before {
            0 => now,
            before if now > before => before + (now - before) / 4,
            before => before - (before - now) / 8,
        };
        self.pulse.store(next, Ordering::Relaxed);
    }

    fn totals(&self) -> KindTotals {
        KindTotals {
            begun: self.begun.load(Ordering::Relaxed),
            first: self.first.totals(),
            silent: self.silent.totals(),
        }
    }
}

impl Flight {
    /// Its answer has begun, after so long; one that comes whole is there, and has so many tokens (0: not known).
    pub fn answered(&mut self, after: Duration, tokens: u64) {
        self.waits_no_more();
        let micros = micros(if self.stream {
            after
        } else {
            usual(after, tokens)
        });
        let kind = self.recorder.kind(self.stream);
        kind.first.note(micros);
        kind.feel(micros);
        self.recorder.answered.fetch_add(1, Ordering::Relaxed);
        // Cores share this: as a rule there is nothing to write.
        if self.recorder.in_a_row() != 0 {
            self.recorder.in_a_row.store(0, Ordering::Relaxed);
        }
        if self.recorder.unknown.load(Ordering::Relaxed) != 0 {
            self.recorder.unknown.store(0, Ordering::Relaxed);
        }
    }

    /// It has failed, and the target is to blame.
    pub fn failed(&mut self) {
        self.waits_no_more();
        self.recorder.failed.fetch_add(1, Ordering::Relaxed);
        self.recorder.in_a_row.fetch_add(1, Ordering::Relaxed);
    }

    /// The target knows nothing of what it was asked for. That may be the request's fault, which can name what is not there, unless nothing else
    /// has come from it for long.
    pub fn is_unknown(&mut self) {
        let before = self.recorder.unknown.fetch_add(1, Ordering::Relaxed);
        if before >= UNKNOWN {
            // Nor does it wrap around.
            self.recorder.unknown.store(UNKNOWN, Ordering::Relaxed);
            self.failed();
        } else {
            self.waits_no_more();
        }
    }

    /// Whoever waits for it gives up after so long without an answer: it would have taken so long at least. That counts where it is longer than
    /// the target usually takes; of one that has never answered it is kept apart.
    pub fn given_up(&mut self, after: Duration) {
        if !self.waits {
            return;
        }
        self.waits_no_more();
        let kind = self.recorder.kind(self.stream);
        let (micros, pulse) = (micros(after), kind.pulse.load(Ordering::Relaxed));
        if pulse == 0 {
            if after >= IMPATIENT {
                kind.silent.note(micros);
            }
        } else if micros > u64::from(pulse) {
            kind.first.note(micros);
            kind.feel(micros);
        }
    }

    /// Its answer is complete: so many output tokens, of which the first came after `first` and the last after `whole`. Of an answer of which
    /// the tokens are not known only the time counts that it took.
    pub fn complete(self, tokens: u64, first: Duration, whole: Duration) {
        self.recorder.whole.note(micros(whole));
        // The first token has no time of its own.
        let rest = tokens.saturating_sub(1);
        if self.stream && rest > 0 {
            let time = micros(whole.saturating_sub(first)) / rest;
            self.recorder.token.note(time);
        }
    }

    fn waits_no_more(&mut self) {
        if std::mem::take(&mut self.waits) {
            let kind = self.recorder.kind(self.stream);
            kind.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.waits_no_more();
        self.recorder.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.recorder.moves_probe(self.number, WANTED);
    }
}

/// How long an answer of usual length would have taken where one of so many tokens took this.
fn usual(took: Duration, tokens: u64) -> Duration {
    if tokens == 0 {
        return took;
    }
    let factor = (USUAL + FIRST) / (tokens as f64 + FIRST);
    Duration::try_from_secs_f64(took.as_secs_f64() * factor).unwrap_or(took)
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
        let ([whole, streams], [whole_before, streams_before]) = (&self.kinds, &before.kinds);
        Self {
            answered: self.answered.wrapping_sub(before.answered),
            failed: self.failed.wrapping_sub(before.failed),
            kinds: [whole.since(whole_before), streams.since(streams_before)],
            token: self.token.since(&before.token),
            whole: self.whole.since(&before.whole),
        }
    }
}

impl KindTotals {
    fn since(&self, before: &Self) -> Self {
        Self {
            begun: self.begun.wrapping_sub(before.begun),
            first: self.first.since(&before.first),
            silent: self.silent.since(&before.silent),
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

    fn streams(recorder: &Recorder) -> KindTotals {
        recorder.totals().kinds[1]
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_dropped() {
        let recorder = Arc::new(Recorder::default());
        let (mut one, two) = (recorder.begin(true), recorder.begin(false));
        assert_eq!((recorder.in_flight(), recorder.waiting()), (2, [1, 1]));
        one.failed();
        assert_eq!((recorder.in_flight(), recorder.waiting()), (2, [1, 0]));
        assert_eq!(recorder.in_a_row(), 1);
        drop(one);
        two.complete(0, ms(1), ms(2));
        assert_eq!((recorder.in_flight(), recorder.waiting()), (0, [0, 0]));
        let totals = recorder.totals();
        let begun = totals.kinds.map(|kind| kind.begun);
        assert_eq!((begun, totals.failed), ([1, 1], 1));
    }

    #[test]
    fn a_long_answer_is_no_slow_token() {
        let recorder = Arc::new(Recorder::default());
        for tokens in [2_u64, 1_001] {
            let mut flight = recorder.begin(true);
            flight.answered(ms(300), 0);
            flight.complete(tokens, ms(300), ms(300 + 20 * (tokens - 1)));
        }
        let (token, first) = (recorder.totals().token, streams(&recorder).first);
        assert_eq!((token.count, token.sum), (2, 40_000));
        assert_eq!((first.count, first.sum), (2, 600_000));
    }

    #[test]
    fn a_long_answer_that_comes_whole_is_no_slow_one() {
        let recorder = Arc::new(Recorder::default());
        for tokens in [1_u64, 10, 256, 4_000] {
            let before = recorder.totals();
            let took = ms(400 + 20 * tokens);
            let mut flight = recorder.begin(false);
            flight.answered(took, tokens);
            flight.complete(tokens, took, took);
            let since = recorder.totals().since(&before);
            assert_eq!(since.token.count, 0, "nobody has seen it");
            let first = since.kinds[0].first.sum;
            assert!(first.abs_diff(5_520_000) < 1_000, "{tokens}: {first}");
        }
    }

    #[test]
    fn whoever_gives_up_has_waited_for_so_long_at_least() {
        let recorder = Arc::new(Recorder::default());
        recorder.begin(true).given_up(ms(900));
        recorder.begin(true).given_up(ms(3_000));
        let totals = streams(&recorder);
        assert_eq!((totals.silent.count, totals.first.count), (1, 0));
        let mut flight = recorder.begin(true);
        flight.answered(ms(400), 0);
        flight.given_up(ms(9_000));
        recorder.begin(true).given_up(ms(100));
        recorder.begin(true).given_up(ms(2_000));
        let totals = streams(&recorder);
        assert_eq!((totals.first.count, totals.first.sum), (2, 2_400_000));
        assert_eq!(totals.silent.count, 1);
        assert_eq!(recorder.totals().answered, 1, "that is no answer");
        assert_eq!(recorder.waiting(), [0, 0]);
    }

    #[test]
    fn nothing_is_lost_between_threads_nor_where_sums_wrap_around() {
        let recorder = Arc::new(Recorder::default());
        recorder.kinds[1]
            .first
            .sum
            .store(u64::MAX - 5, Ordering::Relaxed);
        let before = recorder.totals();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| recorder.begin(true).answered(ms(1), 0)));
            }
        });
        let since = recorder.totals().since(&before).kinds[1];
        assert_eq!(
            (since.begun, since.first.count, since.first.sum),
            (4_000, 4_000, 4_000_000)
        );
        assert_eq!(recorder.in_flight(), 0);
    }
}
