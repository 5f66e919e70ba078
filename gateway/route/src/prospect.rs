//! What a request will probably cost, before it is decided where it goes.

use fairlead_snapshot::{Affinity, ObjectName, Sticky};

use crate::plan::Candidate;

/// A request, as far as rules may ask: what conditions see of it, and what it costs at a target.
pub trait Request: fairlead_condition::Request {
    /// What it will probably cost at a target, in nano-USD; `None`: nobody can tell.
    fn cost(&self, target: Candidate<'_>) -> Option<i64>;

    /// The same as the turn of a conversation that is known in this way: what a target has read of it already costs less there.
    fn cost_of_turn(&self, target: Candidate<'_>, _: &Affinity) -> Option<i64> {
        self.cost(target)
    }

    /// The number of the user that it is from, who is known in this way, among those of a rule; `None`: it does not say. One user has another number
    /// in every rule, and the same in every replica and version.
    fn user(&self, _: &Sticky, _rule: &ObjectName) -> Option<u64> {
        None
    }
}

/// The highest of some costs; `None`: one is not known, or there are none.
pub(crate) fn dearest(costs: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    let all = costs
        .map(|cost| cost.ok_or(()))
        .try_fold(None, |most, cost| cost.map(|cost| most.max(Some(cost))));
    all.ok().flatten()
}
