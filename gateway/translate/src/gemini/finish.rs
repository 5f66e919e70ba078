//! `finishReason` and `blockReason`.

use fairlead_wire::openai::ErrorFacts;

use crate::{Stop, Text};

/// What the end of a candidate means.
pub(super) enum Finish<'a> {
    /// It is an answer.
    Stop(Stop<'a>),
    /// It is none.
    Failed(ErrorFacts),
}

/// Words that say that a filter took the answer, or the rest of it.
const FILTERED: [&str; 11] = [
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "ESCALATION",
];

/// Words that say that what the model made is of no use.
const MALFORMED: [&str; 5] = [
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
];

/// What was in the candidate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    /// Anything at all.
    pub(super) anything: bool,
    /// A call of a tool.
    pub(super) calls: bool,
}

/// What a `finishReason` means after all that was said.
pub(super) fn read<'a>(word: &Text<'a>, message: Option<&Text<'a>>, said: Said) -> Finish<'a> {
    let unescaped = word.unescaped();
    match &*unescaped {
        "MAX_TOKENS" => Finish::Stop(Stop::Length),
        "CONTINUATION" => Finish::Stop(Stop::Paused),
        filtered if FILTERED.contains(&filtered) => {
            Finish::Stop(Stop::Filtered(Some(word.clone())))
        }
        malformed if MALFORMED.contains(&malformed) => Finish::Failed(failure(malformed, message)),
        other if !said.anything => Finish::Failed(failure(other, message)),
        _ if said.calls => Finish::Stop(Stop::Calls),
        "STOP" => Finish::Stop(Stop::End),
        _ => Finish::Stop(Stop::Other(word.clone())),
    }
}

/// A sentence for whoever waits, and the word.
fn failure(word: &str, message: Option<&Text<'_>>) -> ErrorFacts {
    let what = if MALFORMED.contains(&word) {
        "the model's answer cannot be used"
    } else {
        "the model ended without an answer"
    };
    let sentence = match message.filter(|message| !message.is_blank()) {
        Some(message) => format!("{what} ({word}): {}", message.unescaped()),
        None => format!("{what} ({word})"),
    };
    ErrorFacts {
        reason: Some(word.to_owned()),
        message: Some(sentence),
        ..ErrorFacts::default()
    }
}

/// The `finishReason` of an answer, and a `finishMessage` where the reason is no word of Gemini's.
pub(super) fn written<'s>(
    stop: Option<&'s Stop<'_>>,
    refused: bool,
) -> (&'static str, Option<&'s Text<'s>>) {
    match stop {
        Some(Stop::Filtered(Some(why))) => {
            let unescaped = why.unescaped();
            match FILTERED.iter().find(|word| **word == unescaped) {
                Some(word) => (word, None),
                None => ("SAFETY", Some(why)),
            }
        }
        Some(Stop::Filtered(None)) => ("SAFETY", None),
        Some(Stop::Length | Stop::ContextFull) => ("MAX_TOKENS", None),
        Some(Stop::Paused) => ("CONTINUATION", None),
        Some(Stop::Other(word)) if *word == "OTHER" => ("OTHER", None),
        Some(Stop::End | Stop::Sequence(_) | Stop::Calls | Stop::Other(_)) | None => {
            (if refused { "SAFETY" } else { "STOP" }, None)
        }
    }
}

/// The `blockReason` that goes with a `finishReason`, which has more words.
pub(super) fn block_reason(finish_reason: &str) -> &str {
    match finish_reason {
        "SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "IMAGE_SAFETY" | "MODEL_ARMOR" => {
            finish_reason
        }
        _ => "OTHER",
    }
}
