//! The last accepted versions: what stays in force when an edit is not acceptable.
//!
//! They are read from the snapshot that is live, so a restart forgets nothing that the snapshot remembers. Only what the object itself
//! said is kept; what it refers to is linked anew, so a revocation counts at once. Teams and organizations are no entries of a
//! snapshot: what is known of them is what its keys say. A snapshot of any format that was read says the same as one of this version's own.

use std::collections::BTreeMap;

use fairlead_snapshot::{Key, ObjectName, Provider, Refusal, Rule, Snapshot};

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

    pub(crate) fn provider(&self, name: &ObjectName) -> Option<&'a Provider> {
        self.snapshot?.providers.get(name)
    }

    pub(crate) fn rule(&self, name: &ObjectName) -> Option<&'a Rule> {
        self.rules.get(name).copied()
    }

    pub(crate) fn key(&self, name: &ObjectName) -> Option<&'a Key> {
        self.snapshot?.keys.get(name)
    }

    /// The organization that a team had, if there was such a team.
    pub(crate) fn team(&self, name: &ObjectName) -> Option<Option<&'a str>> {
        self.teams.get(name).copied()
    }

    /// Whether any team belonged to an organization of this name.
    pub(crate) fn organization(&self, name: &str) -> bool {
        self.teams
            .values()
            .any(|organization| *organization == Some(name))
    }
}
