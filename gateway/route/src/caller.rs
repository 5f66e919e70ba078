//! A key as routing sees it: which rules apply to it, and which providers it may use. Made once per key and table.

use std::collections::HashMap;
use std::sync::Arc;

use fairlead_condition::CallerFacts;
use fairlead_snapshot::{Allow, AllowedProvider, Key, ObjectName, Owner, Snapshot};

use crate::Table;
use crate::constrain::ProviderSet;
use crate::group::Group;
use crate::route::BoundTarget;
use crate::table::Providers;
use crate::upstream::ProviderIndex;

/// A key, prepared for one table.
#[derive(Debug)]
pub struct Caller {
    pub(crate) name: ObjectName,
    team: Option<String>,
    organization: Option<String>,
    /// The groups of rules that apply, in the order in which they are tried.
    pub(crate) chain: Vec<Arc<Group>>,
    /// The constraints that may apply.
    pub(crate) constraints: Vec<Arc<Group>>,
    /// What the key, its team and its organization allow, where that is not everything; all hold together.
    allows: Vec<Arc<Allow>>,
    /// The providers whose labels they ask for; `None`: they ask for none.
    picked: Option<ProviderSet>,
    /// The providers it may name in a request, with their shares for bare model names; sorted.
    pub(crate) nameable: Arc<[(ProviderIndex, u32)]>,
}

impl Caller {
    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// What conditions see of the key.
    #[must_use]
    pub fn facts(&self) -> CallerFacts<'_> {
        CallerFacts {
            key_name: &self.name.name,
            key_namespace: &self.name.namespace,
            team: self.team.as_deref(),
            organization: self.organization.as_deref(),
        }
    }

    /// Whether the key may send this model name.
    pub(crate) fn allows_model(&self, model: &str) -> bool {
        self.allows.iter().all(|allow| allow.permits_model(model))
    }

    /// Whether the key may be sent to a target by a rule.
    pub(crate) fn allows_target(&self, target: &BoundTarget) -> bool {
        let picks = |picked: &ProviderSet| {
            let provider = target.provider;
            provider.is_some_and(|provider| picked.contains(provider))
        };
        permitted(&self.allows, &target.provider_name) && self.picked.as_ref().is_none_or(picks)
    }

    /// Whether everything is allowed.
    pub(crate) fn is_free(&self) -> bool {
        self.allows.is_empty() && self.constraints.is_empty()
    }

    /// The key's share for a provider it may name in a request; `None` if it may not.
    pub(crate) fn share(&self, provider: ProviderIndex) -> Option<u32> {
        let at = self
            .nameable
            .binary_search_by_key(&provider, |(index, _)| *index)
            .ok()?;
        self.nameable.get(at).map(|(_, weight)| *weight)
    }
}

impl Table {
    /// The provider of that name, if the caller may have anything passed through to it: one that it may name in a request, and it is bound to
    /// no models, for which is asked nobody can tell.
    #[must_use]
    pub fn passed_through(&self, caller: &Caller, name: &ObjectName) -> Option<ProviderIndex> {
        let index = self.providers.index_of(&name.namespace, &name.name)?;
        let bound = |allow: &Arc<Allow>| allow.models.is_some() || !allow.deny.models.is_empty();
        let may = !caller.allows.iter().any(bound) && caller.share(index).is_some();
        may.then_some(index)
    }

    /// Prepares a key. Callers belong to the table that made them: with another one their providers would be others.
    #[must_use]
    pub fn caller(&self, name: &ObjectName, key: &Key) -> Caller {
        let own = (!key.allow.is_everything()).then(|| {
            let gateway = &self.gateway_namespace;
            Arc::new(Owned::new(
                &key.allow,
                &name.namespace,
                gateway,
                &self.providers,
            ))
        });
        let owned: Vec<_> = own.into_iter().chain(self.owners.of(name, key)).collect();
        let allows: Vec<_> = owned.iter().map(|owned| Arc::clone(&owned.allow)).collect();
        let picked = owned.iter().filter_map(|owned| owned.picked.clone());
        let picked = picked.reduce(|one, other| one.and(&other));
        Caller {
            name: name.clone(),
            team: key.team.clone(),
            organization: key.organization.clone(),
            chain: self.groups.chain(name, key),
            constraints: self.groups.constraints(name, key),
            nameable: self.nameable(&name.namespace, &allows, picked.as_ref()),
            allows,
            picked,
        }
    }

