//! What a strategy learns of a rule's targets while one is planned.

use fairlead_snapshot::{Commit, Strategy};

use super::{Candidate, Planner};
use crate::route::Route;
use crate::standing::{Judge, Vitals};
use crate::strategy::{Choice, Known};

/// The targets of a rule, as a strategy asks of them. One that cannot be tried has no share.
pub(super) struct Targets<'p, 'a> {
    pub(super) planner: &'p Planner<'a>,
    pub(super) route: &'p Route,
}

impl Targets<'_, '_> {
    fn ask<T>(&self, choice: Choice, say: impl FnOnce(Candidate<'_>) -> T) -> Option<T> {
        let target = self.route.targets.get(choice.position)?;
        self.planner.with_candidate(target, say)
    }
}

impl Known for Targets<'_, '_> {
    fn share(&self, choice: Choice) -> u32 {
        let share = self.ask(choice, |target| self.planner.standing.share(target));
        share.unwrap_or(0)
    }

    fn vitals(&self, choice: Choice) -> Vitals {
        let vitals = self.ask(choice, |target| self.planner.standing.vitals(target));
        vitals.unwrap_or(Vitals {
            share: 0,
            ..Vitals::UNKNOWN
        })
    }

    fn cost(&self, choice: Choice) -> Option<i64> {
        let (request, affinity) = (self.planner.request, &self.route.head.affinity);
        self.ask(choice, |target| match affinity {
            Some(affinity) => request.cost_of_turn(target, affinity),
            None => request.cost(target),
        })
        .flatten()
    }

    fn judge(&self) -> Option<&dyn Judge> {
        self.planner.standing.judge(&self.route.head.name)
    }

    fn streams(&self) -> bool {
        // One that is held until it is whole comes whole.
        self.planner.request.stream() && self.route.head.stream.commit == Commit::Content
    }
}

/// The share of a target among the conversations that a strategy spreads. None where the strategy has one order for everyone, or the price
/// decides.
pub(super) fn share(strategy: Strategy, weight: u32) -> u32 {
    match strategy {
        Strategy::Weighted | Strategy::LowestLatency | Strategy::LeastBusy | Strategy::Adaptive => {
            weight
        }
        Strategy::RoundRobin => 1,
        Strategy::Priority | Strategy::LowestCost => 0,
    }
}
