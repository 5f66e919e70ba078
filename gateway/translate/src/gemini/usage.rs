//! `usageMetadata`.

use fairlead_json::Raw;
use fairlead_wire::usage::{Media, Served, believable};

use super::members::{each_member, whole};
use crate::write::Json;
use crate::{Text, Usage};

/// What was used; `None` if nothing of it can be read.
///
/// The prompt includes what came from a cache, and not what tools of Google's put into it. Whether thoughts are counted among
/// the candidates' tokens differs by endpoint and age: the sum tells.
pub(super) fn read(raw: Raw<'_>) -> Option<Usage> {
    let (mut prompt, mut cached, mut tools) = (None, None, None);
    let (mut candidates, mut thoughts, mut total) = (None, None, None);
    let (mut of_prompt, mut of_cached, mut of_answer) = <(Kinds, Kinds, Kinds)>::default();
    let mut served = None;
    let walked: Result<(), ()> = each_member(raw, |name, value| {
        match name {
            "promptTokenCount" => prompt = count(value),
            "cachedContentTokenCount" => cached = count(value),
            "toolUsePromptTokenCount" => tools = count(value),
            "candidatesTokenCount" => candidates = count(value),
            "thoughtsTokenCount" => thoughts = count(value),
            "totalTokenCount" => total = count(value),
            "promptTokensDetails" | "toolUsePromptTokensDetails" => of_prompt.add(value),
            "cacheTokensDetails" => of_cached.add(value),
            "candidatesTokensDetails" => of_answer.add(value),
            // The one is Vertex's, the other that of the Gemini API.
            "trafficType" | "serviceTier" => served = tier(value).or(served),
            _ => {}
        }
        Ok(())
    });
    walked.ok()?;
    let input = prompt.map(|prompt: u64| {
        prompt
            .saturating_sub(cached.unwrap_or(0))
            .saturating_add(tools.unwrap_or(0))
    });
    let outer = prompt
        .unwrap_or(0)
        .saturating_add(tools.unwrap_or(0))
        .saturating_add(candidates.unwrap_or(0));
    let output = match thoughts {
        Some(thoughts) if total == Some(outer) => {
            candidates.map(|candidates: u64| candidates.saturating_sub(thoughts))
        }
        Some(_) | None => candidates,
    };
    let usage = Usage {
        input: input.or(tools),
        cache_read: cached,
        output,
        reasoning: thoughts,
        media: Media {
            input_audio: of_prompt.audio.saturating_sub(of_cached.audio),
            input_image: of_prompt.image.saturating_sub(of_cached.image),
            input_video: of_prompt.video.saturating_sub(of_cached.video),
            cached_audio: of_cached.audio,
            cached_image: of_cached.image.saturating_add(of_cached.video),
            output_audio: of_answer.audio,
            output_image: of_answer.image.saturating_add(of_answer.video),
        },
        served,
        ..Usage::default()
    };
    usage.told()
}

/// Tokens by what they are of, where that is no text.
#[derive(Default)]
struct Kinds {
    audio: u32,
    image: u32,
    video: u32,
}

impl Kinds {
    /// Counts a list of `{modality, tokenCount}`; what is none is left out.
    fn add(&mut self, list: Raw<'_>) {
        list.each_element(|entry| {
            let (mut kind, mut tokens) = (None, None);
            let walked: Result<(), ()> = each_member(entry, |name, value| {
                match name {
                    "modality" => kind = Text::of(value),
                    "tokenCount" => tokens = count(value),
                    _ => {}
                }
                Ok(())
            });
            let place = match kind.as_ref().map(Text::as_written) {
                Some("AUDIO") => &mut self.audio,
                Some("IMAGE") => &mut self.image,
                Some("VIDEO") => &mut self.video,
                _ => return,
            };
            let tokens = tokens.filter(|_| walked.is_ok()).unwrap_or(0);
            *place = place.saturating_add(u32::try_from(tokens).unwrap_or(u32::MAX));
        });
    }
}

fn tier(value: Raw<'_>) -> Option<Served> {
    Served::of(Text::of(value)?.as_written())
}

/// As in every dialect: what is absurd is not told.
fn count(value: Raw<'_>) -> Option<u64> {
    whole(value).and_then(believable)
}

/// Writes the member into an object that is open, if anything is known.
pub(super) fn write(usage: &Usage, json: &mut Json) {
    let (input, output) = (usage.whole_input(), usage.whole_output());
    if input.is_none() && output.is_none() {
        return;
    }
    json.key("usageMetadata").object(|json| {
        let parts = [
            ("promptTokenCount", input),
            ("cachedContentTokenCount", usage.cache_read),
            ("candidatesTokenCount", usage.output),
            ("thoughtsTokenCount", usage.reasoning),
        ];
        for (name, count) in parts {
            if let Some(count) = count {
                json.key(name).number(count);
            }
        }
        let total = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
        json.key("totalTokenCount").number(total);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> Option<Usage> {
        read(Raw::parse(text, &fairlead_json::Limits::default()).unwrap())
    }

    #[test]
    fn the_sum_tells_whether_thoughts_are_among_the_candidates() {
        let beside = usage(r#"{"promptTokenCount":12,"candidatesTokenCount":11,"thoughtsTokenCount":20,"totalTokenCount":43}"#).unwrap();
        assert_eq!((beside.output, beside.reasoning), (Some(11), Some(20)));
        let inside = usage(r#"{"promptTokenCount":12,"candidatesTokenCount":31,"thoughtsTokenCount":20,"totalTokenCount":43}"#).unwrap();
        assert_eq!((inside.output, inside.reasoning), (Some(11), Some(20)));
        assert_eq!(inside.whole_output(), Some(31));
    }

    #[test]
    fn every_token_of_the_input_is_counted_once() {
        let usage = usage(r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"toolUsePromptTokenCount":5,"totalTokenCount":105}"#).unwrap();
        assert_eq!(usage.input, Some(45));
        assert_eq!(usage.cache_read, Some(60));
        assert_eq!(usage.whole_input(), Some(105));
        assert_eq!((usage.output, usage.reasoning), (None, None));
    }

    #[test]
    fn odd_counts_are_clamped_and_nothing_told_is_nothing() {
        let clamped = usage(r#"{"promptTokenCount":1,"cachedContentTokenCount":60}"#).unwrap();
        assert_eq!(clamped.input, Some(0));
        assert_eq!(usage("{}"), None);
        assert_eq!(usage(r#"{"promptTokenCount":null}"#), None);
        assert_eq!(usage("[]"), None);
    }
}
