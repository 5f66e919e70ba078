//! `maxCostPerRequest`: what an attempt may probably cost at most. A target that is dearer is passed over, whatever brought the attempt about.

use std::fmt;
use std::sync::Arc;

use fairlead_route::RuleRef;
use fairlead_snapshot::{Key, ObjectName, Owner, Snapshot};

use super::bound::Level;
use super::usd::Usd;

/// What an attempt may cost at most, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MaxCost {
    /// The kind of object that says so.
    pub kind: &'static str,
    /// Its `namespace/name`.
    pub holder: Arc<str>,
    /// Nano-USD.
    pub nanos: i64,
}

/// A target that is too dear. Shown, it is the sentence for the caller, should nobody else answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dear {
    /// What it may cost.
    pub most: MaxCost,
    /// What it would probably cost, in nano-USD; `None`: nobody knows.
    pub cost: Option<i64>,
    /// The provider, `namespace/name`.
    pub provider: Arc<str>,
    /// The model's name as the provider offers it.
    pub model: Arc<str>,
}

impl MaxCost {
    /// The least of what a key, its team and its organization say.
    #[must_use]
    pub(crate) fn of_key(snapshot: &Snapshot, name: &ObjectName, key: &Key) -> Option<Self> {
        let said = |kind, name: &ObjectName, nanos: Option<i64>| {
            Some(Self {
                kind,
                holder: name.to_string().into(),
                nanos: nanos?,
            })
        };
        let owner = |kind, name: ObjectName, owner: Option<&Owner>| {
            said(kind, &name, owner.and_then(|owner| owner.limits.max_cost))
        };
        let team = key.team.as_ref().and_then(|team| {
            let name = ObjectName::new(&name.namespace, team);
            let found = snapshot.teams.get(&name);
            owner(Level::Team.kind(), name, found)
        });
        let organization = key.organization.as_ref().and_then(|organization| {
            let name = ObjectName::new(&snapshot.gateway_namespace, organization);
            let found = snapshot.organizations.get(&name);
            owner(Level::Organization.kind(), name, found)
        });
        let own = said(Level::Key.kind(), name, key.limits.max_cost);
        let all = organization.into_iter().chain(team).chain(own);
        all.min_by_key(|said| said.nanos)
    }
}

/// What may be spent on an attempt at most, by all who say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most<'a> {
    of_rule: Option<(&'a ObjectName, i64)>,
    of_key: Option<&'a MaxCost>,
}

impl<'a> Most<'a> {
    /// Of what the rule says that took the request, and of what its key and the owners of that say.
    #[must_use]
    pub(crate) fn of(rule: Option<&'a RuleRef>, of_key: Option<&'a MaxCost>) -> Self {
        let of_rule = rule.and_then(|rule| {
            let by = rule.max_cost_by.as_ref().unwrap_or(&rule.name);
            rule.max_cost.map(|nanos| (by, nanos))
        });
        Self { of_rule, of_key }
    }

    /// Whether a model of a provider is too dear: it would cost more, or nobody knows what. The cost is asked only where somebody says anything.
    #[must_use]
    pub(crate) fn refuses(
        &self,
        provider: &Arc<str>,
        model: &Arc<str>,
        cost: impl FnOnce() -> Option<i64>,
    ) -> Option<Box<Dear>> {
        let of_rule = self.of_rule.map(|(_, nanos)| nanos);
        let of_key = self.of_key.map(|key| key.nanos);
        let nanos = of_rule.into_iter().chain(of_key).min()?;
        let cost = cost();
        if cost.is_some_and(|cost| cost <= nanos) {
            return None;
        }
        Some(Box::new(Dear {
            most: self.least()?,
            cost,
            provider: Arc::clone(provider),
            model: Arc::clone(model),
        }))
    }

    fn least(&self) -> Option<MaxCost> {
        let of_rule = self.of_rule.map(|(name, nanos)| MaxCost {
            kind: "RoutingRule",
            holder: name.to_string().into(),
            nanos,
        });
        let all = self.of_key.cloned().into_iter().chain(of_rule);
        all.min_by_key(|said| said.nanos)
    }
}

impl Dear {
    /// The code of a refusal for it.
    #[must_use]
    pub(crate) fn code(&self) -> &'static str {
        match self.cost {
            Some(_) => "max_cost_exceeded",
            None => "price_unknown",
        }
    }
}

impl fmt::Display for Dear {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            most:
                MaxCost {
                    kind,
                    holder,
                    nanos,
                },
            cost,
            provider,
            model,
        } = self;
        let most = Usd(*nanos);
        match cost {
            Some(cost) => write!(
                out,
                "the request would probably cost {} USD at the model {model:?} of the provider {provider}, and spec.maxCostPerRequest of the {kind} {holder} is {most}; send less, ask for a shorter answer (max_tokens) or a cheaper model, or have it raised",
                Usd(*cost)
            ),
            None => write!(
                out,
                "what the model {model:?} of the provider {provider} costs is not known, and spec.maxCostPerRequest of the {kind} {holder} is {most}; have a price set in spec.models[].price or spec.price of the LLMProvider, or ask for another model"
            ),
        }
    }
}
