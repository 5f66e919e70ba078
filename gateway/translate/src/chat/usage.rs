//! Usage: here the prompt counts what came from a cache, and the completion what was thought.

use fairlead_json::Raw;
use fairlead_wire::openai;
use fairlead_wire::usage::Served;

use crate::Usage;
use crate::write::Json;

/// What a `usage` says, and the `service_tier` beside it; `None` if it is null or tells no count.
pub(crate) fn read(raw: Raw<'_>, tier: Option<Raw<'_>>) -> Option<Usage> {
    let told = openai::Usage::of(raw.text())?.parts.told()?;
    let tier = tier.and_then(|tier| Served::of(&tier.string().ok()?));
    Some(Usage {
        served: tier.or(told.served),
        ..told
    })
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
        let media = &usage.media;
        let sounds = media.input_audio.saturating_add(media.cached_audio);
        if usage.cache_read.is_some() || usage.cache_write.is_some() || sounds > 0 {
            json.key("prompt_tokens_details").object(|json| {
                json.key("cached_tokens")
                    .number(usage.cache_read.unwrap_or_default());
                if let Some(written) = usage.cache_write {
                    json.key("cache_write_tokens").number(written);
                }
                if sounds > 0 {
                    json.key("audio_tokens").number(sounds.into());
                }
            });
        }
        if usage.reasoning.is_some() || media.output_audio > 0 {
            json.key("completion_tokens_details").object(|json| {
                if let Some(reasoning) = usage.reasoning {
                    json.key("reasoning_tokens").number(reasoning);
                }
                if media.output_audio > 0 {
                    json.key("audio_tokens").number(media.output_audio.into());
                }
            });
        }
    });
}

/// How the request was served, in OpenAI's words; `None`: not told, or in no word of theirs.
pub(crate) fn tier(usage: &Usage) -> Option<&'static str> {
    match usage.served? {
        Served::Standard => Some("default"),
        Served::Flex => Some("flex"),
        Served::Priority | Served::Fast => Some("priority"),
        Served::Batch | Served::Committed => None,
    }
}
