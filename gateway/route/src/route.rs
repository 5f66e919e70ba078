//! A rule, ready to be tried: its condition parsed, its targets bound to providers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fairlead_condition::{Condition, EvaluationError, Facts};
use fairlead_snapshot::{
    Failover, ModelPattern, ObjectName, Problem, RetryOverrides, Rule, Sticky, Strategy, Target,
    TimeoutOverrides,
};

use crate::constrain::{Constraint, ProviderSet};
use crate::credit::Credit;
use crate::mirror::BoundMirror;
use crate::passed::Said;
use crate::plan::{Amendments, RuleHead, RuleRef};
use crate::sequence::Sequence;
use crate::table::Providers;
use crate::upstream::{Offer, ProviderIndex};

/// A rule.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) head: RuleRef,
    pub(crate) overrides: bool,
    pub(crate) priority: u32,
    pub(crate) created: Option<i64>,
    /// Names as sent; empty: any.
    pub(crate) models: Vec<ModelPattern>,
    when: When,
    pub(crate) strategy: Strategy,
    pub(crate) targets: Vec<BoundTarget>,
    pub(crate) fallbacks: Vec<BoundFallback>,
    /// How the users are known that are spread over the targets.
    pub(crate) sticky: Option<Sticky>,
    pub(crate) mirrors: Vec<BoundMirror>,
    /// What it changes, if it chooses nothing and matching goes on after it.
    pub(crate) passes: Option<Passes>,
    /// What may be asked for the requests that it matches; `None`: it is a rule that chooses.
    pub(crate) constrain: Option<Constraint>,
    /// Carried over from table to table by the rule's name.
    pub(crate) counters: Arc<Counters>,
}

/// What a rule counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sequence: Sequence,
    pub(crate) copies: Sequence,
    hedges: Arc<Credit>,
    condition_errors: AtomicU64,
}

/// What a rule changes after which matching goes on.
#[derive(Debug)]
pub(crate) struct Passes {
    /// Its name, `namespace/name`.
    pub(crate) label: Arc<str>,
    /// The name that the request has from there on; `None`: the same.
    pub(crate) model: Option<Box<str>>,
    /// What is changed in what is sent.
    pub(crate) amendments: Option<Amendments>,
    /// Whether its head says anything that holds for the request.
    pub(crate) tunes: bool,
}

/// A rule's condition.
#[derive(Debug)]
enum When {
    Always,
    Holds(Arc<Condition>),
    /// It does not parse. The compiler lets no such rule through, but it may be of another version than this gateway. It matches nothing and
    /// is an error, as a condition is that cannot be evaluated.
    Unparsable,
}

/// What a rule says to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Judgement {
    Matched,
    OtherModel,
    ConditionFalse,
    ConditionError(EvaluationError),
    ConditionUnparsable,
}

/// A target, bound to its provider.
#[derive(Debug)]
pub(crate) struct BoundTarget {
    pub(crate) name: Arc<str>,
    pub(crate) provider_name: ObjectName,
    /// `None`: missing, or forbidden to the rule.
    pub(crate) provider: Option<ProviderIndex>,
    /// The model's name as offered and as the upstream knows it; `None`: the name the caller sent.
    pub(crate) model: Option<(Arc<str>, Arc<str>)>,
    /// Whether that model reasons before it answers.
    pub(crate) reasons: bool,
    pub(crate) weight: u32,
    pub(crate) amendments: Option<Arc<Amendments>>,
    pub(crate) problem: Option<Problem>,
}

/// A fallback, bound to its provider.
#[derive(Debug)]
pub(crate) struct BoundFallback {
    pub(crate) target: BoundTarget,
    pub(crate) on: Option<Arc<Failover>>,
}

impl Route {
    /// Binds a rule. What the same rule had before (`previous`) is kept where it still holds: the place in its spread always, the parsed
    /// condition if its text is the same.
    pub(crate) fn new(
        rule: &Rule,
        providers: &Providers,
        gateway_namespace: &str,
        previous: Option<&Self>,
    ) -> Self {
        let picked = |selector| {
            let own = &rule.name.namespace;
            Constraint {
                label: rule.name.to_string().into(),
                permits: ProviderSet::picked(selector, own, gateway_namespace, providers),
            }
        };
        let fallback = |fallback: &fairlead_snapshot::Fallback| BoundFallback {
            target: BoundTarget::new(&fallback.target, providers),
            on: fallback.on.clone().map(Arc::new),
        };
        let counters = previous
            .map(|route| Arc::clone(&route.counters))
            .unwrap_or_default();
        Self {
            head: Arc::new(RuleHead {
                name: rule.name.clone(),
                timeouts: rule.timeouts,
                retries: rule.retries,
                stream: rule.stream,
                hedge: rule.hedge,
                hedges: Arc::clone(&counters.hedges),
                affinity: rule.affinity.clone(),
                on_unsupported: rule.on_unsupported,
                max_cost: rule.max_cost,
                max_cost_by: None,
                minds_cost: rule.max_cost.is_some() || rule.strategy == Strategy::LowestCost,
                judges: rule.strategy == Strategy::Adaptive,
                logging: rule.logging.clone(),
                said: Said::by(rule),
            }),
            overrides: rule.overrides,
            priority: rule.priority,
            created: rule.created,
            models: rule.models.clone(),
            when: When::new(rule.when.as_deref(), previous.map(|route| &route.when)),
            strategy: rule.strategy,
            targets: rule
                .targets
                .iter()
                .map(|target| BoundTarget::new(target, providers))
                .collect(),
            fallbacks: rule.fallbacks.iter().map(fallback).collect(),
            sticky: rule.sticky.clone(),
            mirrors: rule
                .mirrors
                .iter()
                .map(|mirror| {
                    let before = previous.map(|route| route.mirrors.as_slice());
                    let before = before.unwrap_or_default();
                    BoundMirror::new(rule, mirror, providers, gateway_namespace, before)
                })
                .collect(),
            passes: rule.continues.then(|| Passes::new(rule)),
            constrain: rule.constrain.as_ref().map(picked),
            counters,
        }
    }

