//! How long answers are, and what a byte of the input comes to, from decayed sums of a fixed size.

use super::{ENOUGH, Used};

/// Answers of up to so many tokens are told apart no further.
const SHORTEST: f64 = 8.0;
const BUCKETS: usize = 30;
/// How much of what was known counts still when one more is learned: the last thousand or so decide.
const KEPT: f64 = 0.999;
/// How many of a hundred answers are no longer than estimated.
const QUANTILE: f64 = 0.9;

/// What has been learned. 30 buckets in steps of the root of 2, from 8 tokens to 185,000.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    answers: u64,
    counts: [f64; BUCKETS],
    sums: [f64; BUCKETS],
    input: Ratio,
    cost: Ratio,
    said: Ratio,
    thought: Ratio,
}

/// So much for so many bytes, or pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Ratio {
    samples: u64,
    bytes: f64,
    amount: f64,
}

impl Ratio {
    fn learn(&mut self, bytes: f64, amount: f64) {
        self.samples = self.samples.saturating_add(1);
        self.bytes = self.bytes * KEPT + bytes;
        self.amount = self.amount * KEPT + amount;
    }

    fn known(&self) -> Option<f64> {
        (self.samples >= ENOUGH && self.bytes > 0.0).then(|| self.amount / self.bytes)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates; casts from floats saturate"
)]
impl Sketch {
    pub(super) fn learn(&mut self, used: &Used) {
        let bytes = used.bytes.max(1) as f64;
        if let Some(tokens) = used.input_tokens {
            self.input.learn(bytes, tokens as f64);
        }
        if let Some(nanos) = used.input_nanos {
            self.cost.learn(bytes, nanos.max(0) as f64);
        }
        let Some(tokens) = used.output_tokens else {
            return;
        };
        if used.pieces > 0 {
            // Reasoning that is heard is in pieces, too.
            let unheard = used
                .reasoning_tokens
                .min(tokens.saturating_sub(used.pieces));
            self.said
                .learn(used.pieces as f64, (tokens - unheard) as f64);
            self.thought.learn(1.0, unheard as f64);
        }
        self.answers = self.answers.saturating_add(1);
        for kept in self.counts.iter_mut().chain(&mut self.sums) {
            *kept *= KEPT;
        }
        let bucket = bucket(tokens);
        self.counts[bucket] += 1.0;
        self.sums[bucket] += tokens as f64;
    }

    pub(super) fn tokens_a_byte(&self) -> Option<f64> {
        self.input.known()
    }

    pub(super) fn nanos_a_byte(&self) -> Option<f64> {
        self.cost.known()
    }

    /// How many tokens of an answer a piece of it is, and how many an answer has that are not heard.
    pub(super) fn said_and_thought(&self) -> Option<(f64, f64)> {
        Some((self.said.known()?, self.thought.known()?))
    }

    /// What nine of ten answers are no longer than.
    pub(super) fn usual(&self) -> Option<u64> {
        if self.answers < ENOUGH {
            return None;
        }
        let mut wanted = QUANTILE * self.counts.iter().sum::<f64>();
        for (nth, count) in self.counts.iter().enumerate() {
            if wanted <= *count {
                let (low, high) = edges(nth);
                return Some((low + (high - low) * (wanted / count)).ceil() as u64);
            }
            wanted -= count;
        }
        // Nine tenths of a sum are less than it.
        None
    }

    /// The mean of those that are longer.
    pub(super) fn mean_beyond(&self, tokens: u64) -> Option<u64> {
        if self.answers < ENOUGH {
            return None;
        }
        let at = bucket(tokens);
        let (low, high) = edges(at);
        // Of the bucket that it is in, what lies above, as if they were spread evenly.
        let tokens = (tokens as f64).clamp(low, high);
        let here = self.counts[at] * (high - tokens) / (high - low);
        let count = here + self.counts[at + 1..].iter().sum::<f64>();
        let sum = here * f64::midpoint(tokens, high) + self.sums[at + 1..].iter().sum::<f64>();
        (count > 1e-9).then(|| (sum / count).ceil() as u64)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 29"
)]
fn bucket(tokens: u64) -> usize {
    let steps = 2.0 * (tokens as f64 / SHORTEST).max(1.0).log2();
    (steps.ceil() as usize).min(BUCKETS - 1)
}

/// From which length to which the answers of a bucket are; what is longer than the last is in it, too.
fn edges(bucket: usize) -> (f64, f64) {
    let high = SHORTEST * (bucket as f64 / 2.0).exp2();
    let low = if bucket == 0 {
        0.0
    } else {
        high / std::f64::consts::SQRT_2
    };
    (low, high)
}