    /// The shares are those of the narrowest list: the key's, else its team's, else its organization's.
    fn nameable(
        &self,
        namespace: &str,
        allows: &[Arc<Allow>],
        picked: Option<&ProviderSet>,
    ) -> Arc<[(ProviderIndex, u32)]> {
        let list = allows.iter().find_map(|allow| allow.providers.as_deref());
        let nameable = match (list, self.nameable_from.get(namespace)) {
            (Some(list), _) => listed(&self.providers, namespace, list),
            (None, Some(shared)) => Arc::clone(shared),
            (None, None) => accessible(&self.providers, namespace),
        };
        let may = |index: ProviderIndex| {
            let name = self.providers.name(index);
            let is_picked = picked.is_none_or(|picked| picked.contains(index));
            is_picked && name.is_some_and(|name| permitted(allows, name))
        };
        if nameable.iter().all(|(index, _)| may(*index)) {
            return nameable;
        }
        let left = nameable.iter().filter(|(index, _)| may(*index));
        left.copied().collect()
    }
}

fn permitted(allows: &[Arc<Allow>], provider: &ObjectName) -> bool {
    allows.iter().all(|allow| allow.permits_provider(provider))
}

/// What an object allows.
#[derive(Debug)]
struct Owned {
    allow: Arc<Allow>,
    /// The providers whose labels it asks for.
    picked: Option<ProviderSet>,
}

impl Owned {
    fn new(allow: &Allow, own: &str, gateway: &str, providers: &Providers) -> Self {
        let picked = |selector| ProviderSet::picked(selector, own, gateway, providers);
        Self {
            picked: allow.selector.as_ref().map(picked),
            allow: Arc::new(allow.clone()),
        }
    }
}

/// What the teams and organizations allow that do not allow everything.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    teams: HashMap<ObjectName, Arc<Owned>>,
    organizations: HashMap<String, Arc<Owned>>,
}

impl Owners {
    pub(crate) fn new(snapshot: &Snapshot, providers: &Providers) -> Self {
        let gateway = &snapshot.gateway_namespace;
        let owned = |name: &ObjectName, owner: &Owner| {
            Arc::new(Owned::new(
                &owner.allow,
                &name.namespace,
                gateway,
                providers,
            ))
        };
        let narrows = |(_, owner): &(&ObjectName, &Owner)| !owner.allow.is_everything();
        let teams = snapshot.teams.iter().filter(narrows);
        let organizations = snapshot.organizations.iter().filter(narrows);
        Self {
            teams: teams
                .map(|(name, owner)| (name.clone(), owned(name, owner)))
                .collect(),
            organizations: organizations
                .map(|(name, owner)| (name.name.clone(), owned(name, owner)))
                .collect(),
        }
    }

    /// Those of a key's team and organization.
    fn of(&self, name: &ObjectName, key: &Key) -> impl Iterator<Item = Arc<Owned>> {
        let team = key.team.as_ref();
        let team = team.and_then(|team| self.teams.get(&ObjectName::new(&name.namespace, team)));
        let organization = key.organization.as_ref();
        let organization = organization.and_then(|name| self.organizations.get(name));
        team.into_iter().chain(organization).cloned()
    }
}

/// The providers that keys of a namespace may name when nothing narrows them down.
pub(crate) fn accessible(providers: &Providers, namespace: &str) -> Arc<[(ProviderIndex, u32)]> {
    providers
        .iter()
        .filter(|(_, provider)| provider.access.permits(namespace))
        .map(|(index, _)| (index, 1))
        .collect()
}

/// Of the providers of a list those that exist and that keys of the namespace may name.
fn listed(
    providers: &Providers,
    namespace: &str,
    list: &[AllowedProvider],
) -> Arc<[(ProviderIndex, u32)]> {
    let mut nameable: Vec<_> = list
        .iter()
        .filter_map(|allowed| {
            Some((
                providers.index_of(&allowed.provider.namespace, &allowed.provider.name)?,
                allowed.weight,
            ))
        })
        .filter(|(index, _)| {
            providers
                .get(*index)
                .is_some_and(|provider| provider.access.permits(namespace))
        })
        .collect();
    nameable.sort_unstable();
    nameable.dedup_by_key(|(index, _)| *index);
    nameable.into()
}
