//! How limits stand, written into `status.usage`: after everything else, each object at most once a minute, and only what changed.
//!
//! Turns go by namespace, and within one to who has waited longest, so that one with thousands of keys keeps nobody else's waiting. What cannot be
//! written is tried again a minute later, and holds nobody up.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ledger::Entry;
use super::{AGAIN, BETWEEN, Report, Writer};
use crate::error::Chain;
use crate::usage::Standings;
use crate::watch::resource::Resource;

/// How long what an object says of its usage stays as it is.
const LEAST: SignedDuration = SignedDuration::from_secs(60);
/// The members of a usage: a merge patch has to name those that are to go.
const MEMBERS: [&str; 5] = ["observedAt", "tightest", "budgets", "rateLimits", "judged"];

/// A rate limit of which so many percent more or less are used is worth a write.
const ABOUT: u64 = 25;

/// A score that is so much better or worse is worth a write.
const APART: f64 = 0.25;

/// The last tries.
pub(super) type Tries = BTreeMap<Entry, Try>;

/// The last try to write the usage of an object.
#[derive(Debug)]
pub(super) struct Try {
    /// Of the object, not of its name.
    uid: String,
    at: Timestamp,
    /// What the watch showed before, and what was written; `None`: it could not be written.
    written: Option<(Value, Value)>,
}

/// A usage that is to be written.
#[derive(Debug)]
struct Due {
    entry: Entry,
    resource: Arc<Resource>,
    /// `null`: it has no limits any more.
    usage: Value,
    /// When something was last written of it.
    last: Option<Timestamp>,
}

impl Writer {
    /// Writes usages until all are, something more urgent is known, or that moment; when to go on.
    pub(super) async fn write_usages(
        &mut self,
        report: &Report,
        standings: &Standings,
        interrupted: impl Fn() -> bool,
        until: Instant,
    ) -> Instant {
        let (due, wait) = self.usages_due(report, standings, Timestamp::now());
        for due in in_turn(due) {
            if interrupted() || Instant::now() >= until {
                return Instant::now();
            }
            self.write_usage(due).await;
            tokio::time::sleep(BETWEEN).await;
        }
        Instant::now() + wait
    }

    /// Whose usage differs from what the object says, and when the next may be written of those who have to wait.
    fn usages_due(
        &mut self,
        report: &Report,
        standings: &Standings,
        now: Timestamp,
    ) -> (Vec<Due>, Duration) {
        let watched = &self.watched;
        self.tries
            .retain(|entry, _| watched.resource(&entry.0, &entry.1).is_some());
        let (mut due, mut wait) = (Vec::new(), AGAIN);
        for verdict in &report.verdicts {
            let entry = (verdict.kind.clone(), verdict.name.clone());
            let Some(resource) = watched.resource(&entry.0, &entry.1) else {
                continue;
            };
            let tried = self
                .tries
                .get(&entry)
                .filter(|tried| tried.uid == resource.uid);
            let said = said(&resource.usage, tried);
            let wanted = standings.usages.get(&entry).unwrap_or(&Value::Null);
            // A gateway that does not enforce this version yet speaks of limits that are no more.
            let since = report.ledger.since(&entry);
            let is_current = since.is_some_and(|(index, _)| index <= standings.generation);
            let is_unsaid = standings.partial && wanted.is_null();
            if !is_current || is_unsaid || means_the_same(said, wanted) {
                continue;
            }
            let last = last(said, tried, now);
            match last.map(|last| LEAST - now.duration_since(last)) {
                Some(left) if left.is_positive() => wait = wait.min(left.unsigned_abs()),
                _ => due.push(Due {
                    entry,
                    usage: wanted.clone(),
                    resource,
                    last,
                }),
            }
        }
        (due, wait.max(BETWEEN))
    }

    async fn write_usage(&mut self, due: Due) {
        let Some((api, _)) = self.watched.resources.get(&due.entry.0) else {
            return;
        };
        let name = &due.entry.1;
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &name.namespace, api);
        let patch =
            json!({"metadata": {"uid": due.resource.uid}, "status": {"usage": patch(&due.usage)}});
        let outcome = api
            .patch_status(&name.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        let written = match outcome {
            Ok(_) => {
                self.metrics.status_writes.inc();
                Some((due.resource.usage.clone(), due.usage))
            }
            // Gone, or made anew under its name: the watch will say so.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => None,
            Err(error) => {
                self.metrics.status_failures.inc();
                tracing::warn!(kind = due.entry.0, object = %name, error = %Chain(&error), "cannot write a usage; it is tried again in a minute");
                None
            }
        };
        let tried = Try {
            uid: due.resource.uid.clone(),
            at: Timestamp::now(),
            written,
        };
        self.tries.insert(due.entry, tried);
    }
}

