//! Every limit that a request of a key has to keep: its organization's, its team's and its own; and, for an attempt, its provider's.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_snapshot::{Key, ObjectName, Owner, Snapshot};
use smallvec::SmallVec;

use super::bound::{Bound, Holder, Level};
use super::dear::MaxCost;

/// The limits of a key's hierarchy, the organization's first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain(SmallVec<[Arc<[Bound]>; 3]>);

impl Chain {
    /// Whether nothing is limited.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the key itself, if it has any.
    #[must_use]
    pub(crate) fn own(&self) -> Option<&Arc<[Bound]>> {
        let of_the_key = |bound: &Bound| bound.holder.level == Level::Key;
        self.0
            .last()
            .filter(|last| last.first().is_some_and(of_the_key))
    }

    /// Each limit.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bound> + Clone {
        self.0.iter().flat_map(|limits| limits.iter())
    }
}

/// A caller, as far as limits look at it.
#[derive(Debug, Default)]
pub(crate) struct Limited {
    /// What it has to keep.
    pub chain: Chain,
    /// What an attempt of its may cost at most, if anybody says.
    pub max_cost: Option<MaxCost>,
    /// The same in every request of its key: what is learned of them is kept by it.
    pub number: u64,
}

/// The limits of owners, each made once however many keys they have.
pub(crate) struct Owners<'a> {
    snapshot: &'a Snapshot,
    generation: u64,
    teams: BTreeMap<&'a ObjectName, Arc<[Bound]>>,
    organizations: BTreeMap<&'a ObjectName, Arc<[Bound]>>,
}

impl<'a> Owners<'a> {
    /// Those of a snapshot.
    #[must_use]
    pub(crate) fn of(snapshot: &'a Snapshot, generation: u64) -> Self {
        let all = |level, owners: &'a BTreeMap<ObjectName, Owner>| {
            let bound = owners.iter().filter(|(_, owner)| owner.limits.count());
            bound
                .map(|(name, owner)| {
                    (
                        name,
                        Bound::all(&holder(level, name), &owner.limits, generation),
                    )
                })
                .collect()
        };
        Self {
            snapshot,
            generation,
            teams: all(Level::Team, &snapshot.teams),
            organizations: all(Level::Organization, &snapshot.organizations),
        }
    }

    /// Those of each organization and each team.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<[Bound]>> {
        let organizations = self.organizations.values();
        organizations.chain(self.teams.values()).cloned()
    }

    /// What a key has to keep.
    #[must_use]
    pub(crate) fn chain(&self, name: &ObjectName, key: &Key) -> Chain {
        let organization = key.organization.as_ref().and_then(|organization| {
            let namespace = &self.snapshot.gateway_namespace;
            self.organizations
                .get(&ObjectName::new(namespace, organization))
        });
        let team = key.team.as_ref();
        let team = team.and_then(|team| self.teams.get(&ObjectName::new(&name.namespace, team)));
        let own = key
            .limits
            .count()
            .then(|| Bound::all(&holder(Level::Key, name), &key.limits, self.generation));
        Chain(
            organization
                .cloned()
                .into_iter()
                .chain(team.cloned())
                .chain(own)
                .collect(),
        )
    }
}

/// The holder of a level and name.
#[must_use]
pub(crate) fn holder(level: Level, name: &ObjectName) -> Holder {
    Holder {
        level,
        name: name.to_string().into(),
    }
}
