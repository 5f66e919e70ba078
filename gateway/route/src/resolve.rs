//! Requests that no rule takes: a bare model name, or `provider/model`.

use std::sync::Arc;

use fairlead_snapshot::Strategy;
use smallvec::{SmallVec, smallvec};

use crate::plan::{Candidate, NoRoute, Plan, Planner, Step};
use crate::strategy::{Choice, Choices, ChosenBy, arrange};
use crate::table::Offered;
use crate::upstream::{Offer, ProviderIndex};

impl Planner<'_> {
    /// First a model that a permitted provider offers by exactly this name, then a split at the first `/`. A name with a slash may be an
    /// offered one.
    pub(crate) fn by_name(&self) -> Result<Plan, NoRoute> {
        let offered = self.table.offers.get(self.model);
        if let Some(steps) = offered.and_then(|offered| self.bare(offered)) {
            return Ok(Plan {
                rule: None,
                chosen_by: if steps.len() > 1 {
                    ChosenBy::Weighted
                } else {
                    ChosenBy::Only
                },
                steps,
                configured: true,
                condition_errors: 0,
                constraints: Vec::new(),
                through: Vec::new(),
                copies: Vec::new(),
            });
        }
        if let Some(step) = self.named()? {
            return Ok(Plan {
                rule: None,
                chosen_by: ChosenBy::Only,
                configured: step.configured,
                steps: smallvec![step],
                condition_errors: 0,
                constraints: Vec::new(),
                through: Vec::new(),
                copies: Vec::new(),
            });
        }
        if self
            .caller
            .chain
            .iter()
            .any(|group| group.names(self.model))
        {
            return Err(NoRoute::NoRule);
        }
        Err(if offered.is_some_and(|offered| self.withheld(offered)) {
            NoRoute::ProviderNotAllowed
        } else {
            NoRoute::UnknownModel
        })
    }

    /// The providers that offer the model to this key: one by the key's weights, then the others by falling weight.
    fn bare(&self, offered: &Offered) -> Option<SmallVec<[Step; 4]>> {
        let share = |position, index| {
            Some(Choice {
                position,
                weight: self.share(index)?,
            })
        };
        let choices: Choices = offered
            .by
            .iter()
            .enumerate()
            .filter_map(|(position, index)| share(position, *index))
            .collect();
        if choices.iter().all(|choice| choice.weight == 0) {
            return None;
        }
        let standing = |choice: Choice| self.standing_at(offered.by[choice.position]);
        let draw = || (self.draw)(&offered.sequence);
        let (order, _) = arrange(Strategy::Weighted, choices, &standing, draw);
        let drawn = order.len() > 1;
        let mut steps: SmallVec<[Step; 4]> = order
            .iter()
            .filter_map(|choice| self.direct(offered.by[choice.position], self.model))
            .collect();
        if let Some(first) = steps.first_mut() {
            first.drawn = drawn;
        }
        Some(steps)
    }

    /// The key's share for a provider that it may name and that constraints permit.
    fn share(&self, provider: ProviderIndex) -> Option<u32> {
        let share = self.caller.share(provider)?;
        self.within.permits(Some(provider)).then_some(share)
    }

    /// How a provider stands with the model by the name that was sent.
    fn standing_at(&self, provider: ProviderIndex) -> u32 {
        let offer = self.table.providers.upstream(provider).offer(self.model);
        let (requested, model) = offer.borrowed(self.model);
        self.standing.share(Candidate {
            provider,
            model,
            requested,
        })
    }

    /// Whether a provider that the key may use lists a model by the name that was sent, or one by what stands behind its first `/`. What others
    /// list for themselves means nothing to it.
    pub(crate) fn is_offered(&self) -> bool {
        let providers = &self.table.providers;
        let by_one_of_them = || {
            let (provider, model) = self.model.split_once('/')?;
            let namespaces = [&self.caller.name.namespace, &self.table.gateway_namespace];
            let index = namespaces
                .iter()
                .find_map(|namespace| providers.index_of(namespace, provider))?;
            let offer = providers.upstream(index).offer(model);
            Some(matches!(offer, Offer::Named { .. }))
        };
        let offered = self.table.offers.get(self.model);
        let may_use = |index: &ProviderIndex| self.caller.share(*index).is_some();
        offered.is_some_and(|offered| offered.by.iter().any(may_use))
            || by_one_of_them() == Some(true)
    }

    /// `provider/model`: the provider of the key's namespace, else of the gateway's; `None` if there is no such provider or model.
    fn named(&self) -> Result<Option<Step>, NoRoute> {
        let Some((provider, model)) = self
            .model
            .split_once('/')
            .filter(|(_, model)| !model.is_empty())
        else {
            return Ok(None);
        };
        let mut exists = false;
        for namespace in [&self.caller.name.namespace, &self.table.gateway_namespace] {
            let Some(index) = self.table.providers.index_of(namespace, provider) else {
                continue;
            };
            if self.share(index).is_some() {
                return Ok(self.direct(index, model));
            }
            exists = true;
        }
        if exists {
            Err(NoRoute::ProviderNotAllowed)
        } else {
            Ok(None)
        }
    }

    /// Whether the model is offered to the key's namespace, but only by providers that the key's own list leaves out.
    fn withheld(&self, offered: &Offered) -> bool {
        let permits = |index: &ProviderIndex| {
            self.table
                .providers
                .get(*index)
                .is_some_and(|provider| provider.access.permits(&self.caller.name.namespace))
        };
        offered
            .by
            .iter()
            .filter(|index| permits(index))
            .any(|index| self.share(*index).is_none())
    }

    /// A provider asked by the caller itself; `None` if it does not offer the model.
    fn direct(&self, index: ProviderIndex, model: &str) -> Option<Step> {
        let upstream = self.table.providers.upstream(index);
        let offer = upstream.offer(model);
        if offer.problem().is_some() {
            return None;
        }
        let (configured, reasons) = (matches!(offer, Offer::Named { .. }), offer.reasons(model));
        let (requested, model) = offer.names(|| model.into());
        let target = Arc::clone(&upstream.label);
        Some(Step {
            target,
            provider: Some(index),
            model,
            requested,
            configured,
            reasons,
            drawn: false,
            on: None,
            fallback: false,
            share: 0,
            conversation: None,
            amendments: None,
            problem: None,
        })
    }
}
