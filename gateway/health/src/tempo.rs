//! How quick a model is, and how much it has to do: what strategies that follow measurements go by.
//!
//! Of streams the time to the first content is what a caller waits for, and is measured as it is. Of an answer that comes whole it is the time to
//! its last token, and a long answer must not make a slow model: each is taken apart into a time to begin and a time for each token. Of an answer
//! that took longer than expected the part that its length explains goes to the time of a token, the rest to the beginning (a step of Kaczmarz's
//! method, with [`BEGINNING`] for the scale). What is expected of a model is then told for an answer of the length that the request will probably have.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::peak::Peak;

/// To begin takes about as long as so many tokens, before anything is known.
const BEGINNING: f64 = 32.0;
/// About how long an answer that comes whole is taken to be where models are compared, in tokens; less if the request allows less.
pub const USUAL_ANSWER: u32 = 256;
/// A failure costs the caller at least as much as so long a wait.
const FAILURE: Duration = Duration::from_secs(5);

/// How quick a model is, and how much it has to do. Shared by all cores.
#[derive(Debug, Default)]
pub struct Tempo {
    /// Microseconds to the first content of streams.
    streams: Peak,
    /// Microseconds until an answer that comes whole begins.
    whole: Peak,
    /// Nanoseconds for each token of it.
    token: Peak,
    /// Answers in flight (32 bits), above those of which nothing has come yet.
    load: AtomicU64,
}

/// How a model does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How many requests it is answering.
    pub busy: u32,
    /// How many of these have had nothing yet.
    pub waiting: u32,
    /// How long a request will probably wait; `None`: nobody knows.
    pub expected: Option<Duration>,
    /// Whether that is worth measuring anew.
    pub stale: bool,
}

const BUSY: u64 = 1 << 32;
const WAITING: u64 = 1;

impl Tempo {
    /// A request goes out.
    pub fn goes_out(&self) {
        self.load.fetch_add(BUSY + WAITING, Ordering::Relaxed);
    }

    /// Its answer has begun.
    pub fn begins(&self) {
        self.load.fetch_sub(WAITING, Ordering::Relaxed);
    }

    /// It is over; `begun`: as [`Self::begins`] was told.
    pub fn ends(&self, begun: bool) {
        let waited = if begun { 0 } else { WAITING };
        self.load.fetch_sub(BUSY + waited, Ordering::Relaxed);
    }

    /// The first content of a stream took so long.
    pub fn streamed(&self, now: Duration, took: Duration) {
        self.streams.note(now, micros(took));
    }

    /// A whole answer of so many tokens took so long.
    pub fn answered(&self, now: Duration, took: Duration, tokens: u64) {
        let tokens = tokens as f64;
        let known = |peak: &Peak| f64::from(peak.get(now).map_or(0, |average| average.value));
        // All in microseconds.
        let (begins, each) = (known(&self.whole), known(&self.token) / 1000.0);
        let more = f64::from(micros(took)) - tokens.mul_add(each, begins);
        let scale = BEGINNING * BEGINNING + tokens * tokens;
        self.whole
            .note(now, rounded(begins + more * BEGINNING * BEGINNING / scale));
        if tokens > 0.0 {
            let each = each + more * tokens / scale;
            self.token.note(now, rounded(each * 1000.0));
        }
    }

    /// Nothing came for so long at least.
    pub fn silent(&self, now: Duration, stream: bool, took: Duration) {
        self.of(stream).at_least(now, micros(took));
    }

    /// It failed after so long. A model that fails fast is not a quick one.
    pub fn failed(&self, now: Duration, stream: bool, took: Duration) {
        self.of(stream).at_least(now, micros(took.max(FAILURE)));
    }

    /// It has refused something that was wrong with the request: that says how quick it is only while nothing else does.
    pub fn refused(&self, now: Duration, stream: bool, took: Duration) {
        if self.of(stream).get(now).is_none() {
            self.of(stream).note(now, micros(took));
        }
    }

