//! Usage: here the prompt counts what came from a cache, and the completion what was thought.

use fairlead_json::{Kind, Raw};

use super::lenient::count;
use crate::Usage;
use crate::write::Json;

#[derive(Default)]
struct Told {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    written: Option<u64>,
    reasoning: Option<u64>,
}

/// What a `usage` says; `None` if it is null or tells no count.
pub(super) fn read(raw: Raw<'_>) -> Option<Usage> {
    if raw.kind() != Kind::Object {
        return None;
    }
    let mut told = Told::default();
    // DeepSeek's and Moonshot's names for the cached part.
    let mut hits = None;
    raw.each_member(|name, value| match &*name {
        "prompt_tokens" => told.prompt = count(value),
        "completion_tokens" => told.completion = count(value),
        "total_tokens" => told.total = count(value),
        "prompt_tokens_details" => value.each_member(|name, value| match &*name {
            "cached_tokens" => told.cached = count(value),
            "cache_write_tokens" => told.written = count(value),
            _ => {}
        }),
        "completion_tokens_details" => value.each_member(|name, value| {
            if name == "reasoning_tokens" {
                told.reasoning = count(value);
            }
        }),
        "prompt_cache_hit_tokens" | "cached_tokens" => hits = count(value),
        _ => {}
    });
    told.cached = told.cached.or(hits);
    let usage = told.split();
    (usage != Usage::default()).then_some(usage)
}

impl Told {
    /// Each token once. What is told of a part may exceed the whole; then nothing is left, not less than nothing.
    fn split(&self) -> Usage {
        let part = |of: Option<u64>| of.unwrap_or_default();
        let cached = part(self.cached).saturating_add(part(self.written));
        // xAI counts what was thought beside the completion; its total shows it.
        let beside = match (self.prompt, self.completion, self.total, self.reasoning) {
            (Some(prompt), Some(completion), Some(total), Some(reasoning)) => {
                let said = prompt.saturating_add(completion);
                total > said && total == said.saturating_add(reasoning)
            }
            _ => false,
        };
        let thought = if beside { 0 } else { part(self.reasoning) };
        Usage {
            input: self.prompt.map(|prompt| prompt.saturating_sub(cached)),
            cache_read: self.cached,
            cache_write: self.written,
            cache_write_hour: None,
            output: self
                .completion
                .map(|completion| completion.saturating_sub(thought)),
            reasoning: self.reasoning,
        }
    }
}

/// A `usage`, whose total agrees with its parts.
pub(super) fn write(json: &mut Json, usage: &Usage) {
    let prompt = usage.whole_input().unwrap_or_default();
    let completion = usage.whole_output().unwrap_or_default();
    json.object(|json| {
        json.key("prompt_tokens").number(prompt);
        json.key("completion_tokens").number(completion);
        json.key("total_tokens")
            .number(prompt.saturating_add(completion));
        if usage.cache_read.is_some() || usage.cache_write.is_some() {
            json.key("prompt_tokens_details").object(|json| {
                json.key("cached_tokens")
                    .number(usage.cache_read.unwrap_or_default());
                if let Some(written) = usage.cache_write {
                    json.key("cache_write_tokens").number(written);
                }
            });
        }
        if let Some(reasoning) = usage.reasoning {
            json.key("completion_tokens_details").object(|json| {
                json.key("reasoning_tokens").number(reasoning);
            });
        }
    });
}
