//! What was used, as Responses counts it: input with what came from a cache, output with reasoning.

use fairlead_json::Raw;

use crate::Usage;
use crate::chat;
use crate::write::Json;

/// Reads a `usage` object, whose shape is that of Chat Completions but for its names, and the `service_tier` beside it; `None` if it tells nothing.
pub(super) fn read(usage: Raw<'_>, tier: Option<Raw<'_>>) -> Option<Usage> {
    chat::usage::read(usage, tier)
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
