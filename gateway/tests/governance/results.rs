//! The figures of a run, in `governance/results.json` below the target folder: what was measured, what it had to be, and whether it was.
//! A figure of the same name is replaced.

use std::path::Path;

use parking_lot::Mutex;
use serde_json::{Value, json};

/// Tests of one process write one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Records a figure that must not be above `most`, and fails if it is.
pub(crate) fn at_most(name: &str, figure: f64, unit: &str, most: f64) {
    let bound = format!("at most {most}");
    record(name, figure, unit, &bound, figure <= most);
    assert!(figure <= most, "{name}: {figure} {unit}, {bound}");
}

/// Records a figure that should not be above `most`, and fails if it is above so many times that: where a machine is busy, times are long.
pub(crate) fn about_at_most(name: &str, figure: f64, unit: &str, most: f64, times: f64) {
    let bound = format!("at most {most}");
    record(name, figure, unit, &bound, figure <= most);
    assert!(figure <= most * times, "{name}: {figure} {unit}, {bound}");
}

/// Records a figure that must not be below `least`, and fails if it is.
pub(crate) fn at_least(name: &str, figure: f64, unit: &str, least: f64) {
    let bound = format!("at least {least}");
    record(name, figure, unit, &bound, figure >= least);
    assert!(figure >= least, "{name}: {figure} {unit}, {bound}");
}

/// A count as a figure.
pub(crate) fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap())
}

/// Nano-USD as a figure in USD.
pub(crate) fn usd(nanos: i64) -> f64 {
    std::time::Duration::from_nanos(nanos.unsigned_abs()).as_secs_f64()
}

fn record(name: &str, figure: f64, unit: &str, bound: &str, ok: bool) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("governance");
    let path = folder.join("results.json");
    let _writing = WRITING.lock();
    std::fs::create_dir_all(&folder).unwrap();
    // Absent, or damaged: this run's figures are what counts.
    let mut all: Vec<Value> = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    all.retain(|old| old["name"] != name);
    all.push(json!({"name": name, "figure": figure, "unit": unit, "bound": bound, "ok": ok}));
    all.sort_by_key(|figure| figure["name"].to_string());
    std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
}
