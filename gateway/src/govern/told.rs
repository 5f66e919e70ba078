//! What callers are told of their rates with each answer: the tightest limit of each unit, in the headers that their SDK reads.

use std::time::Duration;

use fairlead_snapshot::Unit;
use fairlead_store::Now;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::bound::Measure;
use super::instant::instant;
use super::{Governed, Governor};
use crate::surface::Surface;

/// How the tightest rate of each unit stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates([Option<Left>; 4]);

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
struct Left {
    limit: i64,
    remaining: i64,
    /// When all of it is there again at the latest, unix milliseconds.
    reset: i64,
    /// The same from now.
    within: Duration,
}

/// The units, in the order of [`Rates`].
const UNITS: [Unit; 4] = [
    Unit::Requests,
    Unit::Tokens,
    Unit::InputTokens,
    Unit::OutputTokens,
];

/// About how many headers an answer gets beside these.
const OTHERS: usize = 8;

/// The names of the headers of a unit: the limit, what remains of it, and when all of it is there again.
type Names = [HeaderName; 3];

/// OpenAI's, by unit. Made once: a name that is parsed for each answer costs more than counting what it tells.
const OPENAI: [Names; 4] = [
    names([
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ]),
    names([
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ]),
    names([
        "x-ratelimit-limit-input-tokens",
        "x-ratelimit-remaining-input-tokens",
        "x-ratelimit-reset-input-tokens",
    ]),
    names([
        "x-ratelimit-limit-output-tokens",
        "x-ratelimit-remaining-output-tokens",
        "x-ratelimit-reset-output-tokens",
    ]),
];

/// Anthropic's, by unit.
const ANTHROPIC: [Names; 4] = [
    names([
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ]),
    names([
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ]),
    names([
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ]),
    names([
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ]),
];

const fn names(texts: [&'static str; 3]) -> Names {
    let [limit, remaining, reset] = texts;
    [
        HeaderName::from_static(limit),
        HeaderName::from_static(remaining),
        HeaderName::from_static(reset),
    ]
}

impl Governor {
    /// How the rates stand that a request has to keep; `None`: there are none.
    #[must_use]
    pub(crate) fn rates(&self, asked: &Governed, now: Now) -> Option<Box<Rates>> {
        let mut rates = Rates::default();
        for bound in asked
            .caller
            .chain
            .iter()
            .filter(|bound| bound.counts_model(&asked.model))
        {
            let Measure::Rate(rate) = &bound.measure else {
                continue;
            };
            let standing = bound.standing(&self.counters, asked.user.as_deref(), now);
            let taken = standing.used.saturating_add(standing.leased);
            let length = if taken > 0 { rate.per_ms } else { 0 };
            let left = Left {
                limit: rate.limit,
                remaining: rate.limit.saturating_sub(taken).max(0),
                reset: now.unix_ms.saturating_add_unsigned(length),
                within: Duration::from_millis(length),
            };
            let place = UNITS.iter().position(|unit| *unit == rate.unit);
            if let Some(place) = place.and_then(|place| rates.0.get_mut(place))
                && place.is_none_or(|other| left.part() < other.part())
            {
                *place = Some(left);
            }
        }
        rates.0.iter().any(Option::is_some).then(|| Box::new(rates))
    }
}

impl Left {
    /// How much is left of all, in millionths.
    fn part(&self) -> i128 {
        i128::from(self.remaining) * 1_000_000 / i128::from(self.limit.max(1))
    }
}

impl Rates {
    /// Writes the headers. Names and forms are those of OpenAI's (`x-ratelimit-*`, a duration) and Anthropic's (`anthropic-ratelimit-*`, a
    /// moment); Gemini has none, and its callers get OpenAI's.
    pub(crate) fn write(&self, headers: &mut HeaderMap, surface: Surface) {
        let names = match surface {
            Surface::Anthropic => &ANTHROPIC,
            Surface::OpenAi | Surface::Gemini => &OPENAI,
        };
        // Grown once, if at all.
        headers.reserve(self.0.iter().flatten().count() * 3 + OTHERS);
        for (left, [limit, remaining, reset]) in self.0.iter().zip(names) {
            let Some(left) = left else { continue };
            headers.insert(limit, left.limit.into());
            headers.insert(remaining, left.remaining.into());
            let again = match surface {
                Surface::Anthropic => instant(left.reset),
                Surface::OpenAi | Surface::Gemini => duration(left.within),
            };
            if let Ok(again) = HeaderValue::try_from(again) {
                headers.insert(reset, again);
            }
        }
    }
}

/// A time as OpenAI writes it: `6m0s`, `1s`, `20ms`.
fn duration(time: Duration) -> String {
    let mut text = String::with_capacity(16);
    let mut add = |number: u64, unit| {
        text.push_str(itoa::Buffer::new().format(number));
        text.push_str(unit);
    };
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (0, 0) => add(u64::from(time.subsec_millis()), "ms"),
        (0, seconds) => add(seconds, "s"),
        (minutes, seconds) => {
            add(minutes, "m");
            add(seconds, "s");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_clients_of_openai_read_them() {
        for (ms, text) in [
            (0, "0ms"),
            (20, "20ms"),
            (1_000, "1s"),
            (360_000, "6m0s"),
            (3_600_000, "60m0s"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn each_surface_has_headers_of_its_own() {
        let left = Left {
            limit: 100,
            remaining: 7,
            reset: 1_800_000_000_000,
            within: Duration::from_secs(60),
        };
        let rates = Rates([Some(left), None, None, Some(left)]);
        for (surface, name, value) in [
            (Surface::OpenAi, "x-ratelimit-remaining-requests", "7"),
            (Surface::OpenAi, "x-ratelimit-reset-requests", "1m0s"),
            (
                Surface::Anthropic,
                "anthropic-ratelimit-requests-limit",
                "100",
            ),
            (
                Surface::Anthropic,
                "anthropic-ratelimit-output-tokens-reset",
                "2027-01-15T08:00:00Z",
            ),
        ] {
            let mut headers = HeaderMap::new();
            rates.write(&mut headers, surface);
            assert_eq!(headers.get(name).unwrap(), value, "{name}");
            assert_eq!(headers.len(), 6);
        }
    }
}
