//! The last accepted versions: what stays in force when an edit is not acceptable.
//!
//! They are read from the snapshot that is live, so a restart forgets nothing that the snapshot remembers. Only what the object itself
//! said is kept; what it refers to is linked anew, so a revocation counts at once. Teams and organizations that limit nothing are no
//! entries of a snapshot: what is known of them is what its keys say. A snapshot of any format that was read says the same as one of this version's own.

use std::collections::BTreeMap;

use fairlead_snapshot::{Key, ObjectName, Owner, Provider, Refusal, Rule, Snapshot};

/// The last accepted versions.
#[derive(Default)]
pub(crate) struct Past<'a> {
    snapshot: Option<&'a Snapshot>,
    rules: BTreeMap<&'a ObjectName, &'a Rule>,
    teams: BTreeMap<ObjectName, Option<&'a str>>,
}

impl<'a> Past<'a> {
    /// The past of an installation in `gateway_namespace`. A snapshot of another one says nothing: what was permitted there may not be here.
    pub(crate) fn of(previous: Option<&'a Snapshot>, gateway_namespace: &str) -> Self {
        let Some(snapshot) =
            previous.filter(|snapshot| snapshot.gateway_namespace == gateway_namespace)
        else {
            return Self::default();
        };
        let with_team = snapshot
            .keys
            .iter()
            .filter(|(_, key)| key.refused != Some(Refusal::NoTeam));
        let teams = with_team.filter_map(|(name, key)| {
            Some((
                ObjectName::new(&name.namespace, key.team.as_deref()?),
                key.organization.as_deref(),
            ))
        });
        Self {
            snapshot: Some(snapshot),
            rules: snapshot
                .rules
                .iter()
                .map(|rule| (&rule.name, rule))
                .collect(),
            teams: teams.collect(),
        }
    }

    /// All of it.
    pub(crate) fn snapshot(&self) -> Option<&'a Snapshot> {
        self.snapshot
    }

    pub(crate) fn provider(&self, name: &ObjectName) -> Option<&'a Provider> {
        self.snapshot?.providers.get(name)
    }

    pub(crate) fn rule(&self, name: &ObjectName) -> Option<&'a Rule> {
        self.rules.get(name).copied()
    }

    pub(crate) fn key(&self, name: &ObjectName) -> Option<&'a Key> {
        self.snapshot?.keys.get(name)
    }

    /// What a team said, if there was such a team.
    pub(crate) fn team(&self, name: &ObjectName) -> Option<Owner> {
        let entry = self.snapshot?.teams.get(name).cloned();
        entry.or_else(|| {
            let organization = self.teams.get(name)?;
            Some(Owner {
                organization: organization.map(str::to_owned),
                ..Owner::default()
            })
        })
    }

    /// What an organization said, if it limited anybody or any team belonged to it.
    pub(crate) fn organization(&self, name: &ObjectName) -> Option<Owner> {
        let entries = self.snapshot?;
        if let Some(entry) = entries.organizations.get(name) {
            return Some(entry.clone());
        }
        let of_teams = entries.teams.values().filter(|team| !team.apart);
        let of_teams = of_teams.filter_map(|team| team.organization.as_deref());
        let mut known = self.teams.values().copied().flatten().chain(of_teams);
        known
            .any(|organization| organization == name.name)
            .then(Owner::default)
    }
}
