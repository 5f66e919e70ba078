//! The figures of a run, in `SUITE/results.json` below the target folder: what was measured, what it had to be, and whether it was.
//! A figure of the same name is replaced.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde_json::{Value, json};

/// Tests of one process write one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Records a figure that must not be above `most`, and says whether it is not.
pub(crate) fn at_most(name: &str, figure: f64, unit: &str, most: f64) -> bool {
    record(
        name,
        figure,
        unit,
        &format!("at most {most}"),
        figure <= most,
    )
}

/// Records a figure that must not be below `least`, and says whether it is not.
pub(crate) fn at_least(name: &str, figure: f64, unit: &str, least: f64) -> bool {
    record(
        name,
        figure,
        unit,
        &format!("at least {least}"),
        figure >= least,
    )
}

/// A count as a figure.
pub(crate) fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap())
}

fn record(name: &str, figure: f64, unit: &str, bound: &str, ok: bool) -> bool {
    let Some(path) = path() else {
        return ok;
    };
    let _writing = WRITING.lock();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Absent, or damaged: this run's figures are what counts.
    let mut all: Vec<Value> = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    all.retain(|old| old["name"] != name);
    all.push(json!({"name": name, "figure": figure, "unit": unit, "bound": bound, "ok": ok}));
    all.sort_by_key(|figure| figure["name"].to_string());
    std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
    ok
}

/// The file of the suite. A test of a crate by itself has none of its own and writes into the one that `FAIRLEAD_RESULTS` names, if it does.
fn path() -> Option<PathBuf> {
    match option_env!("CARGO_TARGET_TMPDIR") {
        Some(folder) => {
            let folder = Path::new(folder).with_file_name(env!("CARGO_CRATE_NAME"));
            Some(folder.join("results.json"))
        }
        None => std::env::var_os("FAIRLEAD_RESULTS").map(PathBuf::from),
    }
}
