//! What is to be tried for a request, in order: the result of routing, and how a matched rule becomes one.

mod refused;
mod targets;

use std::sync::Arc;

use fairlead_condition::Facts;
use fairlead_snapshot::{
    Affinity, Failover, Headers, Hedge, Logging, ObjectName, OnUnsupported, Parameters, Problem,
    RetryOverrides, Strategy, Streams, TimeoutOverrides,
};
use smallvec::SmallVec;

use crate::affinity::{draw, hash};
use crate::constrain::Within;
use crate::credit::Credit;
use crate::find::first_match;
use crate::mirror::Copied;
use crate::passed::Said;
use crate::prospect::{Request, dearest};
use crate::route::{BoundTarget, Judgement, Route};
use crate::sequence::{Draw, Sequence};
use crate::standing::Standing;
use crate::strategy::{Choice, Choices, ChosenBy, arrange};
use crate::upstream::Offer;
use crate::{Caller, ProviderIndex, Table};
pub use refused::{NoRoute, Refused};
use targets::{Targets, share};

/// What is to be tried, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The rule that took the request; `None`: the request named its provider or model itself.
    pub rule: Option<RuleRef>,
    /// The attempts; at least one.
    pub steps: SmallVec<[Step; 4]>,
    /// What has put the first of them there.
    pub chosen_by: ChosenBy,
    /// Whether the name that was asked for stands in the configuration: in a rule, or among what a provider offers. Any other is a caller's
    /// own, of which there may be any number.
    pub configured: bool,
    /// How many rules were passed by because their condition failed to evaluate.
    pub condition_errors: u32,
    /// The constraints that hold for the request; every step is within all of them.
    pub constraints: Vec<Arc<str>>,
    /// The rules that hold for the request and after which matching went on, in their order.
    pub through: Vec<Arc<str>>,
    /// The copies that are to be made of the request; each is within the constraints, too.
    pub copies: Vec<Copied>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The target's name; `namespace/name` of the provider where no rule named it.
    pub target: Arc<str>,
    /// The provider; `None`: it is missing or forbidden, and `problem` says so.
    pub provider: Option<ProviderIndex>,
    /// The model's name at the upstream.
    pub model: Arc<str>,
    /// The model's name as the provider offers it.
    pub requested: Arc<str>,
    /// Whether the model's name stands in the configuration, and is not one that only the caller has come up with.
    pub configured: bool,
    /// Whether the model reasons before it answers, as far as its name tells.
    pub reasons: bool,
    /// Whether it was drawn by as much of its share as it may have now: then its turn has come although it is only coming back.
    pub drawn: bool,
    /// The failures of the step before it that this step is for; `None`: all that fall back by themselves.
    pub on: Option<Arc<Failover>>,
    /// Whether it is one of the rule's fallbacks.
    pub fallback: bool,
    /// Its share of the conversations, where they are spread; 0 for fallbacks, and where the strategy spreads nothing.
    pub share: u32,
    /// The conversation that the request belongs to, where conversations stay together.
    pub conversation: Option<u64>,
    /// What the target changes in requests, if anything.
    pub amendments: Option<Arc<Amendments>>,
    /// Why it cannot be tried, if it cannot: then it counts as a failed attempt.
    pub problem: Option<Problem>,
}

/// What a target changes in requests, before what its provider changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Amendments {
    /// Members of the body.
    pub parameters: Parameters,
    /// Headers.
    pub headers: Headers,
}

/// What outlives a table of a rule, for as long as a request needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleHead {
    /// The rule's name.
    pub name: ObjectName,
    /// What it says of timeouts.
    pub timeouts: TimeoutOverrides,
    /// What it says of retries.
    pub retries: RetryOverrides,
    /// How it treats streams.
    pub stream: Streams,
    /// Its second attempts, if there are any.
    pub hedge: Option<Hedge>,
    /// What it has left of them; outlives a table of the rule.
    pub hedges: Arc<Credit>,
    /// How it knows a conversation, if it does.
    pub affinity: Option<Affinity>,
    /// What becomes of a request that a target cannot be asked in full.
    pub on_unsupported: OnUnsupported,
    /// What an attempt may probably cost at most, in nano-USD, if it says.
    pub max_cost: Option<i64>,
    /// The rule that says so, where it is one that was passed before.
    pub max_cost_by: Option<ObjectName>,
    /// Whether what requests cost decides where they go.
    pub minds_cost: bool,
    /// Whether its targets are judged by how they do.
    pub judges: bool,
    /// What is kept of the content of the requests that it takes; `None`: nothing.
    pub logging: Option<Arc<Logging>>,
    /// What it says of streams and of what cannot be said.
    pub(crate) said: Said,
}

/// A shared [`RuleHead`].
pub type RuleRef = Arc<RuleHead>;

/// A target, as it is asked how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The provider.
    pub provider: ProviderIndex,
    /// The model's name at the upstream.
    pub model: &'a str,
    /// The model's name as the provider offers it.
    pub requested: &'a str,
}

