//! What the compiler says of the objects.

use std::collections::BTreeMap;

use fairlead_compile::{Finding, InForce, Verdict};
use fairlead_console::Viewer;
use fairlead_console::view::configuration::{Configuration, FindingView, ObjectView};

/// So many objects are told of.
const OBJECTS: usize = 500;

/// How many objects there are, and those of which there is something to say.
#[must_use]
pub(crate) fn told(verdicts: &[Verdict], viewer: &Viewer) -> Configuration {
    let mut counts = BTreeMap::new();
    let mut objects = Vec::new();
    for verdict in seen(verdicts, viewer) {
        *counts.entry(verdict.kind.clone()).or_default() += 1;
        if (!verdict.is_good() || !verdict.notes.is_empty()) && objects.len() < OBJECTS {
            objects.push(object(verdict));
        }
    }
    Configuration { counts, objects }
}

/// How many objects are not as they should be.
#[must_use]
pub(crate) fn not_ok(verdicts: &[Verdict], viewer: &Viewer) -> usize {
    let seen = seen(verdicts, viewer);
    seen.filter(|verdict| !verdict.is_good()).count()
}

fn seen<'a>(verdicts: &'a [Verdict], viewer: &'a Viewer) -> impl Iterator<Item = &'a Verdict> {
    let rules = &viewer.rights.rules;
    let all = verdicts.iter();
    all.filter(|verdict| rules.sees(&verdict.name.namespace))
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
#[must_use]
pub(crate) fn finding(finding: &Finding) -> FindingView {
    FindingView {
        path: finding.path.clone(),
        line: finding.line,
        reason: finding.reason.to_string(),
        message: finding.message.clone(),
    }
}
