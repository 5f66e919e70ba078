//! What an attempt will probably use: reserved before it is sent, where a budget or a rate is not strict.
//!
//! Learned from what the attempts of the same key at the same model used: what a byte of the input costs, which has tokenizer and cache in one
//! number, and how long answers are. While a key is new its estimates are those of the model over all keys; while that is new, a guess.
//! Older answers count less and less. Nothing here fails: what is missing is guessed.

mod memory;
mod sketch;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::money::{self, Price};
use sketch::Sketch;

pub use memory::Estimates;

/// What an answer is taken to be before anybody has seen one, in tokens.
pub const COLD_OUTPUT: u64 = 4_096;

/// About so many bytes of a body make a token, before anybody has seen one.
const COLD_BYTES: u64 = 4;

/// From so many samples on a key goes by its own.
const ENOUGH: u64 = 8;

/// How much an attempt will probably use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the input, those from caches with them.
    pub input_tokens: u64,
    /// Tokens of the answers, reasoning with them: nine of ten use no more.
    pub output_tokens: u64,
}

/// What an attempt used in the end. What its answer did not tell is `None`, and nothing is learned of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// The bytes of its request's body.
    pub bytes: u64,
    /// What its input cost, in nano-USD: [`money::input_cost`].
    pub input_nanos: Option<i64>,
    /// Tokens of the input.
    pub input_tokens: Option<u64>,
    /// Tokens of the answers, reasoning with them.
    pub output_tokens: Option<u64>,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
    /// In how many pieces a stream said all that; 0: it was none.
    pub pieces: u64,
}

/// What an answer used that was cut, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// What was said.
    pub said: u64,
    /// What was thought before, unheard.
    pub thought: u64,
}

/// What has been learned of a key at a model.
#[derive(Debug)]
pub struct Learned {
    own: Mutex<Sketch>,
    /// Of the model over all keys.
    model: Arc<Mutex<Sketch>>,
}

impl Learned {
    fn new(model: Arc<Mutex<Sketch>>) -> Self {
        Self {
            own: Mutex::default(),
            model,
        }
    }

    /// How much a request of so many bytes will probably use. `ceiling`: the most tokens of all its answers together.
    #[must_use]
    pub fn before(&self, bytes: u64, ceiling: Option<u64>) -> Estimate {
        let input = self.look(Sketch::tokens_a_byte);
        let output = self.look(Sketch::usual).unwrap_or(COLD_OUTPUT);
        Estimate {
            input_tokens: input
                .map_or_else(|| guessed_tokens(bytes), |ratio| scaled(bytes, ratio))
                .max(1),
            output_tokens: output.min(ceiling.unwrap_or(u64::MAX)).max(1),
        }
    }

    /// What a request of so many bytes will probably cost, in nano-USD; `None`: nobody has said what its tokens cost.
    #[must_use]
    pub fn cost_before(&self, bytes: u64, ceiling: Option<u64>, price: Price<'_>) -> Option<i64> {
        let estimate = self.before(bytes, ceiling);
        let input = self.input_cost_before(bytes, price)?;
        if ceiling == Some(0) {
            // Of what writes nothing, embeddings for instance, nobody names a price of the output.
            return Some(input);
        }
        let output = money::output_cost(estimate.input_tokens, estimate.output_tokens, price)?;
        Some(input.saturating_add(output).min(money::MOST))
    }

    /// The same where so many bytes of the input are probably in a cache, and none of the others: whatever is usual for such requests.
    #[must_use]
    pub fn cost_with_cached(
        &self,
        bytes: u64,
        cached: u64,
        ceiling: Option<u64>,
        price: Price<'_>,
    ) -> Option<i64> {
        let estimate = self.before(bytes, ceiling);
        let share = cached.min(bytes) as f64 / bytes.max(1) as f64;
        let cached = scaled(estimate.input_tokens, share).min(estimate.input_tokens);
        let parts = fairlead_wire::usage::Parts {
            input: Some(estimate.input_tokens - cached),
            cache_read: Some(cached),
            ..Default::default()
        };
        let input = money::cost(&parts, price)?;
        let output = money::output_cost(estimate.input_tokens, estimate.output_tokens, price)?;
        Some(input.saturating_add(output).min(money::MOST))
    }

    /// The same of the input alone: what the last one through has to fit in.
    #[must_use]
    pub fn input_cost_before(&self, bytes: u64, price: Price<'_>) -> Option<i64> {
        if price.is_free() {
            return Some(0);
        }
        if let Some(nanos) = self.look(Sketch::nanos_a_byte) {
            let nanos = i64::try_from(scaled(bytes, nanos)).unwrap_or(money::MOST);
            return Some(nanos.min(money::MOST));
        }
        let tokens = self.before(bytes, None).input_tokens;
        plain_input(tokens, price)
    }

    /// How long an answer will probably be that has this many tokens already: the mean of those that were longer. Never fewer than it has.
    #[must_use]
    pub fn beyond(&self, so_far: u64) -> u64 {
        let mean = self.look(|sketch| sketch.mean_beyond(so_far));
        mean.unwrap_or_else(|| so_far.saturating_add(so_far / 2))
            .max(so_far)
    }

    /// What an answer probably used that was cut after so many pieces: each is as many tokens as usual, and all was thought that usually is and
    /// is not heard. While nothing is known a piece is a token, and nothing was thought.
    #[must_use]
    pub fn cut_after(&self, pieces: u64) -> Cut {
        if pieces == 0 {
            return Cut::default();
        }
        let cut = self.look(|sketch| sketch.said_and_thought());
        cut.map_or(
            Cut {
                said: pieces,
                thought: 0,
            },
            |(said, thought)| Cut {
                said: scaled(pieces, said),
                thought: scaled(1, thought),
            },
        )
    }

    /// Learns what an attempt used.
    pub fn settle(&self, used: &Used) {
        self.own.lock().learn(used);
        self.model.lock().learn(used);
    }

    /// What the key has learned, or else the model.
    fn look<T>(&self, of: impl Fn(&Sketch) -> Option<T>) -> Option<T> {
        let own = of(&self.own.lock());
        own.or_else(|| of(&self.model.lock()))
    }
}

/// About how many tokens an input of so many bytes has, whoever sends it and whatever reads it.
#[must_use]
pub fn guessed_tokens(bytes: u64) -> u64 {
    (bytes / COLD_BYTES).max(1)
}

/// What an attempt will probably cost of which nothing is known but how many tokens its input has, in nano-USD; `None` as for
/// [`Learned::cost_before`].
#[must_use]
pub fn guessed_cost(input: u64, ceiling: Option<u64>, price: Price<'_>) -> Option<i64> {
    let prompt = plain_input(input, price)?;
    if ceiling == Some(0) {
        return Some(prompt);
    }
    let output = COLD_OUTPUT.min(ceiling.unwrap_or(u64::MAX)).max(1);
    let output = money::output_cost(input, output, price)?;
    Some(prompt.saturating_add(output).min(money::MOST))
}

/// What so many tokens of an input cost that nothing is cached of.
fn plain_input(tokens: u64, price: Price<'_>) -> Option<i64> {
    let parts = fairlead_wire::usage::Parts {
        input: Some(tokens),
        ..Default::default()
    };
    money::cost(&parts, price)
}

/// So many bytes at so much each, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; casts from floats saturate"
)]
fn scaled(bytes: u64, each: f64) -> u64 {
    (bytes as f64 * each).ceil() as u64
}
