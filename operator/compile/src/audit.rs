//! What changed between two configurations, as the audit log tells it: what was decided of keys and limits, and which objects a publication
//! changed. Pure. Nothing here is secret: a snapshot has no values, and the digests that it has are compared and not told.

mod key;
mod limit;

use std::collections::BTreeMap;

use fairlead_snapshot::{ObjectName, Provider, Snapshot};
use jiff::Timestamp;
use serde::Serialize;

/// The most objects that the line of a publication names; it counts all.
const NAMED: usize = 32;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Action {
    /// A key is answered under a value that it did not have before, or had no more.
    #[serde(rename = "key.made")]
    KeyMade,
    /// Another value took the place of a key's.
    #[serde(rename = "key.rotated")]
    KeyRotated,
    /// A key's value is answered no more: the object or its value is gone.
    #[serde(rename = "key.revoked")]
    KeyRevoked,
    /// A key is refused until that is taken back.
    #[serde(rename = "key.suspended")]
    KeySuspended,
    /// It was taken back.
    #[serde(rename = "key.resumed")]
    KeyResumed,
    /// A key is refused because of its owner.
    #[serde(rename = "key.refused")]
    KeyRefused,
    /// It is refused no more.
    #[serde(rename = "key.accepted")]
    KeyAccepted,
    /// The moment from which a key is refused is another.
    #[serde(rename = "key.expiry")]
    KeyExpiry,
    /// `spec.networks`.
    #[serde(rename = "key.networks")]
    KeyNetworks,
    /// A key belongs to another team.
    #[serde(rename = "key.moved")]
    KeyMoved,
    /// A limit holds that there was not.
    #[serde(rename = "limit.added")]
    LimitAdded,
    /// There is a limit no more.
    #[serde(rename = "limit.removed")]
    LimitRemoved,
    /// A limit is another.
    #[serde(rename = "limit.changed")]
    LimitChanged,
    /// What was used of a budget counts no more from a moment on.
    #[serde(rename = "limit.reset")]
    LimitReset,
    /// A budget has another amount until a moment.
    #[serde(rename = "limit.override")]
    LimitOverride,
}

/// Something that was decided of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What.
    #[serde(rename = "audit")]
    pub action: Action,
    /// Of which kind the object is.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The limit: `budget/NAME`, `rate_limit/NAME` or `concurrency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What of it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What it was. Absent: it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it is. Absent: it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

impl Change {
    fn of(action: Action, kind: &'static str, name: &ObjectName) -> Self {
        Self {
            action,
            kind,
            namespace: name.namespace.clone(),
            name: name.name.clone(),
            limit: None,
            field: None,
            old: None,
            new: None,
        }
    }
}

/// An object that a publication changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Object {
    change: &'static str,
    kind: &'static str,
    namespace: String,
    name: String,
}

/// What was decided of keys and limits between two configurations.
#[must_use]
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut changes = key::changes(&before.keys, &after.keys);
    changes.extend(limit::changes(before, after));
    changes
}

/// The lines that tell of a configuration that took effect: one of the whole, then one for each change. Each is a JSON object.
pub fn lines(
    before: &Snapshot,
    after: &Snapshot,
    generation: u64,
    at: Timestamp,
) -> impl Iterator<Item = String> {
    let time = format!("{at:.3}");
    let published = published(before, after, generation, &time);
    let told = changes(before, after)
        .into_iter()
        .filter_map(move |change| {
            let line = Line {
                time: &time,
                generation,
                change: &change,
            };
            serde_json::to_string(&line).ok()
        });
    published.into_iter().chain(told)
}

#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    generation: u64,
    #[serde(flatten)]
    change: &'a Change,
}

#[derive(Serialize)]
struct Published<'a> {
    time: &'a str,
    generation: u64,
    audit: &'static str,
    /// How many objects changed.
    count: usize,
    /// The first of them.
    objects: &'a [Object],
}

fn published(before: &Snapshot, after: &Snapshot, generation: u64, time: &str) -> Option<String> {
    let objects = objects(before, after);
    let line = Published {
        time,
        generation,
        audit: "config.published",
        count: objects.len(),
        objects: objects.get(..NAMED).unwrap_or(&objects),
    };
    serde_json::to_string(&line).ok()
}

/// Every object whose entry changed, by kind and name.
fn objects(before: &Snapshot, after: &Snapshot) -> Vec<Object> {
    let rules = |snapshot: &Snapshot| -> BTreeMap<ObjectName, _> {
        let rules = snapshot.rules.iter();
        rules
            .map(|rule| (rule.name.clone(), rule.clone()))
            .collect()
    };
    let mut objects = Vec::new();
    differ(
        "Organization",
        &before.organizations,
        &after.organizations,
        &mut objects,
    );
    differ("Team", &before.teams, &after.teams, &mut objects);
    // Pods that come and go are nobody's decision.
    let edited = |old: &Provider, new: &Provider| !new.is_but_for_pods(old);
    differ_by(
        "LLMProvider",
        (&before.providers, &after.providers),
        edited,
        &mut objects,
    );
    differ("VirtualKey", &before.keys, &after.keys, &mut objects);
    differ("RoutingRule", &rules(before), &rules(after), &mut objects);
    objects
}

fn differ<T: PartialEq>(
    kind: &'static str,
    before: &BTreeMap<ObjectName, T>,
    after: &BTreeMap<ObjectName, T>,
    objects: &mut Vec<Object>,
) {
    differ_by(kind, (before, after), |old, new| old != new, objects);
}

fn differ_by<T>(
    kind: &'static str,
    (before, after): (&BTreeMap<ObjectName, T>, &BTreeMap<ObjectName, T>),
    differs: impl Fn(&T, &T) -> bool,
    objects: &mut Vec<Object>,
) {
    let mut tell = |change: &'static str, name: &ObjectName| {
        objects.push(Object {
            change,
            kind,
            namespace: name.namespace.clone(),
            name: name.name.clone(),
        });
    };
    for (name, new) in after {
        match before.get(name) {
            None => tell("added", name),
            Some(old) if differs(old, new) => tell("changed", name),
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        tell("removed", name);
    }
}

/// A moment in seconds since 1970, as RFC 3339 writes it.
fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}
