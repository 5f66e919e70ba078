//! Which configuration is in force, and what the compiler says of the objects.

use std::collections::BTreeMap;

use fairlead_compile::{Finding, InForce, Verdict};
use fairlead_console::Viewer;
use fairlead_console::view::configuration::{Configuration, FindingView, ObjectView};
use fairlead_console::view::standing::{GatewayView, LogView, Standing};

use super::{ITSELF, Local};
use crate::runtime::enforced::Enforced;
use crate::status::Source;
use crate::worker::Phase;

/// So many objects are told of.
const OBJECTS: usize = 500;

/// How this gateway stands.
pub(super) fn told(local: &Local, viewer: &Viewer) -> Standing {
    let runtime = local.shared.live.load();
    let status = local.shared.status.borrow().clone();
    let store = runtime.governor().counters.state();
    let enforced = local.shared.enforced.load();
    let verdicts = enforced.iter().flat_map(|enforced| &enforced.verdicts);
    let serves = *local.shared.phase.borrow() == Phase::Serving && status.source.is_some();
    Standing {
        generation: runtime.generation,
        digest: runtime.digest.to_string(),
        source: status.source.map(Source::as_str).map(str::to_owned),
        problem: status.error,
        objects_not_ok: verdicts
            .filter(|verdict| !verdict.is_good() && viewer.sees(&verdict.name.namespace))
            .count(),
        gateways: vec![GatewayView {
            name: ITSELF.to_owned(),
            generation: runtime.generation,
            ready: serves && store.ready,
            store_reachable: store.reachable,
            store_problem: store.problem,
        }],
        callers_at: local.callers_at.clone(),
        log: log(local),
        read_only: true,
    }
}

/// Where requests are kept.
fn log(local: &Local) -> LogView {
    let unrecorded = local.shared.observe.metrics.records_dropped.get();
    let Some((place, standing)) = local.shared.requests.standing() else {
        return LogView {
            kept_in: "memory".to_owned(),
            reach: "the last 10,000, in memory".to_owned(),
            dropped: unrecorded,
        };
    };
    let reach = match standing.problem {
        None => format!("{} days, in {place}", local.days),
        Some(problem) => format!("in {place}, which cannot be written just now: {problem}"),
    };
    LogView {
        kept_in: place.to_owned(),
        reach,
        dropped: unrecorded + standing.dropped,
    }
}

/// How many objects there are, and those of which there is something to say.
pub(super) fn configuration(enforced: &Enforced, viewer: &Viewer) -> Configuration {
    let seen = enforced
        .verdicts
        .iter()
        .filter(|verdict| viewer.sees(&verdict.name.namespace));
    let mut counts = BTreeMap::new();
    let mut objects = Vec::new();
    for verdict in seen {
        *counts.entry(verdict.kind.clone()).or_default() += 1;
        if (!verdict.is_good() || !verdict.notes.is_empty()) && objects.len() < OBJECTS {
            objects.push(object(verdict));
        }
    }
    Configuration { counts, objects }
}

fn object(verdict: &Verdict) -> ObjectView {
    let findings = |all: &[Finding]| all.iter().map(finding).collect();
    ObjectView {
        kind: verdict.kind.clone(),
        name: verdict.name.to_string(),
        file: verdict.file.as_deref().map(str::to_owned),
        in_force: match verdict.in_force {
            InForce::This => "this",
            InForce::Previous => "previous",
            InForce::Nothing => "nothing",
        }
        .to_owned(),
        faults: findings(&verdict.faults),
        unresolved: findings(&verdict.unresolved),
        notes: findings(&verdict.notes),
    }
}

/// A finding as it is shown.
pub(super) fn finding(finding: &Finding) -> FindingView {
    FindingView {
        path: finding.path.clone(),
        line: finding.line,
        reason: finding.reason.to_string(),
        message: finding.message.clone(),
    }
}
