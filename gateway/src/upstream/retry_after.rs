//! When a provider wants to be asked again, from the headers of its refusal.

use std::time::Duration;

use http::HeaderMap;
use jiff::fmt::rfc2822::DateTimeParser;

/// How long to leave it alone, as far as the headers say: `retry-after-ms`, `retry-after` in seconds or as an HTTP date (source: RFC 9110,
/// 10.2.3), else the resets of the OpenAI rate-limit headers of which nothing remains. `now` is in milliseconds since 1970.
#[must_use]
pub(crate) fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return seconds(millis / 1000.0);
    }
    if let Some(said) = text("retry-after") {
        return match said.parse::<f64>() {
            Ok(count) => seconds(count),
            Err(_) => until(said, now),
        };
    }
    let exhausted = |kind: &str| {
        let remaining = text(&format!("x-ratelimit-remaining-{kind}"))?;
        (remaining == "0").then_some(())?;
        span(text(&format!("x-ratelimit-reset-{kind}"))?)
    };
    exhausted("requests").max(exhausted("tokens"))
}

/// From now until a date; nothing, if it is over.
fn until(date: &str, now: i64) -> Option<Duration> {
    let then = DateTimeParser::new().parse_timestamp(date).ok()?;
    let left = then.as_millisecond().saturating_sub(now).max(0);
    u64::try_from(left).ok().map(Duration::from_millis)
}

/// A length such as `6m0s`, `1.5s` or `20ms`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    seconds(total)
}

fn seconds(count: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    /// Wed, 21 Oct 2015 07:28:00 GMT.
    const THEN: i64 = 1_445_412_480_000;

    fn after(pairs: &[(&'static str, &str)]) -> Option<u128> {
        let headers = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        retry_after(&headers.collect(), THEN - 90_500).map(|time| time.as_millis())
    }

    #[test]
    fn seconds_dates_and_milliseconds_are_understood() {
        assert_eq!(after(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(after(&[("retry-after", " 0.5 ")]), Some(500));
        assert_eq!(
            after(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]),
            Some(90_500)
        );
        assert_eq!(
            after(&[("retry-after", "9"), ("retry-after-ms", "1500")]),
            Some(1_500)
        );
    }

    #[test]
    fn a_date_that_is_over_means_now() {
        assert_eq!(
            after(&[("retry-after", "Tue, 20 Oct 2015 07:28:00 GMT")]),
            Some(0)
        );
    }

    #[test]
    fn nonsense_says_nothing() {
        for text in ["", "soon", "-1", "NaN", "inf", "1e99", "Wed, 99 Foo 2015"] {
            assert_eq!(after(&[("retry-after", text)]), None, "{text:?}");
        }
        assert_eq!(after(&[]), None);
    }

    #[test]
    fn the_reset_of_what_is_used_up_counts() {
        let limits = |requests, tokens| {
            after(&[
                ("x-ratelimit-remaining-requests", requests),
                ("x-ratelimit-reset-requests", "6m0s"),
                ("x-ratelimit-remaining-tokens", tokens),
                ("x-ratelimit-reset-tokens", "120ms"),
            ])
        };
        assert_eq!(limits("0", "5"), Some(360_000));
        assert_eq!(limits("5", "0"), Some(120));
        assert_eq!(limits("0", "0"), Some(360_000));
        assert_eq!(limits("5", "5"), None);
    }
}
