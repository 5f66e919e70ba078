//! Constraints: rules that choose nothing and narrow what may be asked. All that match hold together, before any rule is tried, and for whatever
//! names a provider: a rule, a bare name, `provider/model`, a pass-through path.
//!
//! Fails closed: a condition that cannot be evaluated, or is none that this version knows, refuses the request, for whether it would have been
//! narrowed is unknown.

use std::sync::Arc;

use fairlead_condition::Facts;
use fairlead_snapshot::Selector;
use smallvec::SmallVec;

use crate::group::Group;
use crate::plan::{Look, NoRoute, Plan, Planner};
use crate::route::{Judgement, Route};
use crate::sequence::Sequence;
use crate::table::Providers;
use crate::upstream::ProviderIndex;

/// Some of the providers of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderSet(Box<[u64]>);

impl ProviderSet {
    /// Those that an object of the namespace `own` picks.
    pub(crate) fn picked(selector: &Selector, own: &str, gateway: &str, all: &Providers) -> Self {
        let mut words = vec![0; all.len().div_ceil(64)];
        for (index, name, provider) in all.named() {
            if selector.picks(own, gateway, name, provider) {
                words[index.0 / 64] |= 1 << (index.0 % 64);
            }
        }
        Self(words.into())
    }

    /// Those that are in both.
    pub(crate) fn and(self, other: &Self) -> Self {
        let both = self.0.iter().zip(&other.0);
        Self(both.map(|(one, other)| one & other).collect())
    }

    pub(crate) fn contains(&self, index: ProviderIndex) -> bool {
        let word = self.0.get(index.0 / 64);
        word.is_some_and(|word| word >> (index.0 % 64) & 1 == 1)
    }
}

/// What a rule that constrains says.
#[derive(Debug)]
pub(crate) struct Constraint {
    /// Its name, `namespace/name`.
    pub(crate) label: Arc<str>,
    /// What may be asked.
    pub(crate) permits: ProviderSet,
}

/// The constraints that hold for a request; none, where there are none for its key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Within<'a>(SmallVec<[&'a Constraint; 2]>);

impl<'a> Within<'a> {
    /// Whether nothing is narrowed.
    pub(crate) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a provider may be asked. One that is not there satisfies nothing.
    pub(crate) fn permits(&self, provider: Option<ProviderIndex>) -> bool {
        let permits = |constraint: &&Constraint| {
            provider.is_some_and(|provider| constraint.permits.contains(provider))
        };
        self.0.iter().all(permits)
    }

    /// Whether a constraint is among them.
    pub(crate) fn has(&self, constraint: &Constraint) -> bool {
        self.0.iter().any(|known| std::ptr::eq(*known, constraint))
    }

    /// They, by name.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.0
            .iter()
            .map(|constraint| Arc::clone(&constraint.label))
            .collect()
    }

    /// Takes further ones, each once.
    fn extend(&mut self, more: Self) {
        for constraint in more.0 {
            if !self.has(constraint) {
                self.0.push(constraint);
            }
        }
    }

    /// Finds those that match among `groups`. Conditions that fail to evaluate are counted as `count` does.
    fn find(
        groups: &'a [Arc<Group>],
        facts: &Facts<'_>,
        model: Option<&str>,
        count: impl Fn(&Route),
    ) -> Result<Self, NoRoute> {
        let mut within = Self::default();
        for route in groups.iter().flat_map(|group| group.routes()) {
            match route.judge_constraint(model, facts) {
                Judgement::Matched => within.0.extend(&route.constrain),
                Judgement::OtherModel | Judgement::ConditionFalse => {}
                Judgement::ConditionError(_) | Judgement::ConditionUnparsable => {
                    count(route);
                    let rule = route.head.name.clone();
                    return Err(NoRoute::ConditionError { rule });
                }
            }
        }
        Ok(within)
    }
}

impl<'a> Planner<'a> {
    /// The constraints that hold for the request.
    pub(crate) fn within(&self) -> Result<Within<'a>, NoRoute> {
        let caller = self.caller;
        let count = |route: &Route| self.count_error(route);
        Within::find(&caller.constraints, &self.facts(), Some(self.model), count)
    }

    /// The same for a request that is refused whatever they are; none, where it cannot be told which. Nothing is counted.
    pub(crate) fn within_as_known(&self) -> Within<'a> {
        let caller = self.caller;
        let within = Within::find(&caller.constraints, &self.facts(), Some(self.model), |_| {});
        within.unwrap_or_default()
    }

    /// Takes the constraints that hold for the request by the name that a rule has just given it, beside those that held before.
    pub(crate) fn hold_to(&mut self, facts: &Facts<'_>) -> Result<(), NoRoute> {
        if self.look == Look::Unconstrained || self.caller.constraints.is_empty() {
            return Ok(());
        }
        let caller = self.caller;
        let count = |route: &Route| self.count_error(route);
        let more = Within::find(&caller.constraints, facts, Some(self.model), count)?;
        self.within.extend(more);
        Ok(())
    }

    /// The reason why there is nothing to try: that of a constraint, if there would be something without it.
    pub(crate) fn told(&self, reason: NoRoute) -> NoRoute {
        let is_error = matches!(
            reason,
            NoRoute::ConditionError { .. } | NoRoute::TooManyRules { .. }
        );
        if self.within.is_everything() || is_error {
            return reason;
        }
        let mut free = Planner {
            model: self.sent,
            passed: SmallVec::new(),
            within: Within::default(),
            draw: Sequence::peek,
            look: Look::Unconstrained,
            ..*self
        };
        match free.chosen() {
            Ok(_) => self.constrained(),
            Err(reason) => reason,
        }
    }

    fn constrained(&self) -> NoRoute {
        NoRoute::Constrained {
            constraints: self.within.names(),
        }
    }

    /// A plan, with what holds for it. Whatever made it, nothing that must not be asked is in it.
    pub(crate) fn held(&self, mut plan: Plan) -> Result<Plan, NoRoute> {
        if self.within.is_everything() {
            return Ok(plan);
        }
        plan.steps.retain(|step| self.within.permits(step.provider));
        plan.copies
            .retain(|copied| self.within.permits(copied.step.provider));
        if plan.steps.is_empty() {
            return Err(self.constrained());
        }
        plan.constraints = self.within.names();
        Ok(plan)
    }
}

impl crate::Table {
    /// The constraints that hold for what this caller has passed through to a provider, by name; the provider is within all of them. For which model is asked nobody can tell: it may be
    /// any that a constraint names.
    ///
    /// # Errors
    /// The provider is none that may be asked, or whether it may be cannot be told.
    pub fn constrain(
        &self,
        caller: &crate::Caller,
        provider: ProviderIndex,
        request: &dyn fairlead_condition::Request,
    ) -> Result<Vec<Arc<str>>, NoRoute> {
        let facts = Facts::new(request, caller.facts());
        let count = Route::count_condition_error;
        let within = Within::find(&caller.constraints, &facts, None, count)?;
        if !within.permits(Some(provider)) {
            return Err(NoRoute::Constrained {
                constraints: within.names(),
            });
        }
        Ok(within.names())
    }
}
