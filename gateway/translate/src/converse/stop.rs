//! `stopReason`.

use fairlead_wire::openai::ErrorFacts;

use crate::{Stop, Text};

/// What the end of an answer means.
pub(super) enum Ended<'a> {
    /// It is an answer.
    Stop(Stop<'a>),
    /// What the model made is of no use.
    Failed(ErrorFacts),
}

/// What a reason means.
pub(super) fn read<'a>(word: &Text<'a>) -> Ended<'a> {
    let stop = match &*word.unescaped() {
        "end_turn" => Stop::End,
        "tool_use" => Stop::Calls,
        "max_tokens" => Stop::Length,
        "model_context_window_exceeded" => Stop::ContextFull,
        "stop_sequence" => Stop::Sequence(None),
        "guardrail_intervened" | "content_filtered" => Stop::Filtered(Some(word.clone())),
        malformed @ ("malformed_model_output" | "malformed_tool_use") => {
            return Ended::Failed(ErrorFacts {
                reason: Some(malformed.to_owned()),
                message: Some(format!("the model's answer cannot be used ({malformed})")),
                ..ErrorFacts::default()
            });
        }
        _ => Stop::Other(word.clone()),
    };
    Ended::Stop(stop)
}