/// One request on its way through a table.
pub(crate) struct Planner<'a> {
    pub(crate) table: &'a Table,
    pub(crate) caller: &'a Caller,
    /// The name as sent.
    pub(crate) sent: &'a str,
    /// The name that it has now: as sent, or as the last rule that renamed it says.
    pub(crate) model: &'a str,
    /// The rules that hold and after which matching went on.
    pub(crate) passed: SmallVec<[&'a Arc<Route>; 2]>,
    pub(crate) request: &'a dyn Request,
    pub(crate) standing: &'a dyn Standing,
    pub(crate) draw: Draw,
    /// What may be asked; everything, until the plan is made.
    pub(crate) within: Within<'a>,
    /// What the look is for.
    pub(crate) look: Look,
}

/// What rules are looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A request.
    Request,
    /// Somebody who wants to know, and must not be counted.
    Onlooker,
    /// What would be if there were no constraints; nothing of it is counted a second time.
    Unconstrained,
}

impl Table {
    /// What is to be tried for a request of `caller` for `model`. `request` is asked only for what
    /// a condition names, `standing` only where there is something to choose. Takes a turn of the spread it uses.
    ///
    /// # Errors
    /// Says why there is nothing to try.
    pub fn plan(
        &self,
        caller: &Caller,
        model: &str,
        request: &dyn Request,
        standing: &dyn Standing,
    ) -> Result<Plan, NoRoute> {
        let planned = self.planned(caller, model, request, standing);
        planned.map_err(|refused| refused.reason)
    }

    /// The same, with the constraints that hold for what is refused.
    ///
    /// # Errors
    /// Says why there is nothing to try.
    pub fn planned(
        &self,
        caller: &Caller,
        model: &str,
        request: &dyn Request,
        standing: &dyn Standing,
    ) -> Result<Plan, Refused> {
        let mut planner = Planner {
            table: self,
            caller,
            sent: model,
            model,
            passed: SmallVec::new(),
            request,
            standing,
            draw: Sequence::take,
            within: Within::default(),
            look: Look::Request,
        };
        planner.plan().map_err(|reason| Refused {
            reason,
            constraints: planner.within.names(),
        })
    }
}

impl<'a> Planner<'a> {
    pub(crate) fn plan(&mut self) -> Result<Plan, NoRoute> {
        if !self.caller.allows_model(self.model) {
            self.within = self.within_as_known();
            return Err(NoRoute::ModelNotAllowed);
        }
        self.within = self.within()?;
        match self.chosen() {
            Ok(plan) => self.held(plan),
            Err(reason) => Err(self.told(reason)),
        }
    }

    /// What is chosen within the constraints.
    pub(crate) fn chosen(&mut self) -> Result<Plan, NoRoute> {
        let found = first_match(self)?;
        let plan = match found.route {
            Some(route) => self.by_rule(route)?,
            None => self.by_name().map_err(|reason| self.by_alias(reason))?,
        };
        let plan = Plan {
            condition_errors: found.condition_errors,
            ..plan
        };
        Ok(self.passed_on(plan, found.route))
    }

    /// Why a name leads nowhere, where it is not the one that was sent.
    fn by_alias(&self, reason: NoRoute) -> NoRoute {
        let last = self.passed.iter().rev().find(|route| {
            let passes = route.passes.as_ref();
            passes.is_some_and(|passes| passes.model.is_some())
        });
        match (reason, last) {
            (NoRoute::UnknownModel, Some(route)) if self.is_renamed() => NoRoute::UnknownAlias {
                rule: route.head.name.clone(),
                model: self.model.to_owned(),
            },
            (reason, _) => reason,
        }
    }

    /// Whether a rule has given the request another name.
    pub(crate) fn is_renamed(&self) -> bool {
        self.model != self.sent
    }

    /// Counts that the condition of a rule could not be evaluated.
    pub(crate) fn count_error(&self, route: &Route) {
        if self.look == Look::Request {
            route.count_condition_error();
        }
    }

