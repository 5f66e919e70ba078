//! What was used, as Responses counts it: input with what came from a cache, output with reasoning.

use fairlead_json::Raw;

use super::raw::{count, members};
use crate::Usage;
use crate::write::Json;

/// Reads a `usage` object; `None` if it tells nothing.
pub(super) fn read(usage: Raw<'_>) -> Option<Usage> {
    let (mut input, mut output) = (None, None);
    let mut read = Usage::default();
    let Ok(()) = members(usage, |name, value| {
        match name {
            "input_tokens" => input = count(value),
            "output_tokens" => output = count(value),
            "input_tokens_details" => {
                read.cache_read = detail(value, "cached_tokens");
                read.cache_write = detail(value, "cache_write_tokens");
            }
            "output_tokens_details" => read.reasoning = detail(value, "reasoning_tokens"),
            _ => {}
        }
        Ok::<(), std::convert::Infallible>(())
    });
    // Some report more from the cache than input at all.
    read.input = input.map(|all| {
        all.saturating_sub(read.cache_read.unwrap_or(0))
            .saturating_sub(read.cache_write.unwrap_or(0))
    });
    read.output = output.map(|all| all.saturating_sub(read.reasoning.unwrap_or(0)));
    (read != Usage::default()).then_some(read)
}

/// Writes a `usage` object as the next value: null if nothing is told. The details are always there, for SDKs demand them.
pub(super) fn write(json: &mut Json, usage: Option<&Usage>) {
    let Some(usage) = usage else {
        return json.null();
    };
    let (input, output) = (usage.whole_input(), usage.whole_output());
    if input.is_none() && output.is_none() {
        return json.null();
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    json.object(|json| {
        json.key("input_tokens").number(input);
        json.key("input_tokens_details").object(|json| {
            json.key("cached_tokens")
                .number(usage.cache_read.unwrap_or(0));
            json.key("cache_write_tokens")
                .number(usage.cache_write.unwrap_or(0));
        });
        json.key("output_tokens").number(output);
        json.key("output_tokens_details").object(|json| {
            json.key("reasoning_tokens")
                .number(usage.reasoning.unwrap_or(0));
        });
        json.key("total_tokens")
            .number(input.saturating_add(output));
    });
}

fn detail(details: Raw<'_>, name: &str) -> Option<u64> {
    let mut found = None;
    details.each_member(|key, value| {
        if key == name {
            found = count(value);
        }
    });
    found
}
