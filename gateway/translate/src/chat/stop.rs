//! Why an answer ended: the words of this format and of those that are almost like it.

use fairlead_json::{Kind, Raw};

use crate::{Stop, Text};

/// What a `finish_reason` says; `None`: nothing yet. `matched` is vLLM's `stop_reason`: the text at which the answer ended, or a token.
pub(super) fn read<'a>(reason: Raw<'a>, matched: Option<Raw<'a>>) -> Option<Stop<'a>> {
    let word = super::lenient::filled(reason)?;
    let known = word.as_written().to_ascii_lowercase();
    Some(match known.as_str() {
        "stop" => match matched.filter(|raw| raw.kind() != Kind::Null) {
            Some(matched) if matched.kind() == Kind::String => Stop::Sequence(Text::of(matched)),
            _ => Stop::End,
        },
        // The text at which it ended is not told.
        "eos" | "end_turn" | "complete" | "completed" | "stop_sequence" => Stop::End,
        "length" | "max_tokens" | "model_length" => Stop::Length,
        "tool_calls" | "function_call" | "tool_call" | "tool_use" => Stop::Calls,
        "content_filter" | "content_filtered" | "refusal" => Stop::Filtered(None),
        // Google's own words come through its door for this format.
        "safety" | "recitation" | "blocklist" | "prohibited_content" | "spii" | "language"
        | "image_safety" | "model_armor" => Stop::Filtered(Some(word)),
        _ => Stop::Other(word),
    })
}

/// Whether a reason says that the provider has failed.
pub(super) fn is_failure(reason: Raw<'_>) -> bool {
    if reason.kind() != Kind::String {
        return false;
    }
    let reason = reason.text().to_ascii_lowercase();
    reason.contains("error") || reason == "\"timeout\""
}

/// The word for it. Whether tools are called is told by the calls that were sent, not by the reason.
pub(super) fn word(stop: Option<&Stop<'_>>, calls: bool) -> &'static str {
    match stop {
        Some(Stop::Length | Stop::ContextFull) => "length",
        Some(Stop::Filtered(_)) => "content_filter",
        Some(Stop::End | Stop::Sequence(_) | Stop::Calls | Stop::Paused | Stop::Other(_))
        | None => {
            if calls {
                "tool_calls"
            } else {
                "stop"
            }
        }
    }
}
