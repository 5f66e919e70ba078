//! What limits let an attempt use, asked before anything is sent.

use super::StepRun;
use super::credential::Chosen;
use crate::failure::Failure;
use crate::govern::Target;
use crate::govern::bound::Bound;
use crate::govern::dear::Most;
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
            let governor = self.job.runtime.governor();
            let (governed, target) = (&self.job.governed, self.target());
            let reserved = governor.reserve(governed, &target, strict).await;
            reserved.map_err(Failure::limited)?
        } else if self.minds_cost() {
            let governor = self.job.runtime.governor();
            Box::new(governor.watch(&self.job.governed, &self.target()))
        } else {
            Box::new(Reservation::unlimited(&self.job.governed, &self.target()))
        };
        let (mut pass, credential) = self.permit().await?;
        if let Some(visit) = self.visit()? {
            pass.visits(visit);
        }
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

    /// Whether an attempt here costs no more than one may, as the rule and the key say.
    ///
    /// # Errors
    /// It would, or nobody knows what it costs.
    pub(super) fn affords(&self) -> Result<(), Failure> {
        let governed = &self.job.governed;
        let most = Most::of(self.plan.rule.as_ref(), governed.caller.max_cost.as_ref());
        let cost = || {
            let governor = self.job.runtime.governor();
            governor.expected_cost(governed, &self.target())
        };
        match most.refuses(&self.upstream.label, &self.step.requested, cost) {
            None => Ok(()),
            Some(dear) => Err(Failure::dear(dear)),
        }
    }

    /// Whether what such requests cost decides something, so that it has to be learned though nothing is limited.
    fn minds_cost(&self) -> bool {
        self.job.copy
            || self.plan.rule.as_ref().is_some_and(|rule| rule.minds_cost)
            || self.job.governed.caller.max_cost.is_some()
    }

    fn is_limited(&self) -> bool {
        !(self.job.governed.caller.chain.is_empty() && self.upstream.limits.is_empty())
    }

    /// The target, as far as limits look at it.
    fn target(&self) -> Target<'_> {
        self.upstream.target(&self.step.model, self.job.operation)
    }
}
