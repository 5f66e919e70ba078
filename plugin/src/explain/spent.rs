//! How the limits of a key's chain stand, as statuses say it, in the form that `explain` takes.

use fairlead_snapshot::{Limits, ObjectName, Owner, Snapshot};
use serde_json::{Value, json};

use crate::args::Place;
use crate::error::{Error, Need};
use crate::objects::{api, resource};
use crate::session::Session;

/// What is used, in percent, of limits that are in force: statuses are up to a minute behind, and may still name one that is gone.
///
/// # Errors
/// The user may not read one of the objects.
pub(super) async fn spent(
    session: &Session,
    place: &Place,
    snapshot: &Snapshot,
    key: &str,
) -> Result<Value, Error> {
    let mut usage = json!({"budget": {}, "rate": {}});
    for (level, kind, (namespace, name), limits) in chain(place, snapshot, key) {
        if limits.budgets.is_empty() && limits.rates.is_empty() {
            continue;
        }
        let object = api(&session.client, kind, Some(namespace))
            .get_opt(name)
            .await
            .map_err(|error| {
                let need = Need::new("get", &resource(kind), Some(namespace));
                need.failed(
                    &format!("reading how the limits of the {level} stand"),
                    &error,
                )
            })?;
        if let Some(object) = object {
            add(&mut usage, level, limits, &object.data["status"]["usage"]);
        }
    }
    Ok(usage)
}

type Holder<'a> = (&'static str, &'static str, (&'a str, &'a str), &'a Limits);

/// The key, its team and that one's organization, as far as they have limits.
fn chain<'a>(place: &'a Place, snapshot: &'a Snapshot, key: &'a str) -> Vec<Holder<'a>> {
    let mut chain = Vec::new();
    let Some((namespace, name)) = key.split_once('/') else {
        return chain;
    };
    let Some(entry) = snapshot.keys.get(&ObjectName::new(namespace, name)) else {
        return chain;
    };
    chain.push(("key", "VirtualKey", (namespace, name), &entry.limits));
    let mut organization = entry.organization.as_deref();
    if let Some(team) = &entry.team
        && let Some(owner) = snapshot.teams.get(&ObjectName::new(namespace, team))
    {
        chain.push(("team", "Team", (namespace, team), &owner.limits));
        organization = organization.or(owner.organization.as_deref());
    }
    let own = place.gateway_namespace.as_str();
    let found = |name: &'a str| -> Option<(&'a str, &'a Owner)> {
        Some((
            name,
            snapshot.organizations.get(&ObjectName::new(own, name))?,
        ))
    };
    if let Some((name, owner)) = organization.and_then(found) {
        chain.push(("organization", "Organization", (own, name), &owner.limits));
    }
    chain
}

fn add(usage: &mut Value, level: &str, limits: &Limits, status: &Value) {
    let budgets: Vec<&str> = limits
        .budgets
        .iter()
        .map(|budget| budget.name.as_str())
        .collect();
    let rates = limits.rates.iter().filter(|rate| !rate.per_user);
    let rates: Vec<&str> = rates.map(|rate| rate.name.as_str()).collect();
    for (kind, field, in_force) in [
        ("budget", "budgets", budgets),
        ("rate", "rateLimits", rates),
    ] {
        for told in status[field].as_array().into_iter().flatten() {
            let Some(name) = told["name"].as_str().filter(|name| in_force.contains(name)) else {
                continue;
            };
            usage[kind][level][name] = told["usedPercent"].clone();
        }
    }
}
