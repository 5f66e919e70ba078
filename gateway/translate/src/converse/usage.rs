//! Token counts as this format tells them: input without what went through a cache, output with what was thought.

use std::borrow::Cow;

use fairlead_json::{Kind, Raw};
use fairlead_wire::usage::{Served, tokens};

use super::Family;
use crate::Usage;

#[derive(Default)]
struct Told {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    write_5m: Option<u64>,
    write_1h: Option<u64>,
}

/// What a `usage` says; `None` if it tells no count.
pub(super) fn read(report: Raw<'_>, family: Family) -> Option<Usage> {
    let mut told = Told::default();
    report.each_member(|name, value| match &*name {
        "inputTokens" => told.input = count(value),
        "outputTokens" => told.output = count(value),
        "totalTokens" => told.total = count(value),
        "cacheReadInputTokens" => told.cache_read = count(value),
        "cacheWriteInputTokens" => told.cache_write = count(value),
        "cacheDetails" => value.each_element(|detail| told.detail(detail)),
        _ => {}
    });
    let split = sum(told.write_5m, told.write_1h);
    let usage = Usage {
        input: told.input.map(|input| told.without_cache(input, family)),
        cache_read: told.cache_read,
        cache_write: told.cache_write.or(split),
        // Where the lifetimes are told, none for an hour is told, too.
        cache_write_hour: told.write_1h.or(told.write_5m.map(|_| 0)),
        output: told.output,
        ..Usage::default()
    };
    usage.told()
}

/// How the request was served: `serviceTier`, and `performanceConfig`, beside the usage. What is optimised costs more, as a fast way does.
pub(super) fn served(tier: Option<Raw<'_>>, performance: Option<Raw<'_>>) -> Option<Served> {
    let is_fast = performance.and_then(|raw| word(raw, "latency"));
    if is_fast.is_some_and(|latency| latency == "optimized") {
        return Some(Served::Fast);
    }
    Served::of(&tier.and_then(|raw| word(raw, "type"))?)
}

fn word<'a>(object: Raw<'a>, name: &str) -> Option<Cow<'a, str>> {
    let mut found = None;
    object.each_member(|key, value| {
        if key == name && value.kind() == Kind::String {
            found = value.string().ok();
        }
    });
    found
}

impl Told {
    /// What was written for so long.
    fn detail(&mut self, detail: Raw<'_>) {
        let (mut is_hour, mut tokens) = (false, None);
        detail.each_member(|name, value| match &*name {
            "ttl" => is_hour = value.text() == "\"1h\"",
            "inputTokens" => tokens = count(value),
            _ => {}
        });
        let place = if is_hour {
            &mut self.write_1h
        } else {
            &mut self.write_5m
        };
        *place = sum(*place, tokens);
    }

    /// Streams of OpenAI's models were measured to count the cache as input too (<https://github.com/maximhq/bifrost/pull/6942>); then the
    /// total is that of input and output alone.
    fn without_cache(&self, input: u64, family: Family) -> u64 {
        let cached = sum(self.cache_read, self.cache_write).unwrap_or(0);
        let is_in = matches!(family, Family::OpenAi | Family::GptOss)
            && input >= cached
            && self.total.is_some()
            && self.total == sum(self.input, self.output);
        if is_in { input - cached } else { input }
    }
}

fn sum(one: Option<u64>, two: Option<u64>) -> Option<u64> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.saturating_add(two)),
        (one, two) => one.or(two),
    }
}

/// Null and what is no count tell nothing.
fn count(value: Raw<'_>) -> Option<u64> {
    if value.kind() != Kind::Number {
        return None;
    }
    tokens(value.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(family: Family, report: &str) -> Option<Usage> {
        let limits = fairlead_json::Limits::default();
        read(Raw::parse(report, &limits).unwrap(), family)
    }

    #[test]
    fn the_cache_stands_beside_the_input() {
        let told = r#"{"inputTokens":59,"outputTokens":123,"totalTokens":29023,"cacheReadInputTokens":0,"cacheWriteInputTokens":28841,"cacheDetails":[{"ttl":"1h","inputTokens":28000},{"ttl":"5m","inputTokens":841}]}"#;
        let expected = Usage {
            input: Some(59),
            cache_read: Some(0),
            cache_write: Some(28841),
            cache_write_hour: Some(28000),
            output: Some(123),
            ..Usage::default()
        };
        for family in [Family::Claude, Family::OpenAi, Family::Other] {
            assert_eq!(usage(family, told), Some(expected));
        }
    }

    #[test]
    fn what_the_sum_shows_to_be_in_the_input_is_taken_out_of_it() {
        let told = r#"{"inputTokens":100,"outputTokens":10,"totalTokens":110,"cacheReadInputTokens":80,"cacheWriteInputTokens":0}"#;
        assert_eq!(usage(Family::OpenAi, told).unwrap().input, Some(20));
        assert_eq!(usage(Family::Claude, told).unwrap().input, Some(100));
        let beside =
            r#"{"inputTokens":100,"outputTokens":10,"totalTokens":190,"cacheReadInputTokens":80}"#;
        assert_eq!(usage(Family::OpenAi, beside).unwrap().input, Some(100));
    }

    #[test]
    fn what_is_no_count_tells_nothing() {
        for nothing in [
            "{}",
            "null",
            "[]",
            r#"{"inputTokens":null,"outputTokens":"7"}"#,
        ] {
            assert_eq!(usage(Family::Claude, nothing), None, "{nothing}");
        }
        let split = r#"{"cacheDetails":[{"ttl":"5m","inputTokens":7}]}"#;
        assert_eq!(usage(Family::Claude, split).unwrap().cache_write, Some(7));
    }
}
