//! How many tokens an upstream says it used, under the names that compatible upstreams have for it.

use crate::json::{JsonError, Scanner};

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
}

impl Usage {
    /// Reads a `usage` value; `None` if it is null, or no count can be read from it.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, JsonError> {
        let mut usage = Self::default();
        let mut cache_hits = None;
        let mut newer = (None, None);
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "prompt_tokens" => usage.input_tokens = scanner.count()?,
                "completion_tokens" => usage.output_tokens = scanner.count()?,
                // Of images and transcriptions.
                "input_tokens" => newer.0 = scanner.count()?,
                "output_tokens" => newer.1 = scanner.count()?,
                "total_tokens" => usage.total_tokens = scanner.count()?,
                "prompt_tokens_details" => {
                    usage.cached_input_tokens = detail(scanner, "cached_tokens")?;
                }
                "completion_tokens_details" => {
                    usage.reasoning_tokens = detail(scanner, "reasoning_tokens")?;
                }
                // DeepSeek's and Moonshot's names for the cached part.
                "prompt_cache_hit_tokens" | "cached_tokens" => cache_hits = scanner.count()?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        usage.cached_input_tokens = usage.cached_input_tokens.or(cache_hits);
        usage.input_tokens = usage.input_tokens.or(newer.0);
        usage.output_tokens = usage.output_tokens.or(newer.1);
        Ok((usage != Self::default()).then_some(usage))
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
        }
    }

    /// What an answer used that broke off after `pieces` chunks without saying, by the `input` of the request for its rest: that is its own
    /// input and output, and a chunk is at least one token.
    #[must_use]
    pub fn before_the_rest(input: u64, pieces: u64) -> Self {
        Self {
            input_tokens: Some(input.saturating_sub(pieces)),
            output_tokens: Some(pieces.min(input)),
            total_tokens: Some(input),
            ..Self::default()
        }
    }
}

fn detail(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<u64>, JsonError> {
    let mut count = None;
    scanner.object_or_skip(|scanner, key| {
        if key.name() == name {
            count = scanner.count()?;
            return Ok(());
        }
        scanner.skip()
    })?;
    Ok(count)
}
