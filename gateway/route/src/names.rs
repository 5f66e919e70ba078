//! The model names that are listed for a key: those that get somewhere, as far as can be said without a request.

use std::collections::BTreeSet;

use crate::constrain::Constraint;
use crate::route::Route;
use crate::upstream::ProviderIndex;
use crate::{Caller, Table};

/// A name that a rule gives a name leads on to at most so many others.
const MOST: usize = 10;

impl Table {
    /// The model names a caller may send and get somewhere with: exact names of rules, then what its providers offer; sorted, each once. Conditions, of rules
    /// and of constraints, are taken to let through.
    #[must_use]
    pub fn models(&self, caller: &Caller) -> Vec<String> {
        let virtual_names = caller.chain.iter().flat_map(|group| group.exact_names());
        let virtual_names = virtual_names.filter(|name| self.leads_somewhere(caller, name));
        let names = caller.nameable.iter().filter(|(_, weight)| *weight > 0);
        let offered = names.flat_map(|(index, _)| {
            let offered = self.providers.upstream(*index).offered();
            let names = offered.map(|name| &**name);
            names.filter(move |name| permits(&[*name], caller, *index))
        });
        let names: BTreeSet<&str> = virtual_names
            .chain(offered)
            .filter(|name| caller.allows_model(name))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Whether a name that rules match by its very text comes to somebody who may be asked. A name that it is given comes to a rule of that name, or to who
    /// offers it.
    fn leads_somewhere(&self, caller: &Caller, name: &str) -> bool {
        if caller.is_free() {
            return true;
        }
        let mut names = vec![name];
        let mut at = 0;
        while let Some(name) = names.get(at).copied().filter(|_| at < MOST) {
            at += 1;
            if at > 1 && self.is_offered_to(caller, &names, name) {
                return true;
            }
            for route in caller.chain.iter().flat_map(|group| group.named(name)) {
                match &route.passes {
                    None if may_choose(route, caller, &names) => return true,
                    None => {}
                    Some(passes) => {
                        let Some(other) = passes.model.as_deref() else {
                            // Who chooses is another rule, of whatever name.
                            return true;
                        };
                        if !names.contains(&other) {
                            names.push(other);
                        }
                    }
                }
            }
        }
        false
    }

    fn is_offered_to(&self, caller: &Caller, names: &[&str], name: &str) -> bool {
        let offered = self.offers.get(name);
        let may = |index: &ProviderIndex| {
            caller.share(*index).is_some() && permits(names, caller, *index)
        };
        offered.is_some_and(|offered| offered.by.iter().any(may))
    }
}

/// Whether a rule has a target, or a fallback, that may be asked.
fn may_choose(route: &Route, caller: &Caller, names: &[&str]) -> bool {
    let fallbacks = route.fallbacks.iter().map(|fallback| &fallback.target);
    let mut targets = route.targets.iter().chain(fallbacks);
    targets.any(|target| {
        let permitted = |index| permits(names, caller, index);
        caller.allows_target(target) && target.provider.is_none_or(permitted)
    })
}

/// Whether the constraints that hold for every request under one of these names permit a provider.
fn permits(names: &[&str], caller: &Caller, provider: ProviderIndex) -> bool {
    let constraints = caller.constraints.iter().flat_map(|group| group.routes());
    let binding = constraints.filter(|route| names.iter().any(|name| route.binds(name)));
    let mut binding = binding.filter_map(|route| route.constrain.as_ref());
    binding.all(|constraint: &Constraint| constraint.permits.contains(provider))
}
