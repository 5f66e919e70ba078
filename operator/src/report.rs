//! Report: verdicts and what the gateways enforce -> status and events.
//!
//! Last in the flow, and nobody waits for it: at most fifty statuses a second are written, edited objects first, and only where the meaning
//! changed. What cannot be written is tried again at the next look. How limits stand ([`usage`]) comes after all of that.

pub(crate) mod ledger;
pub(crate) mod programmed;
pub(crate) mod status;
mod usage;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Verdict, conditions};
use fairlead_crds::v1alpha1::PROGRAMMED;
use fairlead_snapshot::ObjectName;
use jiff::Timestamp;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use self::ledger::{Entry, Ledger};
use self::programmed::{Programmed, programmed};
use self::status::{Status, update};
use crate::error::Chain;
use crate::metrics::{Metrics, ObjectLabels};
use crate::replicas::Replicas;
use crate::usage::Standings;
use crate::watch::Watched;
use crate::watch::resource::Resource;

/// The least time between two writes.
const BETWEEN: Duration = Duration::from_millis(20);
/// When writes failed, or nothing is known to come, things are looked at again after this long.
const AGAIN: Duration = Duration::from_secs(30);
/// How long after a failed write the next pass begins.
const FAILED: Duration = Duration::from_secs(2);

/// What a rebuild says.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// About every object of the installation.
    pub verdicts: Vec<Verdict>,
    /// When each entry last changed.
    pub ledger: Ledger,
    /// From when on the value is refused that a key had before, seconds since 1970.
    pub previous: BTreeMap<ObjectName, i64>,
}

/// Writes statuses.
pub(crate) struct Writer {
    client: Client,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    recorder: Recorder,
    /// What was written and has not come back through the watch.
    written: BTreeMap<Entry, Written>,
    /// The last tries to write usages.
    tries: usage::Tries,
}

/// A status that was written.
struct Written {
    /// Of the object, not of its name: one made anew under the name of another has a status of its own to come.
    uid: String,
    before: Value,
    status: Value,
}

/// A status that differs from what an object says.
struct Due {
    /// Edited objects first, then new ones, the youngest first; then the rest.
    urgency: (u8, Reverse<String>),
    entry: Entry,
    resource: Arc<Resource>,
    status: Status,
}

