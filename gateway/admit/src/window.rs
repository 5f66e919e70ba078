//! Windows of budgets: which one a moment falls into. A function of time alone, so nothing is ever reset.
//!
//! A calendar is made when a budget is compiled or loaded, and refuses there what it cannot count by; afterwards every moment has exactly one
//! window. Zones come from the bundled IANA database, never from the host's, so that all replicas agree. A window of days, weeks, months
//! or years begins with the first instant of its first date in the zone: with the first of two midnights, and after the gap where there is no
//! midnight. A date that the zone skips has no window; a stretch of a date that comes again after the next date has begun belongs to the next.

mod date;

use std::sync::LazyLock;

use fairlead_snapshot::Period;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use date::Every;

/// The last moment that is told apart, unix milliseconds: the first of January 9000.
const LATEST: i64 = 221_845_392_000_000;

/// The longest duration that repeats, in seconds: a hundred years.
const LONGEST: u64 = 100 * 366 * 86_400;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// One window: half open, unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first moment in it.
    pub start: i64,
    /// The first moment after it.
    pub end: i64,
}

impl Window {
    /// Whether the moment, unix milliseconds, is in it.
    #[must_use]
    pub const fn contains(&self, unix_ms: i64) -> bool {
        self.start <= unix_ms && unix_ms < self.end
    }
}

/// What windows cannot be counted by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// The time zone is in no database.
    #[error(
        "the time zone {0:?} is not known; use a name of the IANA database such as Europe/Berlin or UTC"
    )]
    Zone(String),
    /// A day, weekday or month to begin with that there is not.
    #[error("a window cannot begin with {0}: days are 1 to 28, weekdays 1 to 7, months 1 to 12")]
    Starts(u8),
    /// No length, or one over a hundred years.
    #[error("a window cannot last {0} s: it is at least 1 s and at most 100 years")]
    Length(u64),
}

/// The windows of one budget, one after the other without a gap. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    rule: Rule,
    /// Where one window is cut in two, unix milliseconds.
    reset_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// By the dates of a zone.
    Dates(Every, TimeZone),
    /// By elapsed milliseconds since 1970.
    Elapsed(i64),
}

/// Whether the zone is in the database that windows are counted by. Upper and lower case are the same.
#[must_use]
pub fn zone_is_known(name: &str) -> bool {
    zone(name).is_some()
}

fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok().filter(|zone| !zone.is_unknown())
}

impl Calendar {
    /// The windows of a period. `reset_at`, in seconds since 1970, cuts the window that it falls into: another one begins there.
    ///
    /// # Errors
    /// Says what cannot be counted by. A duration needs no zone, but refuses one that is not known all the same.
    pub fn of(
        period: &Period,
        time_zone: &str,
        reset_at: Option<i64>,
    ) -> Result<Self, CalendarError> {
        let zone = zone(time_zone).ok_or_else(|| CalendarError::Zone(time_zone.to_owned()))?;
        let rule = match *period {
            Period::Every { seconds } => Rule::Elapsed(elapsed(seconds)?),
            Period::Daily => Rule::Dates(Every::Day, zone),
            Period::Weekly { starts } => Rule::Dates(Every::Week(within(starts, 7)?), zone),
            Period::Monthly { starts } => Rule::Dates(Every::Month(within(starts, 28)?), zone),
            Period::Quarterly { starts } => {
                Rule::Dates(Every::Months(3, within(starts, 12)?), zone)
            }
            Period::Yearly { starts } => Rule::Dates(Every::Months(12, within(starts, 12)?), zone),
        };
        let reset_at = reset_at.map(|seconds| seconds.saturating_mul(1_000));
        Ok(Self { rule, reset_at })
    }

    /// The window of a moment, unix milliseconds. It holds until its end: look again only then, for a look costs microseconds.
    ///
    /// Moments before 1970 count as its first, those after the year 8999 as its last.
    #[must_use]
    pub fn at(&self, unix_ms: i64) -> Window {
        let moment = unix_ms.clamp(0, LATEST);
        let whole = match &self.rule {
            Rule::Dates(every, zone) => by_dates(*every, zone, moment),
            Rule::Elapsed(length) => {
                let start = moment - moment.rem_euclid(*length);
                let end = start.saturating_add(*length);
                Window { start, end }
            }
        };
        match self.reset_at.filter(|at| whole.contains(*at)) {
            Some(start) if start <= moment => Window { start, ..whole },
            Some(end) => Window { end, ..whole },
            None => whole,
        }
    }
}

fn elapsed(seconds: u64) -> Result<i64, CalendarError> {
    let refused = CalendarError::Length(seconds);
    if seconds == 0 || seconds > LONGEST {
        return Err(refused);
    }
    i64::try_from(seconds * 1_000).map_err(|_| refused)
}

fn within(starts: u8, last: u8) -> Result<i8, CalendarError> {
    let refused = CalendarError::Starts(starts);
    if starts == 0 || starts > last {
        return Err(refused);
    }
    i8::try_from(starts).map_err(|_| refused)
}

fn by_dates(every: Every, zone: &TimeZone, moment: i64) -> Window {
    let moment_there = Timestamp::from_millisecond(moment).unwrap_or(Timestamp::MAX);
    let mut first = every.first(zone.to_datetime(moment_there).date());
    let mut start = first_instant(zone, first);
    loop {
        let next = every.next(first);
        let end = first_instant(zone, next);
        // Over already: the zone was set back across midnight, or skips all of these dates.
        if end > moment || next <= first {
            return Window { start, end };
        }
        (first, start) = (next, end);
    }
}

/// When the date begins, or what follows it where the zone skips it. Unix milliseconds.
fn first_instant(zone: &TimeZone, date: Date) -> i64 {
    let midnight = date.at(0, 0, 0, 0);
    let instant = match zone.to_ambiguous_timestamp(midnight).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(midnight).ok()
        }
        // There is no midnight: read by the later offset it lies before the change, and the change is when the date begins.
        AmbiguousOffset::Gap { after, .. } => {
            after.to_timestamp(midnight).ok().and_then(|before| {
                let mut changes = zone.following(before);
                changes.next().map(|change| change.timestamp())
            })
        }
    };
    instant.unwrap_or(Timestamp::MAX).as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::{first_instant, zone};

    #[test]
    fn a_date_begins_at_the_change_where_the_clock_leaps_over_midnight() {
        // Toronto, at half past eleven in the evening of the thirtieth: half an hour of each of two dates is missing.
        let toronto = zone("America/Toronto").unwrap();
        let date = jiff::civil::date(1919, 3, 31);
        let change: jiff::Timestamp = "1919-03-31T04:30:00Z".parse().unwrap();
        assert_eq!(first_instant(&toronto, date), change.as_millisecond());
    }
}