    /// How it does, for an answer that is streamed or will probably have so many tokens.
    #[must_use]
    pub fn read(&self, now: Duration, stream: bool, tokens: u32) -> Reading {
        let load = self.load.load(Ordering::Relaxed);
        let begins = self.of(stream).get(now);
        let each = if stream { None } else { self.token.get(now) };
        let each = each.map_or(Duration::ZERO, |average| {
            Duration::from_nanos(average.value.into())
        });
        Reading {
            busy: half(load >> 32),
            waiting: half(load),
            expected: begins.map(|average| {
                Duration::from_micros(average.value.into()) + each.saturating_mul(tokens)
            }),
            stale: begins.is_some_and(super::peak::Average::is_stale),
        }
    }

    fn of(&self, stream: bool) -> &Peak {
        if stream { &self.streams } else { &self.whole }
    }
}

fn half(word: u64) -> u32 {
    u32::try_from(word & 0xFFFF_FFFF).unwrap_or(u32::MAX)
}

/// An hour and eleven minutes at most.
fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from floats saturate: nothing takes less than no time"
)]
fn rounded(number: f64) -> u32 {
    number.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// What is expected after answers of these lengths, from a model that begins after so long and then takes so long for each token.
    fn learned(begins: u64, each: u64, lengths: impl Iterator<Item = u64>, tokens: u32) -> u128 {
        let tempo = Tempo::default();
        let mut now = Duration::ZERO;
        for length in lengths {
            now += ms(500);
            tempo.answered(now, ms(begins + each * length), length);
        }
        let read = tempo.read(now, false, tokens);
        read.expected.map_or(0, |expected| expected.as_millis())
    }

    #[test]
    fn a_long_answer_is_not_a_slow_model() {
        let mut random = fastrand::Rng::with_seed(5);
        let quick = learned(300, 10, std::iter::repeat_n(2_000, 50), 200);
        let slow = learned(900, 30, std::iter::repeat_n(20, 50), 200);
        assert!(quick < slow, "{quick} {slow}");
        let lengths = (0..500).map(|_| random.u64(10..1_500));
        let mixed = learned(500, 15, lengths, 200);
        assert!((2_800..4_200).contains(&mixed), "{mixed} for 3500");
    }

    #[test]
    fn an_answer_without_tokens_is_all_beginning() {
        assert_eq!(learned(80, 0, std::iter::repeat_n(0, 5), 200), 80);
    }

    #[test]
    fn streams_and_whole_answers_are_apart() {
        let tempo = Tempo::default();
        tempo.streamed(ms(0), ms(200));
        let expected = |stream| tempo.read(ms(1), stream, 100).expected;
        assert_eq!((expected(true), expected(false)), (Some(ms(200)), None));
    }

    #[test]
    fn a_model_that_fails_fast_is_not_quick() {
        let tempo = Tempo::default();
        tempo.streamed(ms(0), ms(200));
        tempo.failed(ms(10), true, ms(1));
        assert_eq!(tempo.read(ms(10), true, 0).expected, Some(FAILURE));
        tempo.silent(ms(20), true, ms(9_000));
        assert_eq!(tempo.read(ms(20), true, 0).expected, Some(ms(9_000)));
    }

    #[test]
    fn a_refusal_counts_only_while_nothing_else_is_known() {
        let tempo = Tempo::default();
        tempo.refused(ms(0), true, ms(40));
        tempo.refused(ms(0), true, ms(900));
        assert_eq!(tempo.read(ms(0), true, 0).expected, Some(ms(40)));
    }

    #[test]
    fn whoever_is_out_is_counted_until_it_ends() {
        let tempo = Tempo::default();
        let load = || {
            let read = tempo.read(ms(0), true, 0);
            (read.busy, read.waiting)
        };
        tempo.goes_out();
        tempo.goes_out();
        tempo.begins();
        assert_eq!(load(), (2, 1));
        tempo.ends(true);
        tempo.ends(false);
        assert_eq!(load(), (0, 0));
    }
}