impl Writer {
    /// A writer that has written nothing.
    #[must_use]
    pub(crate) fn new(
        client: &Client,
        identity: &str,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            client: client.clone(),
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            recorder: recorder(client, identity),
            written: BTreeMap::new(),
            tries: usage::Tries::new(),
        }
    }

    /// Writes for ever. `reports`: the last rebuild of this leadership; `None` while another replica leads.
    pub(crate) async fn run(
        mut self,
        mut reports: watch::Receiver<Option<Arc<Report>>>,
        mut replicas: watch::Receiver<Replicas>,
        mut usages: watch::Receiver<Arc<Standings>>,
    ) {
        loop {
            let report = reports.borrow_and_update().clone();
            let seen = replicas.borrow_and_update().clone();
            let standings = usages.borrow_and_update().clone();
            let mut pause = AGAIN;
            if let Some(report) = report {
                let (due, wait) = self.due(&report, &seen);
                pause = wait;
                let interrupted = || {
                    reports.has_changed().unwrap_or(true) || replicas.has_changed().unwrap_or(true)
                };
                if !self.write(due, interrupted).await {
                    pause = pause.min(FAILED);
                }
                // How limits stand waits for all else, and all else for no more than one write of it.
                let until = Instant::now() + pause;
                let next = self.write_usages(&report, &standings, interrupted, until);
                pause = next
                    .await
                    .min(until)
                    .saturating_duration_since(Instant::now());
            } else {
                self.written.clear();
                self.tries.clear();
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = usages.changed() => if changed.is_err() { return },
                changed = reports.changed() => if changed.is_err() { return },
                changed = replicas.changed() => if changed.is_err() { return },
            }
        }
    }

    /// What is to be written, the most urgent first, and when to look again.
    fn due(&mut self, report: &Report, replicas: &Replicas) -> (Vec<Due>, Duration) {
        let watched = &self.watched;
        self.written
            .retain(|entry, _| watched.resource(&entry.0, &entry.1).is_some());
        let (now, mut again) = (Instant::now(), AGAIN);
        let mut counts: BTreeMap<ObjectLabels, i64> = BTreeMap::new();
        let mut due = Vec::new();
        for verdict in &report.verdicts {
            let entry = (verdict.kind.clone(), verdict.name.clone());
            let Some(resource) = self.watched.resource(&entry.0, &entry.1) else {
                continue;
            };
            let since = report.ledger.since(&entry);
            let limited = is_limited(&verdict.kind, &resource.document.value["spec"]);
            let known = match programmed(verdict, since, limited, replicas, now) {
                Programmed::Is(status, reason, message) => Some((status, reason, message)),
                Programmed::Wait(left) => {
                    again = again.min(left.max(BETWEEN));
                    None
                }
            };
            count(&mut counts, verdict, known.as_ref().map(|known| known.0));
            let generation = verdict.generation.unwrap_or(resource.generation);
            if generation != resource.generation || (known.is_none() && verdict.is_good()) {
                // An edit that is not compiled yet, or one that is fine and about to be enforced: one write will do.
                continue;
            }
            let old = self.said(&entry, &resource);
            let key = (entry.0 == "VirtualKey").then(|| {
                let previous = report.previous.get(&entry.1).copied();
                self.key(&resource, &entry.1, previous)
            });
            if let Some(status) = update(verdict, generation, known, key, &old, Timestamp::now()) {
                due.push(Due {
                    urgency: urgency(&old, &resource),
                    entry,
                    resource,
                    status,
                });
            }
        }
        self.metrics.objects.clear();
        for (labels, count) in counts {
            self.metrics.objects.get_or_create(&labels).set(count);
        }
        due.sort_by(|a, b| a.urgency.cmp(&b.urgency));
        (due, again)
    }

    /// What an object's status says, counting what was written and has not come back.
    fn said(&mut self, entry: &Entry, resource: &Resource) -> Value {
        match self.written.get(entry) {
            Some(written) if written.uid == resource.uid && written.before == resource.status => {
                written.status.clone()
            }
            Some(_) => {
                self.written.remove(entry);
                resource.status.clone()
            }
            None => resource.status.clone(),
        }
    }

    /// Where a key is, and how to recognise a generated one. Null of one that is presented by tokens: it takes away what was said
    /// when it had a value.
    fn key(&self, resource: &Resource, name: &ObjectName, previous: Option<i64>) -> Value {
        let source = &resource.document.value["spec"]["key"];
        if source["type"] == "OIDC" {
            return Value::Null;
        }
        let secret = source["secretRef"]["name"].as_str().unwrap_or_default();
        let data_key = source["secretRef"]["key"].as_str().unwrap_or("apiKey");
        let found = self
            .watched
            .secrets
            .get(&ObjectName::new(&name.namespace, secret));
        let generated = found.filter(|found| {
            source["type"] == "Generate" && found.controller.as_ref() == Some(&resource.uid)
        });
        let rotated_at = generated
            .as_ref()
            .and_then(|found| found.secret.rotation.rotated_at);
        let hint = generated.and_then(|found| {
            let value = found.secret.data.get(data_key)?.expose();
            let end = value.get(value.len().checked_sub(4)?..)?;
            Some(format!("...{}", std::str::from_utf8(end).ok()?))
        });
        let time = |second: Option<i64>| {
            let time = Timestamp::from_second(second?).ok()?;
            Some(format!("{time:.0}"))
        };
        let mut told = json!({"secretName": secret});
        let members = [
            ("hint", hint),
            ("rotatedAt", time(rotated_at)),
            ("previousValidUntil", time(previous)),
        ];
        for (member, value) in members {
            if let Some(value) = value {
                told[member] = value.into();
            }
        }
        told
    }

    /// Writes one after the other until something newer is known. Whether all that was tried went well.
    async fn write(&mut self, due: Vec<Due>, interrupted: impl Fn() -> bool) -> bool {
        let mut good = true;
        for due in due {
            if interrupted() {
                break;
            }
            good &= self.write_one(due).await;
            tokio::time::sleep(BETWEEN).await;
        }
        good
    }

    async fn write_one(&mut self, due: Due) -> bool {
        let Some((api, _)) = self.watched.resources.get(&due.entry.0) else {
            return true;
        };
        let name = &due.entry.1;
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &name.namespace, api);
        let mut patch = json!({"metadata": {"uid": due.resource.uid}, "status": due.status.value});
        if let Some(key) = patch["status"]["key"].as_object_mut() {
            // A merge patch leaves what it does not name.
            for member in ["hint", "rotatedAt", "previousValidUntil"] {
                key.entry(member).or_insert(Value::Null);
            }
        }
        match api
            .patch_status(&name.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
        {
            Ok(_) => {
                self.metrics.status_writes.inc();
                self.tell(&due).await;
                let written = Written {
                    uid: due.resource.uid.clone(),
                    before: due.resource.status.clone(),
                    status: due.status.value,
                };
                self.written.insert(due.entry, written);
                true
            }
            // Gone, or made anew under its name: the watch will say so.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => true,
            Err(error) => {
                self.metrics.status_failures.inc();
                tracing::warn!(kind = due.entry.0, object = %name, error = %Chain(&error), "cannot write a status; it is tried again");
                false
            }
        }
    }

    /// An event for each condition that turned. An event that is lost is no loss: the condition says the same.
    async fn tell(&self, due: &Due) {
        for turned in &due.status.turned {
            let good = turned.status == "True";
            let event = Event {
                type_: if good {
                    EventType::Normal
                } else {
                    EventType::Warning
                },
                reason: turned.reason.to_owned(),
                note: Some(if good {
                    format!("{} again", turned.kind)
                } else {
                    turned.message.chars().take(1000).collect()
                }),
                action: "Compile".to_owned(),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, &due.resource.reference).await {
                tracing::debug!(error = %Chain(&error), "an event was not written");
            }
        }
    }
}

