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
    /// The permission of limits, then that of breakers, and a credential: while a store is asked, nobody's probe waits.
    pub(super) async fn admitted(
        &self,
        strict: Option<&Strict>,
    ) -> Result<(Permission, Option<Chosen>, Box<Reservation>), Failure> {
        let reservation = if self.is_limited() {
            let governor = self.job.runtime.governor();
            let (governed, target) = (&self.job.governed, self.target());
            let reserved = governor.reserve(governed, &target, strict).await;
            reserved.map_err(Failure::limited)?
        } else {
            Box::new(Reservation::unlimited(&self.job.governed, &self.target()))
        };
        let (pass, credential) = self.permit().await?;
        Ok((pass, credential, reservation))
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

    /// The target, as far as limits look at it.
    fn target(&self) -> Target<'_> {
        self.upstream.target(&self.step.model, self.job.operation)
    }
}
