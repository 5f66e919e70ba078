//! The figures of a run, in `target/seeing/results.json`: what was measured, what it had to be, and whether it was. A figure of the same name
//! is replaced.

use std::path::Path;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    name: String,
    figure: f64,
    unit: String,
    bound: String,
    ok: bool,
}

impl Figure {
    pub(crate) fn at_most(name: &str, figure: f64, unit: &str, most: f64) -> Self {
        Self {
            name: name.to_owned(),
            figure,
            unit: unit.to_owned(),
            bound: format!("at most {most}"),
            ok: figure <= most,
        }
    }

    pub(crate) fn exactly(name: &str, figure: f64, unit: &str, wanted: f64) -> Self {
        Self {
            name: name.to_owned(),
            figure,
            unit: unit.to_owned(),
            bound: format!("exactly {wanted}"),
            ok: (figure - wanted).abs() < f64::EPSILON,
        }
    }
}

/// Whether everything is to be measured in full, which takes minutes.
pub(crate) fn in_full() -> bool {
    std::env::var("FAIRLEAD_SEEING").is_ok_and(|value| value == "full")
}

/// Adds figures to the file, and fails where one is not what it had to be.
pub(crate) fn record(figures: &[Figure]) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Into::into,
    );
    let folder = target.join("seeing");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("results.json");
    let mut all: Vec<Figure> = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    all.retain(|old| figures.iter().all(|new| new.name != old.name));
    all.extend_from_slice(figures);
    std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
    let wrong: Vec<_> = figures.iter().filter(|figure| !figure.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
