//! What a provider's faults lead to: it is asked again, left alone for a while, or sent no more than it can take.

mod blame;
mod breakers;
mod concurrency;
mod credentials;
mod pool;
mod retries;

use fairlead_faults::{Play, Provider, Seen};

/// A provider that does one thing after the other, the last for ever.
async fn in_turn(plays: impl Into<Vec<Play>>) -> Provider {
    let plays = plays.into();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let turn = move |_: &Seen| {
        let turn = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        plays[turn.min(plays.len() - 1)].clone()
    };
    Provider::start(turn).await
}
