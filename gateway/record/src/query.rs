//! Questions as a query of a URL asks them: `key=shop/cart&outcome=failed&from=2026-11-30T07:00:00Z&limit=20`.

use jiff::Timestamp;

use crate::filter::{Ask, Filter};
use crate::outcome::Outcome;
use crate::usage::{By, UsageAsk};
use crate::{Name, hex};

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// There is no such parameter.
    #[error("there is no parameter {0:?}; there are: {1}")]
    Unknown(String, &'static str),
    /// Its value is none.
    #[error("{0}={1:?} is not understood: {2}")]
    Value(&'static str, String, &'static str),
}

/// What requests are asked for by.
const FILTER: &str = "from, to, key, team, model, provider, upstream_model, rule, outcome, class, status, min_cost_usd, min_ms, id, trace, text, limit, after";
/// What sums are asked for by.
const USAGE: &str = "from, to, key, team, provider, model, by";

const TIME: &str = "a moment as 2026-11-30T07:00:00Z, or in seconds since 1970";
const OUTCOME: &str = "ok, recovered, refused, failed or incomplete";
const BY: &str = "hour, day, team, key, provider, model, with commas between";
const NUMBER: &str = "a number";
const USD: &str = "US dollars, as 0.05";
const ID: &str = "16 hexadecimal digits in lower case";
const TRACE: &str = "32 hexadecimal digits in lower case";
const AFTER: &str = "what the page before says as next";

/// Which requests a query asks for; whose may be seen is still to be said.
///
/// # Errors
/// A parameter is unknown, or its value is not understood.
pub fn filter(query: &str) -> Result<(Filter, Ask), BadQuestion> {
    let (mut filter, mut ask) = (Filter::default(), Ask::default());
    for (name, value) in pairs(query) {
        let given = || Some(Name::from(&*value));
        match &*name {
            "from" => filter.from_unix_us = some("from", &value, TIME, micros)?,
            "to" => filter.to_unix_us = some("to", &value, TIME, micros)?,
            "key" => filter.key = given(),
            "team" => filter.team = given(),
            "model" => filter.model = given(),
            "provider" => filter.provider = given(),
            "upstream_model" => filter.upstream_model = given(),
            "rule" => filter.rule = given(),
            "outcome" => filter.outcome = some("outcome", &value, OUTCOME, outcome)?,
            "class" => filter.class = given(),
            "status" => filter.status = some("status", &value, NUMBER, |text| text.parse().ok())?,
            "min_cost_usd" => {
                filter.min_cost_nanos = some("min_cost_usd", &value, USD, nanos)?;
            }
            "min_ms" => filter.min_duration_us = some("min_ms", &value, NUMBER, millis)?,
            "id" => filter.id = some("id", &value, ID, hex::id)?,
            "trace" => filter.trace = some("trace", &value, TRACE, hex::bytes)?,
            "text" => filter.text = given(),
            "limit" => {
                let limit = some("limit", &value, NUMBER, |text| text.parse().ok())?;
                ask.limit = limit.unwrap_or(ask.limit);
            }
            "after" => ask.after = some("after", &value, AFTER, |text| text.parse().ok())?,
            _ => return Err(BadQuestion::Unknown(name, FILTER)),
        }
    }
    Ok((filter, ask))
}

/// Which sums a query asks for; over whose requests is still to be said.
///
/// # Errors
/// A parameter is unknown, or its value is not understood.
pub fn usage(query: &str) -> Result<UsageAsk, BadQuestion> {
    let mut ask = UsageAsk::default();
    for (name, value) in pairs(query) {
        let given = || Some(Name::from(&*value));
        match &*name {
            "from" => ask.from_unix_s = some("from", &value, TIME, seconds)?,
            "to" => ask.to_unix_s = some("to", &value, TIME, seconds)?,
            "key" => ask.key = given(),
            "team" => ask.team = given(),
            "provider" => ask.provider = given(),
            "model" => ask.model = given(),
            "by" => {
                for word in value.split(',') {
                    let by = by(word.trim());
                    ask.by
                        .push(by.ok_or_else(|| BadQuestion::Value("by", value.clone(), BY))?);
                }
            }
            _ => return Err(BadQuestion::Unknown(name, USAGE)),
        }
    }
    Ok(ask)
}

fn some<T>(
    name: &'static str,
    value: &str,
    form: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BadQuestion> {
    match read(value) {
        None => Err(BadQuestion::Value(name, value.to_owned(), form)),
        found => Ok(found),
    }
}

fn micros(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1_000_000),
        Err(_) => Some(text.parse::<Timestamp>().ok()?.as_microsecond()),
    }
}

fn seconds(text: &str) -> Option<i64> {
    micros(text).map(|micros| micros.div_euclid(1_000_000))
}

fn outcome(text: &str) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
}

fn millis(text: &str) -> Option<u64> {
    text.parse::<u64>().ok()?.checked_mul(1_000)
}

fn by(text: &str) -> Option<By> {
    match text {
        "hour" => Some(By::Hour),
        "day" => Some(By::Day),
        "team" => Some(By::Team),
        "key" => Some(By::Key),
        "provider" => Some(By::Provider),
        "model" => Some(By::Model),
        _ => None,
    }
}

/// Exactly: a float would lose nano-dollars.
fn nanos(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if part.len() > 9 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<9}").parse().ok()?;
    let whole: i64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(part)
}

/// The parameters of a query, decoded (source: WHATWG URL, application/x-www-form-urlencoded).
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match (byte, digits) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_asked_for() {
        let (found, ask) = filter(
            "key=shop%2Fcart&outcome=failed&from=2026-11-30T00:00:00Z&to=1795996801&min_cost_usd=0.05&min_ms=1500\
             &text=gr%C3%B6%C3%9Fe+x&id=00000000000000ff&limit=7&after=5-0000000000000001",
        )
        .unwrap();
        let wanted = Filter {
            key: Some("shop/cart".into()),
            outcome: Some(Outcome::Failed),
            from_unix_us: Some(1_795_996_800_000_000),
            to_unix_us: Some(1_795_996_801_000_000),
            min_cost_nanos: Some(50_000_000),
            min_duration_us: Some(1_500_000),
            text: Some("größe x".into()),
            id: Some(255),
            ..Filter::default()
        };
        assert_eq!(found, wanted);
        assert_eq!(ask.limit, 7);
        assert_eq!(ask.after.unwrap().to_string(), "5-0000000000000001");
        let asked = usage("by=day,team&team=search%2fresearch&from=0").unwrap();
        assert_eq!(asked.by, [By::Day, By::Team]);
        assert_eq!(asked.team, Some("search/research".into()));
    }

    #[test]
    fn what_is_not_understood_is_said_with_what_would_be() {
        let said = |query| filter(query).unwrap_err().to_string();
        assert!(said("modle=x").starts_with("there is no parameter \"modle\"; there are: from"));
        assert_eq!(
            said("outcome=bad"),
            "outcome=\"bad\" is not understood: ok, recovered, refused, failed or incomplete"
        );
        for bad in [
            "from=yesterday",
            "status=70000",
            "min_cost_usd=-1",
            "min_cost_usd=0.0000000001",
            "min_cost_usd=99999999999",
            "id=ff",
            "trace=1",
            "limit=-1",
            "after=x",
            "min_ms=99999999999999999999",
        ] {
            assert!(filter(bad).is_err(), "{bad}");
        }
        assert!(usage("by=week").is_err() && usage("by=").is_err() && usage("x").is_err());
        assert_eq!(filter("").unwrap().0, Filter::default());
    }
}
