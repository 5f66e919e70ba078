//! How providers, their models and their credentials do, as this process has seen it.
//!
//! Between selection and sending: dispatch asks before an attempt whether a target may be tried, and tells afterwards what became of it.
//! Everything is shared by all cores, keyed by identity, and survives a change of the configuration. Pure: the time is a [`Duration`] since
//! the process started, randomness comes in as a number. Nothing here fails or blocks; the hot path is a few atomic operations.
//!
//! [`Duration`]: std::time::Duration

pub mod accounts;
pub mod adaptive;
pub mod asker;
pub mod backoff;
pub mod breaker;
pub mod budget;
mod conversations;
pub mod credentials;
pub mod gate;
pub mod latency;
pub mod limit;
#[cfg(all(test, loom))]
mod models;
mod pace;
mod peak;
pub mod registry;
pub mod rest;
mod sync;
pub mod tempo;
mod window;

pub use accounts::{Accounts, Allowance};
pub use asker::Asker;
pub use breaker::{Admission, Breaker, BreakerState, Outcome, Token};
pub use budget::{RetryBudget, Withdrawal};
pub use conversations::Conversations;
pub use credentials::Credentials;
pub use gate::{Gate, Slot, Waiter};
pub use latency::Latency;
pub use limit::AdaptiveLimit;
pub use peak::{Average, Peak};
pub use registry::{ModelHealth, Origin, ProviderHealth, Registry};
pub use rest::{CredentialHealth, CredentialState, Trial};
pub use tempo::{Reading, Tempo};

/// Whole milliseconds since the process started, as they are packed into 40 bits: 34 years.
pub(crate) fn millis(time: std::time::Duration) -> u64 {
    const MOST: u64 = (1 << 40) - 1;
    u64::try_from(time.as_millis()).map_or(MOST, |millis| millis.min(MOST))
}