    /// What conditions see of the request.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts::new(self.request, self.caller.facts())
    }

    /// What a rule says to the request.
    pub(crate) fn judge(&self, route: &Route, facts: &Facts<'_>) -> Judgement {
        let cost = || self.cost_of(route);
        route.judge(self.model, &facts.costing(&cost))
    }

    /// What the request will probably cost if the rule takes it: at the dearest of its targets that it may go to, for which of them it will be is
    /// not decided; `None`: of one of them nobody can tell, or there is none. Fallbacks are not counted.
    fn cost_of(&self, route: &Route) -> Option<i64> {
        let allowed = |target: &&BoundTarget| self.may_ask(target);
        let candidates = route.targets.iter().filter(allowed);
        dearest(candidates.filter_map(|target| {
            self.with_candidate(target, |candidate| self.request.cost(candidate))
        }))
    }

    /// The targets in the order of the strategy, or of the user who the request is from, by number; of each only those whose provider the key may use.
    fn ordered(&self, route: &Route) -> (Choices, ChosenBy, Option<u64>) {
        let targets = route.targets.iter().enumerate();
        let choices = targets
            .filter(|(_, target)| self.may_ask(target))
            .map(|(position, target)| Choice {
                position,
                weight: target.weight,
            })
            .collect();
        let targets = Targets {
            planner: self,
            route,
        };
        let turn = || (self.draw)(&route.counters.sequence);
        let user = route.sticky.as_ref();
        let user = user.and_then(|sticky| self.request.user(sticky, &route.head.name));
        let (order, chosen_by) = match user {
            Some(user) => of_user(user, choices, &route.targets),
            None => arrange(route.strategy, choices, &targets, turn),
        };
        (order, chosen_by, user)
    }

    /// The strategy's order of the targets, then the fallbacks; of each only those whose provider the key may use.
    fn by_rule(&self, route: &Route) -> Result<Plan, NoRoute> {
        let (order, chosen_by, user) = self.ordered(route);
        // The name as sent is copied only where a target passes it on to a provider that takes any name.
        let named = route.names(self.model);
        let mut sent = None;
        let drawn = order.len() > 1 && route.strategy != Strategy::Priority && user.is_none();
        let mut steps: SmallVec<[Step; 4]> = (0..)
            .zip(&order)
            .map(|(at, choice)| Step {
                // Where a user is at home, no conversation of theirs is elsewhere.
                share: user.map_or_else(|| share(route.strategy, choice.weight), |_| 0),
                drawn: drawn && at == 0,
                ..self.step(&route.targets[choice.position], named, &mut sent)
            })
            .collect();
        for fallback in route
            .fallbacks
            .iter()
            .filter(|fallback| self.may_ask(&fallback.target))
        {
            // A first step follows no failure that it could be for.
            let on = fallback.on.clone().filter(|_| !steps.is_empty());
            let step = self.step(&fallback.target, named, &mut sent);
            steps.push(Step {
                on,
                fallback: true,
                ..step
            });
        }
        if steps.is_empty() {
            return Err(NoRoute::ProviderNotAllowed);
        }
        let lacks = |step: &Step| step.problem == Some(Problem::ModelNotOffered);
        if steps.iter().all(lacks) {
            let rule = route.head.name.clone();
            return Err(NoRoute::ModelNotOffered { rule });
        }
        Ok(Plan {
            rule: Some(Arc::clone(&route.head)),
            steps,
            chosen_by,
            configured: named || self.is_offered(),
            condition_errors: 0,
            constraints: Vec::new(),
            through: Vec::new(),
            copies: Vec::new(),
        })
    }

    /// Whether the key may use a target, and the constraints permit it.
    pub(crate) fn may_ask(&self, target: &BoundTarget) -> bool {
        self.caller.allows_target(target) && self.within.permits(target.provider)
    }

    /// What is said of a target as it would be asked; `None`: it cannot be tried.
    fn with_candidate<T>(
        &self,
        target: &BoundTarget,
        say: impl FnOnce(Candidate<'_>) -> T,
    ) -> Option<T> {
        let provider = target.provider.filter(|_| target.problem.is_none())?;
        if let Some((requested, model)) = &target.model {
            return Some(say(Candidate {
                provider,
                model,
                requested,
            }));
        }
        let offer = self.table.providers.upstream(provider).offer(self.model);
        if offer.problem().is_some() {
            return None;
        }
        let (requested, model) = offer.borrowed(self.model);
        Some(say(Candidate {
            provider,
            model,
            requested,
        }))
    }

    /// `named`: whether the rule matches the name that was sent by its very text.
    pub(crate) fn step(
        &self,
        target: &BoundTarget,
        named: bool,
        sent: &mut Option<Arc<str>>,
    ) -> Step {
        let upstream = target
            .provider
            .map(|index| self.table.providers.upstream(index));
        let (names, known, reasons, problem) = if let Some(names) = &target.model {
            (names.clone(), true, target.reasons, None)
        } else {
            let offer = upstream.map_or(Offer::Any, |upstream| upstream.offer(self.model));
            let sent = || Arc::clone(sent.get_or_insert_with(|| self.model.into()));
            let known = named || matches!(offer, Offer::Named { .. });
            let reasons = offer.reasons(self.model);
            (offer.names(sent), known, reasons, offer.problem())
        };
        let (requested, model) = names;
        let problem = target.problem.or(problem);
        Step {
            target: Arc::clone(&target.name),
            provider: target.provider,
            model,
            requested,
            configured: known,
            reasons,
            drawn: false,
            on: None,
            fallback: false,
            share: 0,
            conversation: None,
            amendments: target.amendments.clone(),
            problem,
        }
    }
}

/// The order of a user: as of a conversation (see [`crate::Plan::keep`]), so that where weights change as few users as can be move.
fn of_user(user: u64, mut choices: Choices, targets: &[BoundTarget]) -> (Choices, ChosenBy) {
    choices.retain(|choice| choice.weight > 0);
    let drawn = |choice: &Choice| {
        let target = targets.get(choice.position);
        let name = target.map_or(0, |target| hash(&target.name));
        draw(user, name, choice.weight)
    };
    choices.sort_by(|one, two| drawn(two).total_cmp(&drawn(one)));
    let chosen_by = if choices.len() > 1 {
        ChosenBy::Sticky
    } else {
        ChosenBy::Only
    };
    (choices, chosen_by)
}
