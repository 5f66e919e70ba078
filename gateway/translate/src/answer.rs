//! What is answered, in one piece.

use crate::{Block, Text, Usage, Value};

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer<'a> {
    /// The provider's id of it.
    pub id: Option<Text<'a>>,
    /// The model that the provider says has answered.
    pub model: Option<Text<'a>>,
    /// The choices, in order.
    pub choices: Vec<Choice<'a>>,
    /// What was used.
    pub usage: Option<Usage>,
}

/// One of the answers that were asked for.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// What is said: texts, refusals, reasoning, calls.
    pub blocks: Vec<Block<'a>>,
    /// Why it ended; `None`: the provider does not say.
    pub stop: Option<Stop<'a>>,
    /// OpenAI's `logprobs`.
    pub logprobs: Option<Value<'a>>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<'a> {
    /// The model was done. Whether it has called tools is told by its calls, whatever the reason says.
    End,
    /// At one of the texts to stop at, which is told where the provider tells it.
    Sequence(Option<Text<'a>>),
    /// The limit of the output was reached.
    Length,
    /// The context window was full.
    ContextFull,
    /// It waits for the results of tools.
    Calls,
    /// The provider's filter, or the model, refused; with the reason where it is told.
    Filtered(Option<Text<'a>>),
    /// A tool of the provider's is not done; the answer so far is to be sent back.
    Paused,
    /// Another word, which counts as the natural end.
    Other(Text<'a>),
}

impl Stop<'_> {
    /// The same in the words of OpenAI's Chat Completions.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Length | Self::ContextFull => "length",
            Self::Filtered(_) => "content_filter",
            Self::Calls => "tool_calls",
            Self::End | Self::Sequence(_) | Self::Paused | Self::Other(_) => "stop",
        }
    }
}
