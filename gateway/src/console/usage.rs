//! Keys, and how limits stand: of many as the operator has written it down, at most a minute ago; of one key as a gateway says it now.

use std::collections::BTreeSet;

use fairlead_console::view::key::{Keys, LimitView, Mine};
use fairlead_console::{Holder, Trouble, Viewer};
use fairlead_record::{By, RequestLog as _, Scope, UsageAsk};
use fairlead_snapshot::{Limits, ObjectName};

use super::cluster::Cluster;
use super::limits;
use super::published::Generation;
use crate::clock;
use crate::told::keys;

/// So many limits are told of.
const LIMITS: usize = 1_024;
/// The holder of a key sees what it has used over so long.
const MONTH: i64 = 30 * 86_400;

/// The keys that this viewer may see, and the limits of these and of their owners.
#[must_use]
pub(super) fn told(cluster: &Cluster, live: &Generation, viewer: &Viewer) -> Keys {
    let (keys, total) = keys::told(&live.snapshot, viewer, clock::unix_seconds());
    let mut unread = Vec::new();
    let mut limits: Vec<LimitView> = Vec::new();
    for (level, kind, name, of) in limited(live) {
        let is_seen = viewer.rights.usage.sees(&name.namespace);
        if !is_seen || limits.len() >= LIMITS {
            continue;
        }
        let in_force: BTreeSet<&str> = named(of);
        if in_force.is_empty() {
            continue;
        }
        let object = cluster.parts.objects.get(kind, name);
        let usage = object.map(|object| object.status["usage"].clone());
        match usage.filter(|usage| !usage.is_null()) {
            Some(usage) => limits.extend(limits::of_status((level, name), &in_force, &usage)),
            None => unread.push(format!("{level} {name}")),
        }
    }
    limits.truncate(LIMITS);
    unread.truncate(LIMITS);
    Keys {
        keys,
        limits,
        unread,
        total,
    }
}

type Limited<'a> = (&'static str, &'static str, &'a ObjectName, &'a Limits);

/// Everybody who may have limits.
fn limited(live: &Generation) -> impl Iterator<Item = Limited<'_>> {
    let snapshot = &live.snapshot;
    let organizations = snapshot.organizations.iter();
    let organizations =
        organizations.map(|(name, owner)| ("organization", "Organization", name, &owner.limits));
    let teams = snapshot.teams.iter();
    let teams = teams.map(|(name, owner)| ("team", "Team", name, &owner.limits));
    let keys = snapshot.keys.iter();
    let keys = keys.map(|(name, key)| ("key", "VirtualKey", name, &key.limits));
    let providers = snapshot.providers.iter();
    let providers =
        providers.map(|(name, provider)| ("provider", "LLMProvider", name, &provider.limits));
    organizations.chain(teams).chain(keys).chain(providers)
}

/// The limits of which statuses tell.
fn named(limits: &Limits) -> BTreeSet<&str> {
    let budgets = limits.budgets.iter();
    let budgets = budgets.map(|budget| budget.name.as_str());
    let rates = limits.rates.iter().filter(|rate| !rate.per_user);
    budgets
        .chain(rates.map(|rate| rate.name.as_str()))
        .collect()
}

/// What the holder of a key may know of it.
///
/// # Errors
/// It is gone, or nobody can say.
pub(super) async fn mine(cluster: &Cluster, holder: &Holder) -> Result<Mine, Trouble> {
    let gone = || Trouble::NotFound("this key is no longer there; ask its owner".to_owned());
    let name: ObjectName = holder.key.parse().map_err(|_| gone())?;
    let live = cluster.live()?;
    let key = live.snapshot.keys.get(&name).ok_or_else(gone)?;
    let ask = UsageAsk {
        scope: Scope::Key(holder.key.as_str().into()),
        from_unix_s: Some(clock::unix_seconds() - MONTH),
        by: vec![By::Day],
        ..UsageAsk::default()
    };
    let holders = limits::holders(&live.snapshot, &name, key);
    let lines = cluster.parts.fleet.limits(&holders).await;
    let lines = lines.map_err(|why| {
        Trouble::Unavailable(format!("how limits stand is not known just now: {why}"))
    })?;
    Ok(Mine {
        key: keys::view(&name, key, clock::unix_seconds()),
        models: live.table.models(&live.table.caller(&name, key)),
        limits: lines.iter().map(keys::limit).collect(),
        usage: cluster.parts.log.usage(&ask).await?,
        callers_at: cluster.parts.callers_at.clone(),
    })
}
