//! What is in force, and what it was made from: for those who look, not for requests.

use std::sync::Arc;

use fairlead_compile::{Inputs, Verdict};
use fairlead_snapshot::Snapshot;

/// The configuration in force of a standalone gateway.
#[derive(Debug)]
pub(crate) struct Enforced {
    /// What requests are served by.
    pub snapshot: Arc<Snapshot>,
    /// What it was made from.
    pub inputs: Arc<Inputs>,
    /// What the compiler says of each object.
    pub verdicts: Vec<Verdict>,
}
