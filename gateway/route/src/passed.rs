//! What rules that continue leave behind in a plan: their changes, and what their heads say.
//!
//! What is said first holds: over rules that come later, over the targets of the rule that chooses, and over providers. Only of what a request may
//! cost the least counts, whoever says it.

use std::sync::Arc;

use fairlead_snapshot::{OnUnsupported, Streams};

use crate::mirror::Copied;
use crate::plan::{Amendments, Plan, Planner, RuleHead, RuleRef};
use crate::route::Route;

impl<'a> Planner<'a> {
    /// Whether a rule has continued for this request.
    pub(crate) fn has_passed(&self, route: &Arc<Route>) -> bool {
        let passed = |known: &&Arc<Route>| Arc::ptr_eq(known, route);
        route.passes.is_some() && self.passed.iter().any(passed)
    }

    /// A plan with what holds for it of the rules that were passed, and the copies that are to be made of the request.
    pub(crate) fn passed_on(&self, mut plan: Plan, chosen: Option<&'a Arc<Route>>) -> Plan {
        let passed = self.passed.iter().copied();
        plan.copies = passed
            .chain(chosen)
            .flat_map(|route| self.copies(route))
            .collect();
        if self.passed.is_empty() {
            return plan;
        }
        plan.rule = self.head(plan.rule.take());
        plan.through = self.labels();
        if let Some(changes) = self.changes() {
            let mut alone = None;
            let copies = plan.copies.iter_mut().map(|copied| &mut copied.step);
            for step in plan.steps.iter_mut().chain(copies) {
                step.amendments = Some(match &step.amendments {
                    None => Arc::clone(alone.get_or_insert_with(|| Arc::new(changes.clone()))),
                    Some(of_target) => Arc::new(changes.clone().then(of_target)),
                });
            }
        }
        plan
    }

    /// The copies that a rule wants of this request, as far as the key and the constraints permit them. The mirrors of a rule share its turns, so that they
    /// get copies of the same requests.
    fn copies(&self, route: &Route) -> impl Iterator<Item = Copied> {
        let turn = (!route.mirrors.is_empty()).then(|| (self.draw)(&route.counters.copies));
        let copied = route.mirrors.iter().filter(move |mirror| {
            turn.is_some_and(|turn| turn.falls_apart_within(mirror.percent * 10))
                && self.may_ask(&mirror.target)
        });
        copied.map(move |mirror| Copied {
            step: self.step(&mirror.target, false, &mut None),
            mirror: Arc::clone(&mirror.head),
        })
    }

    fn labels(&self) -> Vec<Arc<str>> {
        let passed = self.passed.iter();
        passed
            .filter_map(|route| route.passes.as_ref())
            .map(|passes| Arc::clone(&passes.label))
            .collect()
    }

    fn changes(&self) -> Option<Amendments> {
        let passed = self.passed.iter();
        passed
            .filter_map(|route| route.passes.as_ref()?.amendments.as_ref())
            .fold(None, |first: Option<Amendments>, next| {
                Some(match first {
                    None => next.clone(),
                    Some(first) => first.then(next),
                })
            })
    }

    /// The head of the rule that chooses; where none does, for the name says it all, that of the last that was passed.
    fn head(&self, chosen: Option<RuleRef>) -> Option<RuleRef> {
        let tunes = |route: &&Arc<Route>| route.passes.as_ref().is_some_and(|one| one.tunes);
        let last = chosen.or_else(|| Some(Arc::clone(&self.passed.last()?.head)))?;
        let mut tuning = self.passed.iter().copied().filter(tunes).peekable();
        if tuning.peek().is_none() {
            return Some(last);
        }
        let mut head = RuleHead::clone(&last);
        for route in tuning.rev() {
            head.give_way_to(&route.head);
        }
        Some(Arc::new(head))
    }
}

impl RuleHead {
    /// Takes over what a rule says that came before.
    fn give_way_to(&mut self, first: &Self) {
        let (own, said) = (&mut self.timeouts, &first.timeouts);
        own.connect = said.connect.or(own.connect);
        own.first_token = said.first_token.or(own.first_token);
        own.first_byte = said.first_byte.or(own.first_byte);
        own.idle = said.idle.or(own.idle);
        own.total = said.total.or(own.total);
        self.retries.max_retries = first.retries.max_retries.or(self.retries.max_retries);
        if first.stream != Streams::default() {
            self.stream = first.stream;
        }
        if first.on_unsupported != OnUnsupported::default() {
            self.on_unsupported = first.on_unsupported;
        }
        if let Some(cost) = first.max_cost
            && self.max_cost.is_none_or(|own| cost < own)
        {
            self.max_cost = Some(cost);
            self.max_cost_by = Some(first.name.clone());
        }
        self.minds_cost |= first.minds_cost;
    }
}

impl Amendments {
    /// The same with what another says of what is not said here.
    fn then(mut self, other: &Self) -> Self {
        self.parameters.then(&other.parameters);
        self.headers.then(&other.headers);
        self
    }
}
