//! What rules that continue leave behind in a plan: their changes, and what their heads say.
//!
//! What Override rules say holds over what others say, by whichever name they were come to: a tenant's alias, which is passed before the platform's rule for
//! the new name, takes nothing from it. Among equals what is said first holds: over rules that come later, over the targets of the rule that chooses,
//! and over providers. Only of what a request may cost the least counts, whoever says it.

use std::sync::Arc;

use fairlead_snapshot::{Commit, OnClientGone, OnUnsupported, Recovery, Rule, SaidDefault};

use crate::mirror::Copied;
use crate::plan::{Amendments, Plan, Planner, RuleHead, RuleRef, Step};
use crate::route::Route;

/// What a rule says of streams and of what cannot be said to a target: each by itself, and it holds though it be the default.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Said {
    recovery: Option<Recovery>,
    commit: Option<Commit>,
    on_client_gone: Option<OnClientGone>,
    on_unsupported: Option<OnUnsupported>,
}

/// What the rules that were passed change in what is sent.
#[derive(Default)]
struct Changes {
    /// What Override rules change.
    imposed: Option<Amendments>,
    /// What the others do.
    usual: Option<Amendments>,
    /// Both, for who changes nothing by itself.
    all: Option<Arc<Amendments>>,
}

impl<'a> Planner<'a> {
    /// Whether a rule has continued for this request.
    pub(crate) fn has_passed(&self, route: &Arc<Route>) -> bool {
        let passed = |known: &&Arc<Route>| Arc::ptr_eq(known, route);
        route.passes.is_some() && self.passed.iter().any(passed)
    }

    /// A plan with what holds for it of the rules that were passed, and the copies that are to be made of the request.
    pub(crate) fn passed_on(&self, mut plan: Plan, chosen: Option<&'a Arc<Route>>) -> Plan {
        let changes = Changes::of(self);
        let passed = self.passed.iter().copied();
        plan.copies = passed
            .chain(chosen)
            .flat_map(|route| self.copies(route, &changes))
            .collect();
        if self.passed.is_empty() {
            return plan;
        }
        plan.rule = self.head(chosen);
        plan.through = self.labels();
        let overrides = chosen.is_some_and(|route| route.overrides);
        for step in &mut plan.steps {
            changes.amend(step, overrides);
        }
        plan
    }

    /// The copies that a rule wants of this request, as far as the key and the constraints permit them. The mirrors of a rule share its turns, so that they
    /// get copies of the same requests.
    fn copies(&self, route: &Route, changes: &Changes) -> impl Iterator<Item = Copied> {
        let turn = (!route.mirrors.is_empty()).then(|| (self.draw)(&route.counters.copies));
        let copied = route.mirrors.iter().filter(move |mirror| {
            turn.is_some_and(|turn| turn.falls_apart_within(mirror.percent * 10))
                && self.may_ask(&mirror.target)
        });
        copied.map(move |mirror| {
            let mut step = self.step(&mirror.target, false, &mut None);
            changes.amend(&mut step, route.overrides);
            Copied {
                step,
                mirror: Arc::clone(&mirror.head),
            }
        })
    }

    fn labels(&self) -> Vec<Arc<str>> {
        let passed = self.passed.iter();
        passed
            .filter_map(|route| route.passes.as_ref())
            .map(|passes| Arc::clone(&passes.label))
            .collect()
    }

    /// The rules that were passed, Override rules or the others, in their order.
    fn passed_if(&self, overrides: bool) -> impl DoubleEndedIterator<Item = &'a Arc<Route>> {
        let passed = self.passed.iter().copied();
        passed.filter(move |route| route.overrides == overrides)
    }

    /// The head of the rule that chooses; where none does, for the name says it all, that of the last that was passed.
    fn head(&self, chosen: Option<&'a Arc<Route>>) -> Option<RuleRef> {
        let last = &chosen.or(self.passed.last().copied())?.head;
        let tunes = |route: &&Arc<Route>| route.passes.as_ref().is_some_and(|one| one.tunes);
        if !self.passed.iter().any(tunes) {
            return Some(Arc::clone(last));
        }
        let mut head = RuleHead::clone(last);
        let imposes = chosen.filter(|route| route.overrides);
        let in_order = self.passed_if(true).chain(imposes);
        for route in in_order.chain(self.passed_if(false)).rev() {
            head.give_way_to(&route.head);
        }
        Some(Arc::new(head))
    }
}

impl Changes {
    fn of(planner: &Planner<'_>) -> Self {
        let said = |overrides| {
            let passes = planner.passed_if(overrides);
            let passes = passes.filter_map(|route| route.passes.as_ref());
            first_said(passes.filter_map(|passes| passes.amendments.as_ref()))
        };
        let (imposed, usual) = (said(true), said(false));
        let all = first_said(imposed.iter().chain(&usual)).map(Arc::new);
        Self {
            imposed,
            usual,
            all,
        }
    }

    /// Has these changes made by a step, which is that of an Override rule or of another.
    fn amend(&self, step: &mut Step, overrides: bool) {
        let Some(all) = &self.all else { return };
        step.amendments = match &step.amendments {
            None => Some(Arc::clone(all)),
            Some(own) if overrides => {
                let imposed = self.imposed.iter().chain([&**own]);
                first_said(imposed.chain(&self.usual)).map(Arc::new)
            }
            Some(own) => Some(Arc::new(Amendments::clone(all).then(own))),
        };
    }
}

/// What holds of what is said one after the other.
fn first_said<'s>(said: impl Iterator<Item = &'s Amendments>) -> Option<Amendments> {
    said.fold(None, |first: Option<Amendments>, next| {
        Some(match first {
            None => next.clone(),
            Some(first) => first.then(next),
        })
    })
}

impl Said {
    /// What a rule says: what is not the default, and the defaults that it has written down.
    pub(crate) fn by(rule: &Rule) -> Self {
        fn said<T: Default + PartialEq>(value: T, rule: &Rule, default: SaidDefault) -> Option<T> {
            (value != T::default() || rule.said_defaults.contains(&default)).then_some(value)
        }
        let stream = rule.stream;
        Self {
            recovery: said(stream.recovery, rule, SaidDefault::Recovery),
            commit: said(stream.commit, rule, SaidDefault::Commit),
            on_client_gone: said(stream.on_client_gone, rule, SaidDefault::OnClientGone),
            on_unsupported: said(rule.on_unsupported, rule, SaidDefault::OnUnsupported),
        }
    }
}

impl RuleHead {
    /// Takes over what a rule says that goes before.
    fn give_way_to(&mut self, first: &Self) {
        let (own, said) = (&mut self.timeouts, &first.timeouts);
        own.connect = said.connect.or(own.connect);
        own.first_token = said.first_token.or(own.first_token);
        own.first_byte = said.first_byte.or(own.first_byte);
        own.idle = said.idle.or(own.idle);
        own.total = said.total.or(own.total);
        self.retries.max_retries = first.retries.max_retries.or(self.retries.max_retries);
        let (own, said) = (&mut self.stream, &first.said);
        own.recovery = said.recovery.unwrap_or(own.recovery);
        own.commit = said.commit.unwrap_or(own.commit);
        own.on_client_gone = said.on_client_gone.unwrap_or(own.on_client_gone);
        self.on_unsupported = said.on_unsupported.unwrap_or(self.on_unsupported);
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
