//! What the events of a streamed answer mean, so that a fault can be placed by meaning: after the content, before the end.
//!
//! A further API joins as a variant here, with a [`Shape`](crate::Shape) that speaks it; moments and faults stay as they are.

use serde_json::Value;

use crate::Step;

/// An API's way to stream an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Chat completions: a role, deltas, a finish reason, maybe usage, `[DONE]`.
    #[default]
    OpenAi,
}

/// What a step contributes to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Before anything was said: a role, a verdict on the prompt.
    Opening,
    /// Something said, thought or called.
    Content,
    /// The reason why no more will be said.
    Finish,
    /// What follows that: usage, the terminator.
    Closing,
}

impl Dialect {
    /// What this event of a stream contributes; `None` for steps that are no events.
    pub(crate) fn part(self, step: &Step) -> Option<Part> {
        let Step::Event(data) = step else { return None };
        match self {
            Self::OpenAi => Some(openai(data)),
        }
    }

    /// An error as this API reports it inside a stream.
    #[must_use]
    pub fn error_event(self, error: &Value) -> Step {
        match self {
            Self::OpenAi => Step::Event(error.to_string()),
        }
    }
}

fn openai(data: &str) -> Part {
    let chunk: Value = serde_json::from_str(data).unwrap_or_default();
    let Some(choice) = chunk["choices"].get(0) else {
        let opens = chunk["prompt_filter_results"].is_array();
        return if opens { Part::Opening } else { Part::Closing };
    };
    let delta = &choice["delta"];
    let says = ["content", "reasoning_content", "reasoning", "refusal"]
        .iter()
        .any(|name| delta[name].as_str().is_some_and(|text| !text.is_empty()))
        || delta["tool_calls"].is_array()
        || choice["text"].as_str().is_some_and(|text| !text.is_empty());
    if choice["finish_reason"].is_string() {
        Part::Finish
    } else if says {
        Part::Content
    } else {
        Part::Opening
    }
}