    /// Whether the rule takes a request for `model`.
    pub(crate) fn judge(&self, model: &str, facts: &Facts<'_>) -> Judgement {
        if !self.models.is_empty() && !self.models.iter().any(|pattern| pattern.matches(model)) {
            return Judgement::OtherModel;
        }
        self.judge_condition(facts)
    }

    /// Whether a constraint is for a request for `model`, by whatever spelling of it; `None`: it may be any.
    pub(crate) fn judge_constraint(&self, model: Option<&str>, facts: &Facts<'_>) -> Judgement {
        let holds_for = |model| self.models.iter().any(|pattern| pattern.holds_for(model));
        if !self.models.is_empty() && model.is_some_and(|model| !holds_for(model)) {
            return Judgement::OtherModel;
        }
        self.judge_condition(facts)
    }

    /// Whether a constraint is for every request of its scope for `model`, whatever else it says.
    pub(crate) fn binds(&self, model: &str) -> bool {
        let holds_for = |pattern: &ModelPattern| pattern.holds_for(model);
        matches!(self.when, When::Always)
            && (self.models.is_empty() || self.models.iter().any(holds_for))
    }

    fn judge_condition(&self, facts: &Facts<'_>) -> Judgement {
        match &self.when {
            When::Always => Judgement::Matched,
            When::Unparsable => Judgement::ConditionUnparsable,
            When::Holds(condition) => match condition.holds(facts) {
                Ok(true) => Judgement::Matched,
                Ok(false) => Judgement::ConditionFalse,
                Err(error) => Judgement::ConditionError(error),
            },
        }
    }

    /// Whether it matches `model` by its very name.
    pub(crate) fn names(&self, model: &str) -> bool {
        self.models
            .iter()
            .any(|pattern| pattern.exact() == Some(model))
    }

    pub(crate) fn count_condition_error(&self) {
        self.counters
            .condition_errors
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn condition_errors(&self) -> u64 {
        self.counters.condition_errors.load(Ordering::Relaxed)
    }
}

impl Passes {
    fn new(rule: &Rule) -> Self {
        let changes = &rule.changes;
        let amends = !(changes.parameters.is_empty() && changes.headers.is_empty());
        Self {
            label: rule.name.to_string().into(),
            model: changes.model.as_deref().map(Into::into),
            amendments: amends.then(|| Amendments {
                parameters: changes.parameters.clone(),
                headers: changes.headers.clone(),
            }),
            tunes: rule.timeouts != TimeoutOverrides::default()
                || rule.retries != RetryOverrides::default()
                || Said::by(rule) != Said::default()
                || rule.max_cost.is_some(),
        }
    }
}

impl When {
    fn new(text: Option<&str>, previous: Option<&Self>) -> Self {
        let Some(text) = text else {
            return Self::Always;
        };
        if let Some(Self::Holds(condition)) = previous
            && condition.source() == text
        {
            return Self::Holds(Arc::clone(condition));
        }
        Condition::parse(text).map_or(Self::Unparsable, |condition| {
            Self::Holds(Arc::new(condition))
        })
    }
}

impl BoundTarget {
    pub(crate) fn new(target: &Target, providers: &Providers) -> Self {
        let forbidden = target.problem == Some(Problem::NotPermitted);
        let provider = providers
            .index_of(&target.provider.namespace, &target.provider.name)
            .filter(|_| !forbidden);
        let offer =
            |model| provider.map_or(Offer::Any, |index| providers.upstream(index).offer(model));
        let fixed = target.model.as_deref().map(|model| (model, offer(model)));
        let missing = provider.is_none().then_some(Problem::NotFound);
        let problem = target
            .problem
            .or(missing)
            .or_else(|| fixed.as_ref()?.1.problem());
        let reasons = fixed
            .as_ref()
            .is_some_and(|(model, offer)| offer.reasons(model));
        let model = fixed.map(|(model, offer)| offer.names(|| model.into()));
        Self {
            name: target.name.as_str().into(),
            provider_name: target.provider.clone(),
            provider,
            model,
            reasons,
            weight: target.weight,
            amendments: target.amends().then(|| {
                Arc::new(Amendments {
                    parameters: target.parameters.clone(),
                    headers: target.headers.clone(),
                })
            }),
            problem,
        }
    }
}
