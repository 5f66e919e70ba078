//! How long a provider may be silent within an answer.

use std::time::Duration;

use fairlead_snapshot::FailureClass;
use tokio::time::Instant;

use crate::failure::Deadline;

/// How long an attempt may go without anything that moves the answer on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Between two pieces.
    pub idle: Duration,
    /// The end of the whole request.
    pub deadline: Instant,
}

impl Patience {
    /// The deadline of the next piece, counted from now.
    #[must_use]
    pub(crate) fn next(self) -> Deadline {
        Deadline::total(self.deadline).or_at(Instant::now() + self.idle, FailureClass::IdleTimeout)
    }
}
