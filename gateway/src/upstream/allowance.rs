//! What the headers of an answer say is left of the account that it was asked with.
//!
//! Sources: OpenAI, "Rate limits: rate limits in headers" (`x-ratelimit-remaining-requests`, `x-ratelimit-reset-requests` as a length of time; most
//! vendors that are compatible send the same, some with seconds for a length); Anthropic, "Rate limits: response headers"
//! (`anthropic-ratelimit-requests-remaining`, `anthropic-ratelimit-requests-reset` as RFC 3339).

use std::time::Duration;

use fairlead_health::{Accounts, Allowance};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::retry_after::span;

/// Where nothing is said of when it is renewed: limits are counted by the minute.
const UNSAID: Duration = Duration::from_secs(60);
/// Nothing is believed to last longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is left of one kind, and the name of when it is renewed.
struct Names {
    remaining: HeaderName,
    reset: HeaderName,
}

const fn names(remaining: &'static str, reset: &'static str) -> Names {
    Names {
        remaining: HeaderName::from_static(remaining),
        reset: HeaderName::from_static(reset),
    }
}

static REQUESTS: [Names; 2] = [
    names(
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    names(
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
];
static TOKENS: [Names; 2] = [
    names("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    names(
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
];

/// How many more requests the account may send, and for how long, by requests and by tokens, of which one uses as many as those before; the
/// less of both. `now`: since the process started; `unix_millis`: the same moment by the wall. `None`: nothing is said.
#[must_use]
pub(super) fn told(
    headers: &HeaderMap,
    accounts: &Accounts,
    now: Duration,
    unix_millis: i64,
) -> Option<Allowance> {
    let requests = one(headers, &REQUESTS, unix_millis);
    let tokens = one(headers, &TOKENS, unix_millis).and_then(|(left, within)| {
        let requests = accounts.requests_for(left)?;
        Some((requests, within))
    });
    let all = requests.into_iter().chain(tokens);
    let (left, within) = all.min_by_key(|(left, _)| *left)?;
    Some(Allowance {
        left,
        until: now + within.min(LONGEST),
    })
}

fn one(headers: &HeaderMap, names: &[Names; 2], unix_millis: i64) -> Option<(u64, Duration)> {
    names.iter().find_map(|names| {
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
        let left = text(&names.remaining)?.parse().ok()?;
        let reset = text(&names.reset).and_then(|text| within(text, unix_millis));
        Some((left, reset.unwrap_or(UNSAID)))
    })
}

/// As many seconds are no length but a time, in seconds since 1970, and a thousand times as many one in milliseconds.
const SINCE_1970: i64 = 1_000_000_000;

/// How long until then: a length such as `6m0s`, seconds, or a time.
fn within(text: &str, unix_millis: i64) -> Option<Duration> {
    let until = |then: Timestamp| {
        let left = then.as_millisecond().saturating_sub(unix_millis).max(0);
        u64::try_from(left).ok().map(Duration::from_millis)
    };
    match text.parse::<i64>() {
        Ok(then) if then >= SINCE_1970 * 1_000 => until(Timestamp::from_millisecond(then).ok()?),
        Ok(then) if then >= SINCE_1970 => until(Timestamp::from_second(then).ok()?),
        _ => match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => span(text).or_else(|| until(text.parse().ok()?)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// 2024-01-01T00:00:00Z.
    const NOW: i64 = 1_704_067_200_000;

    fn told_by(pairs: &[(&'static str, &str)], tokens_each: u64) -> Option<(u64, u128)> {
        let headers = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        });
        let accounts = Accounts::default();
        accounts.used(tokens_each);
        let now = Duration::from_secs(7);
        let told = told(&headers.collect(), &accounts, now, NOW)?;
        Some((told.left, (told.until - now).as_millis()))
    }

    #[test]
    fn requests_are_told_in_either_way() {
        for (reset, millis) in [
            ("1m30s", 90_000),
            ("20ms", 20),
            ("12", 12_000),
            ("1704067210", 10_000),
            ("1704067210500", 10_500),
            ("1704067100", 0),
            ("soon", 60_000),
        ] {
            let told = told_by(
                &[
                    ("x-ratelimit-remaining-requests", "59"),
                    ("x-ratelimit-reset-requests", reset),
                ],
                0,
            );
            assert_eq!(told, Some((59, millis)), "{reset}");
        }
        let told = told_by(
            &[
                ("anthropic-ratelimit-requests-remaining", "3"),
                ("anthropic-ratelimit-requests-reset", "2024-01-01T00:00:10Z"),
            ],
            0,
        );
        assert_eq!(told, Some((3, 10_000)));
    }

    #[test]
    fn tokens_are_as_many_requests_as_they_are_enough_for_and_the_less_counts() {
        let pairs = [
            ("x-ratelimit-remaining-requests", "500"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "4000"),
            ("x-ratelimit-reset-tokens", "30s"),
        ];
        assert_eq!(told_by(&pairs, 1_000), Some((4, 30_000)));
        assert_eq!(told_by(&pairs, 1), Some((500, 1_000)));
        assert_eq!(told_by(&pairs, 0), Some((500, 1_000)), "nobody knows");
        assert_eq!(told_by(&pairs[2..], 0), None);
    }

    #[test]
    fn nonsense_says_nothing_and_nothing_lasts_for_ever() {
        for left in ["", "many", "-1", "1.5"] {
            assert_eq!(
                told_by(&[("x-ratelimit-remaining-requests", left)], 0),
                None
            );
        }
        let pairs = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "999999999"),
        ];
        assert_eq!(told_by(&pairs, 0), Some((0, LONGEST.as_millis())));
        assert_eq!(told_by(&[], 0), None);
    }
}
