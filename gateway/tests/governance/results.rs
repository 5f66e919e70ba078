//! The figures of a run, in `governance/results.json` below the target folder: what was measured, what it had to be, and whether it was. One that
//! is not as it has to be fails the test.

use crate::harness::results;
pub(crate) use crate::harness::results::count;

/// Records a figure that must not be above `most`, and fails if it is.
pub(crate) fn at_most(name: &str, figure: f64, unit: &str, most: f64) {
    about_at_most(name, figure, unit, most, 1.0);
}

/// Records a figure that should not be above `most`, and fails if it is above so many times that: where a machine is busy, times are long.
pub(crate) fn about_at_most(name: &str, figure: f64, unit: &str, most: f64, times: f64) {
    results::at_most(name, figure, unit, most);
    assert!(
        figure <= most * times,
        "{name}: {figure} {unit}, at most {most}"
    );
}

/// Records a figure that must not be below `least`, and fails if it is.
pub(crate) fn at_least(name: &str, figure: f64, unit: &str, least: f64) {
    let reached = results::at_least(name, figure, unit, least);
    assert!(reached, "{name}: {figure} {unit}, at least {least}");
}

/// Nano-USD as a figure in USD.
pub(crate) fn usd(nanos: i64) -> f64 {
    std::time::Duration::from_nanos(nanos.unsigned_abs()).as_secs_f64()
}
