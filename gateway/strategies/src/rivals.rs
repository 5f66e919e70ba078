//! Strategies of others, from what is published of them.

mod bifrost;
mod litellm;

pub use bifrost::Bifrost;
pub use litellm::{LowestLatency, SimpleShuffle};

/// The position of the weight on which a random point falls; `None`: all are 0.
fn weighted(random: &mut fastrand::Rng, weights: &[f64]) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let mut point = random.f64() * total;
    let last = weights.iter().rposition(|weight| *weight > 0.0);
    weights
        .iter()
        .position(|weight| {
            let falls = point < *weight;
            point -= weight;
            falls
        })
        .or(last)
}
