//! What is answered, in one piece.

use crate::{Block, Text, Value};

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

/// How many tokens were used, each counted once. `None` is "not told"; a zero that was told is a zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that came from no cache and went into none.
    pub input: Option<u64>,
    /// Input that was read from a cache.
    pub cache_read: Option<u64>,
    /// Input that was written into a cache, for however long.
    pub cache_write: Option<u64>,
    /// Of that, what was written for an hour.
    pub cache_write_hour: Option<u64>,
    /// Output without reasoning.
    pub output: Option<u64>,
    /// Reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// All input; `None` if nothing of it is told.
    #[must_use]
    pub fn whole_input(&self) -> Option<u64> {
        sum([self.input, self.cache_read, self.cache_write])
    }

    /// All output, reasoning included; `None` if nothing of it is told.
    #[must_use]
    pub fn whole_output(&self) -> Option<u64> {
        sum([self.output, self.reasoning])
    }

    /// Takes over whatever `newer` tells: reports of a stream replace one another, and are never added.
    pub fn update(&mut self, newer: &Self) {
        self.input = newer.input.or(self.input);
        self.cache_read = newer.cache_read.or(self.cache_read);
        self.cache_write = newer.cache_write.or(self.cache_write);
        self.cache_write_hour = newer.cache_write_hour.or(self.cache_write_hour);
        self.output = newer.output.or(self.output);
        self.reasoning = newer.reasoning.or(self.reasoning);
    }
}

fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts
        .into_iter()
        .flatten()
        .reduce(|one, two| one.saturating_add(two))
}