/// Writes events as the operator.
#[must_use]
pub(crate) fn recorder(client: &Client, identity: &str) -> Recorder {
    let reporter = Reporter {
        controller: "fairlead.dev/operator".to_owned(),
        instance: Some(identity.to_owned()),
    };
    Recorder::new(client.clone(), reporter)
}

/// Whether an object has limits that are to hold over all gateways together. A provider's `concurrency` is each gateway's own.
fn is_limited(kind: &str, spec: &Value) -> bool {
    let some = |field: &str| spec[field].as_array().is_some_and(|list| !list.is_empty());
    let places = kind != "LLMProvider" && spec["concurrency"].is_object();
    some("budgets") || some("rateLimits") || places
}

fn urgency(old: &Value, resource: &Resource) -> (u8, Reverse<String>) {
    let created = resource.document.value["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap_or_default();
    let class = match old["observedGeneration"].as_i64() {
        Some(observed) if observed < resource.generation => 0,
        None => 1,
        Some(_) => 2,
    };
    (class, Reverse(created.to_owned()))
}

fn count(
    counts: &mut BTreeMap<ObjectLabels, i64>,
    verdict: &Verdict,
    programmed: Option<&'static str>,
) {
    let compiled = conditions(verdict).map(|condition| (condition.kind, condition.status));
    let all = compiled
        .into_iter()
        .chain([(PROGRAMMED, programmed.unwrap_or("Unknown"))]);
    for (condition, status) in all {
        let labels = ObjectLabels {
            kind: verdict.kind.clone(),
            condition: condition.to_owned(),
            status: status.to_owned(),
        };
        *counts.entry(labels).or_default() += 1;
    }
}
