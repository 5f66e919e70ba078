//! The whole table of surfaces and dialects: every feature, from every surface, to every dialect. No cell is left out.
//!
//! Each cell has a gateway and a scripted provider of its own. It passes, or is refused, or answered without what is advice, for a
//! reason that is written down (`refused`).
//! The table goes to `dialects/results.json` in the target folder.

mod ask;
mod dialect;
mod feature;
mod play;
mod refused;
mod said;
mod stage;
mod surface;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use dialect::Dialect;
use feature::Feature;
use play::{Outcome, play};
use surface::Surface;

/// A cell, and what became of it.
struct Cell {
    surface: Surface,
    dialect: Dialect,
    feature: &'static Feature,
    outcome: Result<Outcome, String>,
}

#[tokio::test]
async fn every_feature_of_every_surface_is_answered_by_every_dialect() {
    // One after the other: other tests of this binary measure the memory of gateways that must not be starved.
    let mut cells = Vec::new();
    for feature in &feature::ALL {
        for surface in Surface::ALL {
            for dialect in Dialect::ALL {
                cells.push(Cell {
                    surface,
                    dialect,
                    feature,
                    outcome: Box::pin(play(surface, dialect, feature)).await,
                });
            }
        }
    }
    let wrong = cells.iter().filter_map(|cell| {
        let error = cell.outcome.as_ref().err()?;
        Some(format!(
            "{} to {}, {}: {error}",
            cell.surface.name(),
            cell.dialect.name(),
            cell.feature.name
        ))
    });
    let wrong: Vec<String> = wrong.collect();
    println!("{}", table(&cells));
    record(&cells);
    assert!(
        wrong.is_empty(),
        "{} of {} cells\n{}",
        wrong.len(),
        cells.len(),
        wrong.join("\n")
    );
}

/// A line a feature, a column a pair.
fn table(cells: &[Cell]) -> String {
    let mut table = String::new();
    let columns = Surface::ALL.len() * Dialect::ALL.len();
    for row in cells.chunks(columns) {
        write!(table, "{:<37}", row[0].feature.name).unwrap();
        for cell in row {
            let word = match cell.outcome {
                Ok(Outcome::Passes) => "passes",
                Ok(Outcome::Refused(_)) => "refused",
                Ok(Outcome::LeftOut(_)) => "left out",
                Err(_) => "FAILS",
            };
            write!(table, " {word:<8}").unwrap();
        }
        table.push('\n');
    }
    let pairs = cells.iter().take(columns).enumerate().map(|(at, cell)| {
        format!(
            "{}: {} to {}",
            at + 1,
            cell.surface.name(),
            cell.dialect.name()
        )
    });
    table + &pairs.collect::<Vec<_>>().join(", ")
}

fn record(cells: &[Cell]) {
    let line = |cell: &Cell| -> Value {
        let (outcome, reason) = match &cell.outcome {
            Ok(Outcome::Passes) => ("passes", Value::Null),
            Ok(Outcome::Refused(reason)) => ("refused", json!(reason)),
            Ok(Outcome::LeftOut(reason)) => ("left out", json!(reason)),
            Err(wrong) => ("fails", json!(wrong)),
        };
        json!({"surface": cell.surface.name(), "dialect": cell.dialect.name(), "feature": cell.feature.name, "outcome": outcome, "reason": reason})
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("dialects");
    std::fs::create_dir_all(&folder).unwrap();
    let lines: Vec<Value> = cells.iter().map(line).collect();
    let text = serde_json::to_vec_pretty(&lines).unwrap();
    std::fs::write(folder.join("results.json"), text).unwrap();
}
