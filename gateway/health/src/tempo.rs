//! How quick a model is, and how much it has to do: what strategies that follow measurements go by.
//!
//! Of streams the time to the first content is what a caller waits for, and is measured as it is. Of an answer that comes whole it is the time to
//! its last token, and a long answer must not make a slow model: each is taken apart into a time to begin and a time for each token. Of an answer
//! that took longer than expected the part that its length explains goes to the time of a token, the rest to the beginning (a step of Kaczmarz's
//! method, with [`BEGINNING`] for the scale). What is expected of a model is then told for an answer of the length that the request will probably have.
//!
//! What a failure or a silence costs the caller is kept apart from all that, and counts where it is more: no length explains it, and a step of the
//! method that takes it for a slow beginning is taken back by long answers only in thousands of steps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::peak::{Average, Peak};

/// A silence of a model that nobody knows tells something from here on.
const PATIENCE: Duration = Duration::from_secs(1);

/// To begin takes about as long as so many tokens, before anything is known.
const BEGINNING: f64 = 32.0;
/// About how long an answer that comes whole is taken to be where models are compared, in tokens; less if the request allows less.
pub const USUAL_ANSWER: u32 = 256;
/// A failure costs the caller at least as much as so long a wait.
const FAILURE: Duration = Duration::from_secs(5);

/// How quick a model is, and how much it has to do. Shared by all cores.
#[derive(Debug, Default)]
pub struct Tempo {
    /// Of streams, to the first content.
    streams: Wait,
    /// Of answers that come whole, until they begin.
    whole: Wait,
    /// Nanoseconds for each token of the latter.
    token: Peak,
    /// Answers in flight (32 bits), above those of which nothing has come yet.
    load: AtomicU64,
}

/// What callers wait for, in microseconds.
#[derive(Debug, Default)]
struct Wait {
    /// Of what is answered: how long until it begins.
    begins: Peak,
    /// Of what is not: how long that cost the caller. Answers take it down again.
    trouble: Peak,
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
        self.streams.answered(now, micros(took));
    }

    /// A whole answer of so many tokens took so long.
    pub fn answered(&self, now: Duration, took: Duration, tokens: u64) {
        let tokens = tokens as f64;
        // What is old explains nothing of an answer that came now.
        let known = |peak: &Peak| {
            let average = peak.get(now).filter(|average| !average.is_stale());
            f64::from(average.map_or(0, |average| average.value))
        };
        // All in microseconds.
        let (begins, each) = (known(&self.whole.begins), known(&self.token) / 1000.0);
        let more = f64::from(micros(took)) - tokens.mul_add(each, begins);
        let scale = BEGINNING * BEGINNING + tokens * tokens;
        self.whole
            .answered(now, rounded(begins + more * BEGINNING * BEGINNING / scale));
        if tokens > 0.0 {
            let each = each + more * tokens / scale;
            self.token.note(now, rounded(each * 1000.0));
        }
    }

    /// Nothing came for so long at least. Of a model that nobody knows a short silence says nothing: a caller that hangs up at once does not make it
    /// quick.
    pub fn silent(&self, now: Duration, stream: bool, took: Duration) {
        let wait = self.of(stream);
        let least = wait.longest(now).unwrap_or(micros(PATIENCE));
        if least < micros(took) {
            wait.trouble.at_least(now, micros(took));
        }
    }

    /// It failed after so long. A model that fails fast is not a quick one.
    pub fn failed(&self, now: Duration, stream: bool, took: Duration) {
        let took = micros(took.max(FAILURE));
        self.of(stream).trouble.at_least(now, took);
    }

    /// It has refused something that was wrong with the request: of a model that answers others that says nothing. One that has answered nobody may
    /// refuse everything, and fast, and must not be taken for the quickest.
    pub fn refused(&self, now: Duration, stream: bool, took: Duration) {
        let wait = self.of(stream);
        if wait.begins.get(now).is_none() {
            let known = wait.longest(now).unwrap_or(0);
            let took = micros(took.max(FAILURE)).max(known);
            wait.trouble.at_least(now, took);
        }
    }

    /// How it does, for an answer that is streamed or will probably have so many tokens.
    #[must_use]
    pub fn read(&self, now: Duration, stream: bool, tokens: u32) -> Reading {
        let load = self.load.load(Ordering::Relaxed);
        let wait = self.of(stream);
        let (begins, trouble) = (wait.begins.get(now), wait.trouble.get(now));
        let each = if stream { None } else { self.token.get(now) };
        let each = each.map_or(Duration::ZERO, |average| {
            Duration::from_nanos(average.value.into())
        });
        let time = |average: Average| Duration::from_micros(average.value.into());
        let answer = begins.map(|average| time(average) + each.saturating_mul(tokens));
        // Whatever was noted last has measured it.
        let both = begins.into_iter().chain(trouble);
        let latest = both.min_by_key(|average| average.age);
        Reading {
            busy: half(load >> 32),
            waiting: half(load),
            expected: answer.max(trouble.map(time)),
            stale: latest.is_some_and(Average::is_stale),
        }
    }

    fn of(&self, stream: bool) -> &Wait {
        if stream { &self.streams } else { &self.whole }
    }
}

impl Wait {
    /// An answer began after so long. Trouble is taken down to that, not to what all of an answer took, which would be a penalty for its length.
    fn answered(&self, now: Duration, began: u32) {
        self.begins.note(now, began);
        self.trouble.at_most(now, began);
    }

