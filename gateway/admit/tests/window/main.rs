//! Windows: the table of known ones, what budgets rest on, and a naive search minute by minute over all zones.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod known;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod promises;

#[cfg(test)]
use fairlead_admit::window::{Calendar, Window};
#[cfg(test)]
use fairlead_snapshot::Period;

/// Unix milliseconds of a moment as the tables write it, in UTC: `2026-03-28T23:00`, or with seconds.
#[cfg(test)]
fn utc(text: &str) -> i64 {
    let seconds = if text.len() == 16 { ":00Z" } else { "Z" };
    let moment: jiff::Timestamp = format!("{text}{seconds}").parse().expect(text);
    moment.as_millisecond()
}

#[cfg(test)]
fn calendar(period: Period, zone: &str) -> Calendar {
    Calendar::of(&period, zone, None).expect(zone)
}

#[cfg(test)]
fn window(start: &str, end: &str) -> Window {
    Window {
        start: utc(start),
        end: utc(end),
    }
}
