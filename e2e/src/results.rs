//! The figures of a run, in `target/e2e/results.json` or `target/seeing/cluster.json`: what was measured, what it had to be, and whether it was.
//!
//! Every test adds its own; a figure of the same name is replaced.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The value.
    pub figure: f64,
    /// Its unit.
    pub unit: String,
    /// What it had to be, in words.
    pub bound: String,
    /// Whether it was.
    pub ok: bool,
}

impl Figure {
    /// A figure that must not be below `least`.
    #[must_use]
    pub fn at_least(name: &str, figure: f64, unit: &str, least: f64) -> Self {
        Self {
            name: name.to_owned(),
            figure,
            unit: unit.to_owned(),
            bound: format!("at least {least}"),
            ok: figure >= least,
        }
    }

    /// A figure that must not be above `most`.
    #[must_use]
    pub fn at_most(name: &str, figure: f64, unit: &str, most: f64) -> Self {
        Self {
            name: name.to_owned(),
            figure,
            unit: unit.to_owned(),
            bound: format!("at most {most}"),
            ok: figure <= most,
        }
    }
    /// A time that must not be longer than so many seconds.
    #[must_use]
    pub fn within(name: &str, time: Duration, seconds: f64) -> Self {
        Self::at_most(name, time.as_secs_f64(), "s", seconds)
    }

    /// A number of things that must not be below `least`.
    #[must_use]
    pub fn no_fewer(name: &str, count: usize, unit: &str, least: u32) -> Self {
        Self::at_least(name, whole(count), unit, f64::from(least))
    }

    /// A number of things that must not be above `most`.
    #[must_use]
    pub fn no_more(name: &str, count: usize, unit: &str, most: u32) -> Self {
        Self::at_most(name, whole(count), unit, f64::from(most))
    }
}

/// More than four thousand million of anything are a failure whatever was wanted.
fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

/// Adds figures to the file.
///
/// # Errors
/// When the file cannot be read or written.
pub fn record(figures: &[Figure]) -> Result<()> {
    record_in(&crate::output_folder().join("results.json"), figures)
}

/// Adds figures to those of what people see of an installation, `target/seeing/cluster.json`: a file of its own, for `make seeing` writes beside it.
///
/// # Errors
/// When the file cannot be read or written.
pub fn record_seeing(figures: &[Figure]) -> Result<()> {
    record_in(
        &crate::in_repository("target/seeing").join("cluster.json"),
        figures,
    )
}

fn record_in(path: &Path, figures: &[Figure]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Absent, or of an older form: this run's figures are what counts.
    let mut all: Vec<Figure> = fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    all.retain(|old| figures.iter().all(|new| new.name != old.name));
    all.extend_from_slice(figures);
    fs::write(path, serde_json::to_vec_pretty(&all)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_figure_replaces_the_earlier_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some/results.json");
        record_in(
            &path,
            &[
                Figure::at_least("cases", 70.0, "cases", 80.0),
                Figure::at_most("start", 6.5, "s", 60.0),
            ],
        )
        .unwrap();
        record_in(&path, &[Figure::at_least("cases", 90.0, "cases", 80.0)]).unwrap();
        let found: Vec<Figure> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|figure| (figure.name.as_str(), figure.figure, figure.ok))
                .collect::<Vec<_>>(),
            [("start", 6.5, true), ("cases", 90.0, true)]
        );
    }
}