    /// What is known to have been waited; `None`: nobody knows.
    fn longest(&self, now: Duration) -> Option<u32> {
        let value = |peak: &Peak| peak.get(now).map(|average| average.value);
        value(&self.begins).max(value(&self.trouble))
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

    /// A whole answer of so many tokens, from a model that begins after 0.3 s and takes 10 ms for each.
    fn answers_well(tempo: &Tempo, now: Duration, tokens: u64) {
        tempo.answered(now, ms(300 + 10 * tokens), tokens);
    }

    fn expected(tempo: &Tempo, now: Duration, stream: bool, tokens: u32) -> u128 {
        let read = tempo.read(now, stream, tokens);
        read.expected.map_or(0, |expected| expected.as_millis())
    }

    #[test]
    fn good_whole_answers_make_up_for_a_failure() {
        for trouble in [Tempo::failed, Tempo::silent] {
            let tempo = Tempo::default();
            answers_well(&tempo, ms(0), 256);
            trouble(&tempo, ms(100), false, ms(8_000));
            assert_eq!(expected(&tempo, ms(100), false, 256), 8_000, "as waited");
            for n in 1..=40 {
                answers_well(&tempo, ms(100 + 20 * n), 256);
            }
            let after = expected(&tempo, ms(900), false, 256);
            assert!((2_800..2_900).contains(&after), "{after} for 2860");
        }
    }

    #[test]
    fn one_good_whole_answer_ten_seconds_later_makes_up_for_a_failure() {
        let tempo = Tempo::default();
        tempo.failed(ms(0), false, ms(1));
        assert!(tempo.read(ms(10_000), false, 256).stale);
        answers_well(&tempo, ms(10_000), 256);
        let after = expected(&tempo, ms(10_000), false, 256);
        assert!((2_800..2_900).contains(&after), "{after} for 2860");
        let short = expected(&tempo, ms(10_000), false, 1);
        assert!(short < 100, "what long answers take is no penalty: {short}");
    }

    #[test]
    fn a_long_answer_is_no_trouble() {
        let tempo = Tempo::default();
        answers_well(&tempo, ms(0), 256);
        tempo.failed(ms(10), false, ms(1));
        for n in 1..=60 {
            answers_well(&tempo, ms(10 + n), 2_000);
        }
        let short = expected(&tempo, ms(100), false, 10);
        assert!(short < 500, "{short} for 400");
    }

    #[test]
    fn whole_answers_of_long_ago_explain_nothing_of_a_new_one() {
        let tempo = Tempo::default();
        tempo.answered(ms(0), ms(60_000), 10);
        answers_well(&tempo, ms(10_000), 256);
        let after = expected(&tempo, ms(10_000), false, 256);
        assert!((2_800..2_900).contains(&after), "{after} for 2860");
    }

    #[test]
    fn who_hangs_up_on_a_model_that_nobody_knows_says_nothing() {
        for stream in [true, false] {
            let tempo = Tempo::default();
            tempo.silent(ms(0), stream, ms(1));
            assert_eq!(tempo.read(ms(0), stream, 100).expected, None);
        }
    }

    #[test]
    fn who_hangs_up_early_keeps_no_model_from_being_measured_anew() {
        for stream in [true, false] {
            let tempo = Tempo::default();
            tempo.failed(ms(0), stream, ms(60_000));
            tempo.silent(ms(9_000), stream, ms(8_900));
            let read = tempo.read(ms(10_000), stream, 0);
            assert_eq!((read.expected, read.stale), (Some(ms(60_000)), true));
            tempo.silent(ms(18_000), stream, ms(1));
            let read = tempo.read(ms(18_000), stream, 0);
            let unchanged = (Some(ms(60_000)), true);
            assert_eq!((read.expected, read.stale), unchanged, "nor quicker");
        }
    }

    #[test]
    fn a_model_that_goes_on_failing_is_not_worth_measuring_anew() {
        let tempo = Tempo::default();
        tempo.streamed(ms(0), ms(200));
        tempo.failed(ms(9_000), true, ms(1));
        assert!(!tempo.read(ms(12_000), true, 0).stale);
        tempo.failed(ms(20_000), true, ms(1));
        assert!(!tempo.read(ms(20_001), true, 0).stale);
    }

    #[test]
    fn a_model_that_only_refuses_does_not_look_quick() {
        let tempo = Tempo::default();
        tempo.refused(ms(0), true, ms(20));
        assert_eq!(expected(&tempo, ms(0), true, 0), FAILURE.as_millis());
        // Nor is it tried all the time, once that is old.
        assert!(tempo.read(ms(10_000), true, 0).stale);
        tempo.refused(ms(10_000), true, ms(20));
        assert!(!tempo.read(ms(10_001), true, 0).stale);
        // The first answer after a while tells more.
        tempo.streamed(ms(20_000), ms(200));
        assert_eq!(expected(&tempo, ms(20_000), true, 0), 200);
    }

    #[test]
    fn a_refusal_never_makes_a_model_look_quicker() {
        let tempo = Tempo::default();
        tempo.failed(ms(0), true, ms(60_000));
        for now in [1, 15_000] {
            tempo.refused(ms(now), true, ms(20));
            assert_eq!(expected(&tempo, ms(now), true, 0), 60_000);
        }
    }

    #[test]
    fn a_refusal_says_nothing_of_a_model_that_has_answered() {
        let tempo = Tempo::default();
        tempo.streamed(ms(0), ms(200));
        tempo.refused(ms(1), true, ms(20));
        tempo.refused(ms(1), true, ms(9_000));
        assert_eq!(expected(&tempo, ms(1), true, 0), 200);
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
