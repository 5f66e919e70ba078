//! Against a search that knows nothing of offsets: minute by minute, what date does the zone's clock show?

use std::collections::HashSet;

use fairlead_snapshot::Period::{self, Daily, Monthly, Quarterly, Weekly, Yearly};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

use crate::{calendar, utc};

const MINUTE: i64 = 60_000;
const STEP: usize = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// Whether a window begins with this date.
fn begins(period: Period, date: Date) -> bool {
    let is = |one: i8, two: u8| one == i8::try_from(two).expect("a small number");
    match period {
        Daily => true,
        Weekly { starts } => is(date.weekday().to_monday_one_offset(), starts),
        Monthly { starts } => is(date.day(), starts),
        Quarterly { starts } => {
            let months = [0, 3, 6, 9].map(|later| (starts - 1 + later) % 12 + 1);
            date.day() == 1 && months.iter().any(|month| is(date.month(), *month))
        }
        Yearly { starts } => date.day() == 1 && is(date.month(), starts),
        Period::Every { .. } => unreachable!("not by dates"),
    }
}

/// The starts of windows within an interval, by the latest date that its clock has shown so far.
fn starts(period: Period, zone: &TimeZone, from: i64, to: i64) -> Vec<i64> {
    let date_at = |moment: i64| {
        let moment = Timestamp::from_millisecond(moment).expect("a moment");
        zone.to_datetime(moment).date()
    };
    // Two days before, so that a date that comes again is known to have been.
    let mut latest = date_at(from - 2 * DAY);
    let mut found = Vec::new();
    for moment in (from - 2 * DAY..to).step_by(STEP) {
        let date = date_at(moment);
        if date <= latest {
            continue;
        }
        let mut passed = latest;
        let mut starts_here = false;
        while passed < date {
            passed = passed.checked_add(1.day()).expect("a date");
            starts_here |= begins(period, passed);
        }
        latest = date;
        if starts_here && moment >= from {
            found.push(moment);
        }
    }
    found
}

/// The starts of windows within an interval, one after the other.
fn walked(period: Period, zone: &str, from: i64, to: i64) -> Vec<i64> {
    let calendar = calendar(period, zone);
    let mut window = calendar.at(from - 1);
    let mut found = Vec::new();
    while window.end < to {
        let next = calendar.at(window.end);
        assert_eq!(
            next.start, window.end,
            "{zone} {period:?}: no gap, no overlap"
        );
        assert_eq!(
            calendar.at(next.end - 1),
            next,
            "{zone} {period:?}: one window"
        );
        found.push(next.start);
        window = next;
    }
    found
}

/// Each zone whose clock was changed at other moments than those of all before it, with these moments from 2011 to 2030.
fn zones() -> Vec<(String, Vec<i64>)> {
    let database = TimeZoneDatabase::bundled();
    let (from, to) = (utc("2011-01-01T00:00"), utc("2031-01-01T00:00"));
    let mut seen = HashSet::new();
    let mut zones = Vec::new();
    for name in database.available() {
        let zone = database.get(name.as_str()).expect("a zone");
        let since = Timestamp::from_millisecond(from).expect("a moment");
        let changes: Vec<i64> = zone
            .following(since)
            .map(|change| change.timestamp().as_millisecond())
            .take_while(|moment| *moment < to)
            .collect();
        if seen.insert((zone.to_offset(since), changes.clone())) {
            zones.push((name.as_str().to_owned(), changes));
        }
    }
    zones
}

#[test]
fn around_each_change_of_a_clock_the_days_begin_where_a_search_by_minutes_finds_them() {
    let database = TimeZoneDatabase::bundled();
    let zones = zones();
    assert!(zones.len() > 100, "{} zones", zones.len());
    let mut searched = 0;
    for (name, changes) in &zones {
        let zone = database.get(name).expect("a zone");
        // Which hour a clock is changed at hardly differs from year to year: all of the first years, some of the later.
        let some = changes
            .iter()
            .enumerate()
            .filter(|(nth, _)| *nth < 6 || nth % 7 == 0);
        for (_, change) in some {
            let (from, to) = (
                change - DAY - 3 * 60 * MINUTE,
                change + DAY + 3 * 60 * MINUTE,
            );
            let expected = starts(Daily, &zone, from, to);
            assert_eq!(
                walked(Daily, name, from, to),
                expected,
                "{name} at {change}"
            );
            searched += 1;
        }
    }
    println!("{searched} changes of {} clocks", zones.len());
}

#[test]
fn windows_of_all_zones_and_periods_tile_the_years_from_2011_to_2030() {
    let (from, to) = (utc("2011-01-01T00:00"), utc("2031-01-01T00:00"));
    for (nth, (name, _)) in (0_u8..=255).cycle().zip(&zones()) {
        for period in [
            Weekly {
                starts: nth % 7 + 1,
            },
            Monthly {
                starts: nth % 28 + 1,
            },
            Quarterly {
                starts: nth % 12 + 1,
            },
            Yearly {
                starts: nth % 12 + 1,
            },
        ] {
            let count = walked(period, name, from, to).len();
            let least = if matches!(period, Yearly { .. }) {
                19
            } else {
                79
            };
            assert!(count >= least, "{name} {period:?}: {count}");
        }
    }
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Daily),
        (1_u8..=7).prop_map(|starts| Weekly { starts }),
        (1_u8..=28).prop_map(|starts| Monthly { starts }),
        (1_u8..=12).prop_map(|starts| Quarterly { starts }),
        (1_u8..=12).prop_map(|starts| Yearly { starts }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_moment_of_any_zone_is_in_the_window_that_a_search_by_minutes_finds(
        zone in any::<prop::sample::Index>(),
        period in period(),
        minute in 0_i64..10_500_000,
    ) {
        let database = TimeZoneDatabase::bundled();
        let names: Vec<_> = database.available().collect();
        let name = names[zone.index(names.len())].as_str();
        let moment = utc("2011-01-01T00:00") + minute * MINUTE;
        let window = calendar(period, name).at(moment);
        prop_assert!(window.contains(moment));
        let there = database.get(name).expect("a zone");
        for edge in [window.start, window.end] {
            let found = starts(period, &there, edge - 600 * MINUTE, edge + 600 * MINUTE);
            prop_assert_eq!(&found, &[edge], "{} {:?}", name, period);
        }
        // And none between the edges, looked at by the day.
        let mut between = moment;
        while between < window.end {
            prop_assert_eq!(calendar(period, name).at(between), window);
            between += 7 * DAY / 3;
        }
    }
}
