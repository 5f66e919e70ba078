//! Token counts as this format tells them: input without what went through a cache, output with what was thought.
//!
//! Some who speak it count the cache in the input: where they tell the whole prompt beside it (`prompt_tokens`), that shows what is meant, and else
//! it is known of them ([`Counts::with_cache`]).

use std::borrow::Cow;

use fairlead_json::{Kind, Raw};
use fairlead_wire::usage::{Served, tokens};

use crate::Usage;
use crate::write::Json;

/// What was told so far, in the format's own parts: each report replaces what it names, and nothing is added up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    /// The whole prompt, where somebody tells it.
    prompt: Option<u64>,
    /// Whether the input is known to hold what went through a cache.
    holds_cache: bool,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    write_5m: Option<u64>,
    write_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    tier: Option<Served>,
    is_fast: Option<bool>,
}

impl Counts {
    /// Of a provider of whom is known whether its input holds what went through a cache.
    pub(super) fn with_cache(holds_cache: bool) -> Self {
        Self {
            holds_cache,
            ..Self::default()
        }
    }

    /// Takes over a report.
    pub(super) fn take(&mut self, report: Raw<'_>) {
        report.each_member(|name, value| match &*name {
            "input_tokens" => set(&mut self.input, value),
            "prompt_tokens" => set(&mut self.prompt, value),
            "cache_read_input_tokens" => set(&mut self.cache_read, value),
            "cache_creation_input_tokens" => set(&mut self.cache_write, value),
            "output_tokens" => set(&mut self.output, value),
            "cache_creation" => value.each_member(|name, value| match &*name {
                "ephemeral_5m_input_tokens" => set(&mut self.write_5m, value),
                "ephemeral_1h_input_tokens" => set(&mut self.write_1h, value),
                _ => {}
            }),
            "server_tool_use" => value.each_member(|name, value| {
                if name == "web_search_requests" {
                    set(&mut self.searches, value);
                }
            }),
            "service_tier" => self.tier = served(value).or(self.tier),
            "speed" => self.is_fast = words(value).map(|speed| speed == "fast").or(self.is_fast),
            "output_tokens_details" => value.each_member(|name, value| {
                if name == "thinking_tokens" {
                    set(&mut self.thinking, value);
                }
            }),
            _ => {}
        });
    }

    /// What it comes to; `None` if nothing was told.
    pub(super) fn usage(&self) -> Option<Usage> {
        let split = match (self.write_5m, self.write_1h) {
            (Some(short), Some(long)) => Some(short.saturating_add(long)),
            (short, long) => short.or(long),
        };
        let cache_write = self.cache_write.or(split);
        let usage = Usage {
            input: self.fresh(cache_write),
            cache_read: self.cache_read,
            cache_write,
            cache_write_hour: self.write_1h,
            output: self
                .output
                .map(|all| all.saturating_sub(self.thinking.unwrap_or(0))),
            reasoning: self.thinking,
            searches: u32::try_from(self.searches.unwrap_or(0)).unwrap_or(u32::MAX),
            served: match self.is_fast {
                Some(true) => Some(Served::Fast),
                Some(false) | None => self.tier,
            },
            ..Usage::default()
        };
        usage.told()
    }
}

impl Counts {
    /// The input without what went through a cache. Some of those who count it in do not do so in every report: where it could not be in it,
    /// it is not.
    fn fresh(&self, cache_write: Option<u64>) -> Option<u64> {
        let cache = self.cache_read.unwrap_or(0);
        let cache = cache.saturating_add(cache_write.unwrap_or(0));
        let input = self.input?;
        let told = self.prompt.and_then(|prompt| prompt.checked_sub(cache));
        let known = || input.checked_sub(cache).filter(|_| self.holds_cache);
        Some(told.or_else(known).unwrap_or(input))
    }
}

/// Priority is capacity that was bought beforehand here.
fn served(value: Raw<'_>) -> Option<Served> {
    let word = words(value)?;
    if word == "priority" {
        return Some(Served::Committed);
    }
    Served::of(&word)
}

fn words(value: Raw<'_>) -> Option<Cow<'_, str>> {
    if value.kind() != Kind::String {
        return None;
    }
    value.string().ok()
}

/// Null and what is no count leave what was known.
fn set(count: &mut Option<u64>, value: Raw<'_>) {
    if value.kind() == Kind::Number {
        *count = tokens(value.text()).or(*count);
    }
}

/// Writes the object. The two counts that every reader expects are 0 where they are not told.
pub(super) fn write(json: &mut Json, usage: &Usage) {
    json.object(|json| {
        json.key("input_tokens").number(usage.input.unwrap_or(0));
        if let Some(written) = usage.cache_write {
            json.key("cache_creation_input_tokens").number(written);
        }
        if let Some(read) = usage.cache_read {
            json.key("cache_read_input_tokens").number(read);
        }
        if let Some(hour) = usage.cache_write_hour {
            let short = usage.cache_write.unwrap_or(hour).saturating_sub(hour);
            json.key("cache_creation").object(|json| {
                json.key("ephemeral_5m_input_tokens").number(short);
                json.key("ephemeral_1h_input_tokens").number(hour);
            });
        }
        let output = usage.whole_output().unwrap_or(0);
        json.key("output_tokens").number(output);
        if let Some(thinking) = usage.reasoning {
            json.key("output_tokens_details")
                .object(|json| json.key("thinking_tokens").number(thinking));
        }
        if usage.searches > 0 {
            json.key("server_tool_use").object(|json| {
                json.key("web_search_requests")
                    .number(usage.searches.into());
            });
        }
        if let Some(tier) = usage.served.and_then(tier) {
            json.key("service_tier").str(tier);
        }
    });
}

/// How the request was served, in Anthropic's words; `None`: there is none.
fn tier(served: Served) -> Option<&'static str> {
    match served {
        Served::Standard | Served::Fast => Some("standard"),
        Served::Batch => Some("batch"),
        Served::Priority | Served::Committed => Some("priority"),
        Served::Flex => None,
    }
}
