//! The labels of providers, as far as selectors ask for them: looked up once everything is linked, for only then is known who asks.
//!
//! A provider that is in force in its last accepted version keeps the labels of that version, of which those are left that it still has: whoever
//! points a provider elsewhere and labels it anew in one edit, which is refused for something else, must not have the new labels on the old
//! address, nor keep the old ones. What that version's labels were is remembered as far as selectors asked then; others are unknown and
//! satisfy nothing.

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::LLMProvider;
use fairlead_snapshot::{Key, Labels, ObjectName, Owner, Provider, Rule, Selector, Snapshot};

use crate::object::Object;
use crate::verdict::InForce;
use crate::world::World;

/// The most labels of one provider that are looked at, in the order of their names. Beyond it nothing is known.
const MOST: usize = 64;

/// Everything that may hold a selector.
pub(crate) struct Selectors<'a> {
    pub(crate) rules: &'a [Rule],
    pub(crate) keys: &'a BTreeMap<ObjectName, Key>,
    pub(crate) teams: &'a BTreeMap<ObjectName, Owner>,
    pub(crate) organizations: &'a BTreeMap<ObjectName, Owner>,
}

impl<'a> Selectors<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            rules: &snapshot.rules,
            keys: &snapshot.keys,
            teams: &snapshot.teams,
            organizations: &snapshot.organizations,
        }
    }

    /// The labels that are asked for.
    fn keys(&self) -> BTreeSet<&'a str> {
        let rules = self.rules.iter().map(|rule| &rule.constrain);
        let keys = self.keys.values().map(|key| &key.allow.selector);
        let owners = self.teams.values().chain(self.organizations.values());
        let owners = owners.map(|owner| &owner.allow.selector);
        let all = rules.chain(keys).chain(owners).flatten();
        all.flat_map(Selector::keys).collect()
    }
}

/// Gives every provider the labels that are asked for.
pub(crate) fn give(
    providers: &mut BTreeMap<ObjectName, Provider>,
    objects: &[Object<'_, LLMProvider>],
    selectors: &Selectors<'_>,
    world: &World<'_>,
) {
    let asked = selectors.keys();
    let before = world.past.snapshot().map(|past| Selectors::of(past).keys());
    let before = before.unwrap_or_default();
    for object in objects {
        let Some(provider) = providers.get_mut(&object.name) else {
            continue;
        };
        let labels = bounded(asked.iter().filter_map(|key| {
            let value = object.label(key)?;
            Some(((*key).to_owned(), value.to_owned()))
        }));
        provider.labels = if object.verdict.in_force == InForce::Previous {
            still(&provider.labels, &labels, &asked, &before)
        } else {
            labels
        };
    }
}

fn bounded(mut labels: impl Iterator<Item = (String, String)>) -> Labels {
    let given = labels.by_ref().take(MOST).collect();
    Labels {
        given,
        partial: labels.next().is_some(),
    }
}

/// Of the labels that the object has `now` those that its last accepted version had, too, `before` being what was asked for then.
fn still(last: &Labels, now: &Labels, asked: &BTreeSet<&str>, before: &BTreeSet<&str>) -> Labels {
    let is_same = |key: &str| last.given.get(key) == now.given.get(key);
    let is_known =
        |key: &str| last.given.contains_key(key) || (before.contains(key) && !last.partial);
    let partial = now.partial || !asked.iter().all(|key| is_known(key) && is_same(key));
    let same = now.given.iter().filter(|(key, _)| is_same(key));
    let given = same
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Labels { given, partial }
}
