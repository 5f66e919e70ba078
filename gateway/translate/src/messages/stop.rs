//! Why an answer ended, in this format's words.

use fairlead_json::Raw;

use crate::write::Json;
use crate::{Stop, Text};

/// The members that tell it, of an answer or of a `message_delta`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Members<'a> {
    reason: Option<Raw<'a>>,
    sequence: Option<Raw<'a>>,
    details: Option<Raw<'a>>,
}

impl<'a> Members<'a> {
    /// Takes a member, if it is one of them.
    pub(super) fn take(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "stop_reason" => self.reason = Some(value),
            "stop_sequence" => self.sequence = Some(value),
            "stop_details" => self.details = Some(value),
            _ => {}
        }
    }

    /// Whether a reason is named but is none yet.
    pub(super) fn is_pending(&self) -> bool {
        self.reason.is_some() && self.stop().is_none()
    }

    /// What they say.
    pub(super) fn stop(&self) -> Option<Stop<'a>> {
        let reason = Text::of(self.reason?).filter(|reason| !reason.is_empty())?;
        Some(match &*reason.unescaped() {
            "end_turn" => Stop::End,
            "max_tokens" => Stop::Length,
            "stop_sequence" => Stop::Sequence(self.sequence.and_then(Text::of)),
            "tool_use" => Stop::Calls,
            "pause_turn" => Stop::Paused,
            "refusal" => Stop::Filtered(self.explanation()),
            "model_context_window_exceeded" => Stop::ContextFull,
            _ => return Some(Stop::Other(reason)),
        })
    }

    /// Why it was refused: in a sentence, or else in a word.
    fn explanation(&self) -> Option<Text<'a>> {
        let (mut sentence, mut word) = (None, None);
        self.details?.each_member(|name, value| match &*name {
            "explanation" => sentence = Text::of(value),
            "category" => word = Text::of(value),
            _ => {}
        });
        sentence.or(word).filter(|text| !text.is_empty())
    }
}

/// Writes the members, by what the provider said and by what the answer holds: with a call in it, the natural end is the wait for its result.
pub(super) fn write(json: &mut Json, stop: Option<&Stop<'_>>, called: bool, refused: bool) {
    let (mut sequence, mut explanation) = (None, None);
    let reason = match stop {
        Some(Stop::Length) => "max_tokens",
        Some(Stop::ContextFull) => "model_context_window_exceeded",
        Some(Stop::Paused) => "pause_turn",
        Some(Stop::Filtered(why)) => {
            explanation = why.as_ref();
            "refusal"
        }
        _ if refused => "refusal",
        _ if called => "tool_use",
        Some(Stop::Sequence(Some(text))) => {
            sequence = Some(text);
            "stop_sequence"
        }
        Some(Stop::End | Stop::Calls | Stop::Sequence(None) | Stop::Other(_)) | None => "end_turn",
    };
    json.key("stop_reason").str(reason);
    match sequence {
        Some(text) => json.key("stop_sequence").text(text),
        None => json.key("stop_sequence").null(),
    }
    if let Some(why) = explanation {
        json.key("stop_details").object(|json| {
            json.key("type").str("refusal");
            json.key("category").null();
            json.key("explanation").text(why);
        });
    }
}