/// What an object says, counting what was written and has not come back.
fn said<'v>(shown: &'v Value, tried: Option<&'v Try>) -> &'v Value {
    match tried.and_then(|tried| tried.written.as_ref()) {
        Some((before, written)) if before == shown => written,
        _ => shown,
    }
}

/// When something was last written, by whichever replica; `None`: never, or in the future, which is somebody's wrong clock.
fn last(said: &Value, tried: Option<&Try>, now: Timestamp) -> Option<Timestamp> {
    let observed = said["observedAt"].as_str().and_then(|at| at.parse().ok());
    let times = observed.into_iter().chain(tried.map(|tried| tried.at));
    times.filter(|at| *at <= now).max()
}

/// Whether they differ in nothing but the moment, and in how much of a rate is used just now: that is another every time.
fn means_the_same(one: &Value, other: &Value) -> bool {
    if one.is_null() != other.is_null() || one["budgets"] != other["budgets"] {
        return false;
    }
    if !is_judged_alike(&one["judged"], &other["judged"]) {
        return false;
    }
    // The tightest is a budget, or a rate limit where there is none.
    let is_tightest_the_same = one["budgets"].is_null() || one["tightest"] == other["tightest"];
    let rates = |usage: &Value| usage["rateLimits"].as_array().cloned().unwrap_or_default();
    let (ones, others) = (rates(one), rates(other));
    let mut pairs = ones.iter().zip(&others);
    is_tightest_the_same
        && ones.len() == others.len()
        && pairs.all(|(one, other)| is_rate_the_same(one, other))
}

/// Whether two judgements say about the same: scores move a little all the time.
fn is_judged_alike(one: &Value, other: &Value) -> bool {
    let score = |judged: &Value| judged["score"].as_str().and_then(|text| text.parse().ok());
    let apart = |one: f64, other: f64| (one - other).abs() >= APART;
    one["state"] == other["state"]
        && match (score(one), score(other)) {
            (Some(one), Some(other)) => !apart(one, other),
            (None, None) => true,
            _ => false,
        }
}

/// Whether a rate limit is the same, and about as much of it is used; exactly, whether it is used up.
fn is_rate_the_same(one: &Value, other: &Value) -> bool {
    let percent = |rate: &Value| rate["usedPercent"].as_u64().unwrap_or(0);
    let (used, used_other) = (percent(one), percent(other));
    let is_used_up = used >= 100;
    ["name", "unit", "limit"]
        .iter()
        .all(|name| one[*name] == other[*name])
        && is_used_up == (used_other >= 100)
        && (is_used_up || used.abs_diff(used_other) < ABOUT)
}

/// The merge patch that makes a usage this one, whatever it was.
fn patch(usage: &Value) -> Value {
    let mut patch = usage.clone();
    if usage.is_object() {
        for name in MEMBERS {
            // Indexing makes a null of what is not there.
            let _ = &mut patch[name];
        }
        if patch["tightest"].is_object() {
            let _ = &mut patch["tightest"]["resetsAt"];
        }
    }
    patch
}

/// One of each namespace, those first who have waited longest, then the next of each.
fn in_turn(mut due: Vec<Due>) -> Vec<Due> {
    due.sort_by(|one, other| {
        let by = |due: &Due| (due.entry.1.namespace.clone(), due.last);
        by(one).cmp(&by(other))
    });
    let mut turn = 0;
    let mut before: Option<String> = None;
    let mut turns: Vec<(usize, Due)> = Vec::with_capacity(due.len());
    for due in due {
        let namespace = &due.entry.1.namespace;
        turn = if before.as_ref() == Some(namespace) {
            turn + 1
        } else {
            0
        };
        before = Some(namespace.clone());
        turns.push((turn, due));
    }
    turns.sort_by_key(|(turn, due)| (*turn, due.last));
    turns.into_iter().map(|(_, due)| due).collect()
}
