//! What limits let an attempt use, asked before anything is sent.

use super::StepRun;
use super::credential::Chosen;
use crate::failure::Failure;
use crate::govern::Target;
use crate::govern::bound::Bound;
use crate::govern::refusal::Refusal;
use crate::govern::reservation::Reservation;
use crate::govern::strict::Strict;
use crate::upstream::ticket::Permission;

impl StepRun<'_> {
    /// The permission of limits, then that of breakers, a credential, and a server of a pool: while a store is asked, nobody's probe waits.
    pub(super) async fn admitted(
        &mut self,
        strict: Option<&Strict>,
    ) -> Result<(Permission, Option<Chosen>, Box<Reservation>), Failure> {
        let reservation = if self.is_limited() {
            // Apart, so that who has no limits is not as large as this.
            Box::pin(self.reserve(strict)).await?
        } else {
            Reservation::unlimited(&self.job.governed, &self.target())
        };
        let (mut pass, credential) = self.permit().await?;
        if let Some(visit) = self.visit()? {
            pass.visits(visit);
        }
        Ok((pass, credential, Box::new(reservation)))
    }

    /// What bounds the attempts, where a strict budget counts them.
    pub(super) fn strict(&self) -> Result<Option<Strict>, Refusal> {
        let (chain, own) = (&self.job.governed.caller.chain, &self.upstream.limits);
        if !chain.iter().chain(own.iter()).any(Bound::is_strict) {
            return Ok(None);
        }
        let governor = self.job.runtime.governor();
        governor.strict(&self.job.governed, &self.target(), &self.job.body)
    }

    fn is_limited(&self) -> bool {
        !(self.job.governed.caller.chain.is_empty() && self.upstream.limits.is_empty())
    }

    async fn reserve(&self, strict: Option<&Strict>) -> Result<Reservation, Failure> {
        let governor = self.job.runtime.governor();
        let target = self.target();
        let reserved = governor.reserve(&self.job.governed, &target, strict).await;
        reserved.map_err(Failure::limited)
    }

    /// The target, as far as limits look at it.
    fn target(&self) -> Target<'_> {
        self.upstream.target(&self.step.model, self.job.operation)
    }
}
