//! How many tokens an upstream says it used, under the names that OpenAI's APIs and compatible upstreams have for it.
//!
//! The totals are told as the access log has them; [`Parts`] are made of them once, here. Both of Chat's and Responses' names are read, and
//! both places where some tell what came from a cache.

mod told;

use crate::json::{JsonError, Limits, Scanner};
use crate::usage::{Parts, Served};

use told::Told;

/// Token counts as reported. `None` is "not reported"; a reported zero is a zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the input, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens of the output, reasoning included.
    pub output_tokens: Option<u64>,
    /// Those of the input that came from a cache.
    pub cached_input_tokens: Option<u64>,
    /// Those of the output that were reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The sum, as the upstream has it.
    pub total_tokens: Option<u64>,
    /// The same, by what is priced; nothing of it is told where only the sum is.
    pub parts: Parts,
}

impl Usage {
    /// Reads a `usage` value; `None` if no count can be read from it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut scanner = Scanner::over(text.as_bytes(), &Limits::default()).ok()?;
        Self::read(&mut scanner).ok().flatten()
    }

    /// The same where the whole text is read; `None` if it is null, too.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, JsonError> {
        let usage = Told::read(scanner)?.usage();
        Ok((usage != Self::default()).then_some(usage))
    }

    /// The usage, where it was told how the request was served, beside it.
    #[must_use]
    pub(super) fn served(mut self, served: Option<Served>) -> Self {
        self.parts.served = served.or(self.parts.served);
        self
    }

    /// The usage of an API whose output is pictures, where it does not say of which kind its output is.
    pub fn made_pictures(&mut self) {
        let media = &mut self.parts.media;
        if media.output_image == 0 {
            media.output_image = whole(self.parts.output);
        }
    }

    /// The same of sound.
    pub fn made_sound(&mut self) {
        let media = &mut self.parts.media;
        if media.output_audio == 0 {
            media.output_audio = whole(self.parts.output);
        }
    }

    /// What two answers used together. A count that one of them does not report is the other's.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (one, two) => one.or(two),
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cached_input_tokens: sum(self.cached_input_tokens, other.cached_input_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            total_tokens: sum(self.total_tokens, other.total_tokens),
            parts: self.parts.plus(other.parts),
        }
    }

    /// What an answer used that broke off after `pieces` chunks without saying, by the `input` of the request for its rest: that is its own
    /// input and output, and a chunk is at least one token.
    #[must_use]
    pub fn before_the_rest(input: u64, pieces: u64) -> Self {
        let (prompt, said) = (input.saturating_sub(pieces), pieces.min(input));
        Self {
            input_tokens: Some(prompt),
            output_tokens: Some(said),
            total_tokens: Some(input),
            parts: Parts {
                input: Some(prompt),
                output: Some(said),
                ..Parts::default()
            },
            ..Self::default()
        }
    }
}

/// Totals of parts that another dialect has told.
impl From<Parts> for Usage {
    fn from(parts: Parts) -> Self {
        let (input, output) = (parts.whole_input(), parts.whole_output());
        Self {
            input_tokens: input,
            output_tokens: output,
            cached_input_tokens: parts.cache_read,
            reasoning_tokens: parts.reasoning,
            total_tokens: input
                .zip(output)
                .map(|(input, output)| input.saturating_add(output)),
            parts,
        }
    }
}

fn whole(count: Option<u64>) -> u32 {
    u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX)
}
