//! What the operator and the gateway both need of a process, and had twice: the log, pauses that grow, bursts that settle, random values.

pub mod log;
mod pause;
mod random;
mod settle;

pub use pause::Pause;
pub use random::{NoRandomness, random_value};
pub use settle::settled;
