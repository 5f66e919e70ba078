//! A place at the provider, among all who want one.

use fairlead_snapshot::{FailureClass, Overflow};
use tokio::time::Instant;

use super::StepRun;
use crate::failure::{Failure, Skip};
use crate::upstream::gate::{Slot, Turn};

impl StepRun<'_> {
    /// A place at the provider, waited for if there is a line to wait in.
    ///
    /// # Errors
    /// There is none, and none came in time.
    pub(super) async fn enter(&mut self) -> Result<Slot, Failure> {
        let full = || Failure::skipped(Skip::Full, FailureClass::Overloaded);
        let (gate, most) = (&self.upstream.gate, self.upstream.limit());
        if self.job.copy {
            // Half of the places, and an only one, are left to those who are waited for.
            return gate.enter_within(most / 2, self.job.asker).ok_or_else(full);
        }
        if let Some(slot) = gate.enter(most, self.job.asker) {
            return Ok(slot);
        }
        let overflow = self
            .upstream
            .provider
            .concurrency
            .map(|limit| limit.overflow);
        let queue = match overflow {
            Some(Overflow::Queue(queue)) => queue,
            Some(Overflow::Reject) => {
                return Err(Failure::skipped(Skip::Rejected, FailureClass::Overloaded));
            }
            Some(Overflow::Fallback) | None => return Err(full()),
        };
        let mut turn = Turn::line_up(gate, queue.length, self.job.asker).ok_or_else(full)?;
        let began = Instant::now();
        let until = self.job.deadline.min(began + queue.wait);
        let slot = tokio::time::timeout_at(until, turn.slot()).await;
        self.queued = Some(began.elapsed());
        slot.ok().flatten().ok_or_else(full)
    }
}
