//! The labels of providers, as far as selectors ask for them: looked up once everything is linked, for only then is known who asks.
//!
//! A provider that is in force in its last accepted version keeps the labels of that version, of which those are left that it still has: whoever
//! points a provider elsewhere and labels it anew in one edit, which is refused for something else, must not have the new labels on the old
//! address, nor keep the old ones. What that version's labels were is remembered as far as selectors asked then; others are unknown and
//! satisfy nothing.

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::LLMProvider;
use fairlead_snapshot::{Key, Labels, ObjectName, Owner, Provider, Rule, Snapshot};

use crate::object::Object;
use crate::verdict::InForce;
use crate::world::World;

/// The most labels of one provider that are looked at, the first in the order of their names, whoever asks for which. Beyond it nothing is known.
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

    /// The labels that are asked for: of providers of the gateway's namespace by everybody, of others by objects of their own namespace.
    fn keys(&self, gateway: &str) -> Keys<'a> {
        let rules = self.rules.iter();
        let rules = rules.map(|rule| (&rule.name.namespace, &rule.constrain));
        let keys = self.keys.iter();
        let keys = keys.map(|(name, key)| (&name.namespace, &key.allow.selector));
        let owners = self.teams.iter().chain(self.organizations);
        let owners = owners.map(|(name, owner)| (&name.namespace, &owner.allow.selector));
        let mut all = Keys::default();
        for (namespace, selector) in rules.chain(keys).chain(owners) {
            let Some(selector) = selector else { continue };
            all.by_everybody.extend(selector.keys());
            if namespace != gateway {
                let own = all.by_namespace.entry(namespace).or_default();
                own.extend(selector.keys());
            }
        }
        all
    }
}

/// Names of labels.
#[derive(Default)]
struct Keys<'a> {
    by_everybody: BTreeSet<&'a str>,
    by_namespace: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Keys<'a> {
    /// Those that are asked for of providers of a namespace.
    fn of(&self, namespace: &str, gateway: &str) -> Option<&BTreeSet<&'a str>> {
        if namespace == gateway {
            Some(&self.by_everybody)
        } else {
            self.by_namespace.get(namespace)
        }
    }
}

/// Gives every provider the labels that are asked for. However many are, what it takes is bounded by the labels of the provider.
pub(crate) fn give(
    providers: &mut BTreeMap<ObjectName, Provider>,
    objects: &[Object<'_, LLMProvider>],
    selectors: &Selectors<'_>,
    world: &World<'_>,
) {
    let gateway = &world.settings.gateway_namespace;
    let asked = selectors.keys(gateway);
    let before = world.past.snapshot();
    let before = before.map(|past| Selectors::of(past).keys(gateway));
    let before = before.unwrap_or_default();
    let none = BTreeSet::new();
    // What is asked for and was not before, for each namespace that has to be told it.
    let mut new: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in objects {
        let Some(provider) = providers.get_mut(&object.name) else {
            continue;
        };
        let namespace = object.name.namespace.as_str();
        let asked = asked.of(namespace, gateway).unwrap_or(&none);
        let labels = looked_at(object.labels(), asked);
        provider.labels = if object.verdict.in_force == InForce::Previous {
            let new = new.entry(namespace).or_insert_with(|| {
                let before = before.of(namespace, gateway).unwrap_or(&none);
                asked.difference(before).copied().collect()
            });
            still(&provider.labels, &labels, asked, new)
        } else {
            labels
        };
    }
}

/// Of the labels of a provider those that are asked for. Which ones are looked at depends on nobody who asks.
fn looked_at<'l>(
    labels: impl Iterator<Item = (&'l str, &'l str)>,
    asked: &BTreeSet<&str>,
) -> Labels {
    if asked.is_empty() {
        return Labels::default();
    }
    let all: BTreeMap<&str, &str> = labels.collect();
    let given = all
        .iter()
        .take(MOST)
        .filter(|(key, _)| asked.contains(*key));
    Labels {
        given: given
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        partial: all.len() > MOST,
    }
}

/// Of the labels that the object has `now` those that its last accepted version had, too, `new` being what is asked for and was not then.
fn still(last: &Labels, now: &Labels, asked: &BTreeSet<&str>, new: &[&str]) -> Labels {
    let is_same = |key: &str| last.given.get(key) == now.given.get(key);
    let is_given = |key: &&str| last.given.contains_key(*key);
    // Either ends at the first that is not there, and no more are there than were looked at.
    let is_known = if last.partial {
        asked.iter().all(is_given)
    } else {
        new.iter().all(is_given)
    };
    let mut either = last.given.keys().chain(now.given.keys());
    let differs = either.any(|key| asked.contains(key.as_str()) && !is_same(key));
    let same = now.given.iter().filter(|(key, _)| is_same(key));
    Labels {
        given: same
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        partial: now.partial || differs || !is_known,
    }
}
