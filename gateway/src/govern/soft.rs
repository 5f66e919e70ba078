//! Budgets that move requests to cheaper targets before they are used up.

use std::sync::Arc;

use fairlead_route::{Plan, Step};

use super::bound::{Bound, Money};
use super::{Governed, Governor};

impl Governor {
    /// The first budget of the request that is used up so far that cheaper targets go first, if there is one: `level/namespace/name/budget`.
    #[must_use]
    pub(crate) fn soft_limit(&self, asked: &Governed) -> Option<Arc<str>> {
        // Most budgets are not soft, and a look at the clock is what it costs to find out.
        let is_soft = |bound: &Bound| bound.money().is_some_and(Money::is_soft);
        if !asked.caller.chain.iter().any(is_soft) {
            return None;
        }
        let now = self.now();
        let mut soft = asked.caller.chain.iter().filter(|bound| {
            let Some(money) = bound.money().filter(|_| bound.counts_model(&asked.model)) else {
                return false;
            };
            let limit = money.amount(now);
            money.soft_from(limit).is_some_and(|from| {
                let standing = bound.standing(&self.counters, asked.user.as_deref(), now);
                standing.used.saturating_add(standing.leased) >= from
            })
        });
        soft.next().map(described)
    }
}

fn described(bound: &Bound) -> Arc<str> {
    let holder = &bound.holder;
    format!("{}/{}/{}", holder.level.as_str(), holder.name, bound.name).into()
}

/// Puts what costs less first. What cannot be tried stays behind, and of two that cost the same the one that came first.
pub(crate) fn cheapest_first(plan: &mut Plan, cost: impl Fn(&Step) -> Option<i64>) {
    // What costs nobody knows how much goes last.
    plan.steps
        .sort_by_cached_key(|step| cost(step).unwrap_or(i64::MAX));
    // The order is that of cost now, and no failure is waited for to go on.
    for step in &mut plan.steps {
        step.on = None;
    }
}
