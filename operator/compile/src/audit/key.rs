//! What was decided of keys.

use std::collections::BTreeMap;

use fairlead_snapshot::{Key, KeyDigest, ObjectName, Oidc, Refusal};

use super::{Action, Change, moment};

const KIND: &str = "VirtualKey";

pub(super) fn changes(
    before: &BTreeMap<ObjectName, Key>,
    after: &BTreeMap<ObjectName, Key>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, new) in after {
        let old = before.get(name);
        if old == Some(new) {
            continue;
        }
        value(name, old, new, &mut changes);
        refusal(name, old, new, &mut changes);
        expiry(name, old, new, &mut changes);
        networks(name, old, new, &mut changes);
        owner(name, old, new, &mut changes);
    }
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    changes.extend(
        gone.filter(|(_, key)| answered(key).is_some())
            .map(|(name, _)| {
                let mut change = Change::of(Action::KeyRevoked, KIND, name);
                change.field = Some("object");
                change
            }),
    );
    changes
}

/// What a key is answered under.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shown<'a> {
    Value(&'a KeyDigest),
    Tokens(&'a Oidc),
}

fn answered(key: &Key) -> Option<Shown<'_>> {
    let value = key.digest.as_ref().map(Shown::Value);
    value.or_else(|| key.oidc.as_ref().map(Shown::Tokens))
}

fn value(name: &ObjectName, old: Option<&Key>, new: &Key, changes: &mut Vec<Change>) {
    let (was, is) = (old.and_then(answered), answered(new));
    let action = match (was, is) {
        (None, Some(_)) => Action::KeyMade,
        (Some(was), Some(is)) if was != is => Action::KeyRotated,
        (Some(_), None) => Action::KeyRevoked,
        _ => return,
    };
    let mut change = Change::of(action, KIND, name);
    change.field = Some(match is.or(was) {
        Some(Shown::Tokens(_)) => "tokens",
        _ => "value",
    });
    changes.push(change);
}

/// That there is no value, or that it is another's, is said of the value already.
fn refusal(name: &ObjectName, old: Option<&Key>, new: &Key, changes: &mut Vec<Change>) {
    let told = |key: &Key| match key.refused {
        Some(Refusal::Suspended) => Some("Suspended"),
        Some(Refusal::NoTeam) => Some("NoTeam"),
        Some(Refusal::NoOrganization) => Some("NoOrganization"),
        Some(Refusal::NoValue | Refusal::Conflict) | None => None,
    };
    let (was, is) = (old.and_then(told), told(new));
    if was == is {
        return;
    }
    let action = match (was, is) {
        (_, Some("Suspended")) => Action::KeySuspended,
        (_, Some(_)) => Action::KeyRefused,
        (Some("Suspended"), None) => Action::KeyResumed,
        (_, None) => Action::KeyAccepted,
    };
    let mut change = Change::of(action, KIND, name);
    change.old = was.map(str::to_owned);
    change.new = is.map(str::to_owned);
    changes.push(change);
}

fn expiry(name: &ObjectName, old: Option<&Key>, new: &Key, changes: &mut Vec<Change>) {
    let was = old.and_then(|key| key.expires_at);
    if was != new.expires_at {
        let mut change = Change::of(Action::KeyExpiry, KIND, name);
        change.old = was.map(moment);
        change.new = new.expires_at.map(moment);
        changes.push(change);
    }
}

fn networks(name: &ObjectName, old: Option<&Key>, new: &Key, changes: &mut Vec<Change>) {
    let told = |key: &Key| {
        let networks: Vec<_> = key.networks.iter().map(ToString::to_string).collect();
        (!networks.is_empty()).then(|| networks.join(" "))
    };
    let (was, is) = (old.and_then(told), told(new));
    if was != is {
        let mut change = Change::of(Action::KeyNetworks, KIND, name);
        (change.old, change.new) = (was, is);
        changes.push(change);
    }
}

fn owner(name: &ObjectName, old: Option<&Key>, new: &Key, changes: &mut Vec<Change>) {
    // Of a key that is new its team is no move.
    if let Some(old) = old
        && old.team != new.team
    {
        let mut change = Change::of(Action::KeyMoved, KIND, name);
        change.old.clone_from(&old.team);
        change.new.clone_from(&new.team);
        changes.push(change);
    }
}
