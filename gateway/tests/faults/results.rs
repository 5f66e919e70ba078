//! What this run showed, in `faults/results.json` below the target folder: `figures` with their bounds, and `cases` with what the caller
//! saw, of which dialect and from which surface. An entry of the same name, dialect and surface is replaced.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

/// Tests of one process write one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Records a figure that must not be above `most`; whether it is not.
pub(crate) fn at_most(name: &str, figure: f64, unit: &str, most: f64) -> bool {
    let ok = figure <= most;
    let bound = format!("at most {most}");
    record(
        "figures",
        &[json!({"name": name, "figure": figure, "unit": unit, "bound": bound, "ok": ok})],
    );
    ok
}

/// Records a figure that must not be below `least`; whether it is not.
pub(crate) fn at_least(name: &str, figure: f64, unit: &str, least: f64) -> bool {
    let ok = figure >= least;
    let bound = format!("at least {least}");
    record(
        "figures",
        &[json!({"name": name, "figure": figure, "unit": unit, "bound": bound, "ok": ok})],
    );
    ok
}

/// A count as a figure.
pub(crate) fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap())
}

/// Records cases.
pub(crate) fn cases(cases: &[Value]) {
    record("cases", cases);
}

/// A case that was played: its name, the dialect of the provider and the surface of the caller.
pub(crate) fn case(
    (name, dialect, surface): (&str, &str, &str),
    outcome: &str,
    attempts: usize,
    took: Duration,
    ok: bool,
) -> Value {
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    json!({"name": name, "dialect": dialect, "surface": surface, "outcome": outcome, "attempts": attempts, "tookMs": took, "ok": ok})
}

fn record(list: &str, entries: &[Value]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("faults");
    let path = folder.join("results.json");
    let _writing = WRITING.lock();
    std::fs::create_dir_all(&folder).unwrap();
    // Absent, or damaged: this run is what counts.
    let mut all: Value = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| json!({"figures": [], "cases": []}));
    let old = all[list].as_array().cloned().unwrap_or_default();
    let which = |entry: &Value| ["dialect", "surface", "name"].map(|name| entry[name].to_string());
    let new: HashSet<_> = entries.iter().map(which).collect();
    let kept = old.into_iter().filter(|old| !new.contains(&which(old)));
    let mut merged: Vec<Value> = kept.chain(entries.iter().cloned()).collect();
    merged.sort_by_key(which);
    all[list] = merged.into();
    std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
}
