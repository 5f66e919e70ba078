//! Windows that were worked out by hand: changes of the clock, midnights that come twice or never, dates that a zone skips, leap years.

use fairlead_snapshot::Period::{self, Daily, Every, Monthly, Quarterly, Weekly, Yearly};

use crate::{calendar, utc, window};

const MONDAY: u8 = 1;
const SUNDAY: u8 = 7;

/// Zone and period; start, end, hours.
type Row = (&'static str, Period, &'static str, &'static str, f64);

const MONTH: Period = Monthly { starts: 1 };
const YEAR: Period = Yearly { starts: 1 };

#[rustfmt::skip]
const DAYS: &[Row] = &[
    ("Europe/Berlin", Daily, "2026-03-28T23:00", "2026-03-29T22:00", 23.0),
    ("Europe/Berlin", Daily, "2026-10-24T22:00", "2026-10-25T23:00", 25.0),
    ("America/Sao_Paulo", Daily, "2018-11-04T03:00", "2018-11-05T02:00", 23.0),
    ("America/Sao_Paulo", Daily, "2019-02-16T02:00", "2019-02-17T03:00", 25.0),
    ("America/Sao_Paulo", Daily, "2019-02-17T03:00", "2019-02-18T03:00", 24.0),
    ("Australia/Lord_Howe", Daily, "2026-04-04T13:00", "2026-04-05T13:30", 24.5),
    ("Australia/Lord_Howe", Daily, "2026-10-03T13:30", "2026-10-04T13:00", 23.5),
    ("America/Havana", Daily, "2026-03-08T05:00", "2026-03-09T04:00", 23.0),
    ("America/Havana", Daily, "2026-11-01T04:00", "2026-11-02T05:00", 25.0),
    ("Pacific/Apia", Daily, "2011-12-29T10:00", "2011-12-30T10:00", 24.0),
    ("Pacific/Apia", Daily, "2011-12-30T10:00", "2011-12-31T10:00", 24.0),
    ("Asia/Kathmandu", Daily, "2026-07-15T18:15", "2026-07-16T18:15", 24.0),
    ("UTC", Daily, "2028-02-29T00:00", "2028-03-01T00:00", 24.0),
    // Set back at one past midnight: what comes again of the sixth of November belongs to the seventh.
    ("America/St_Johns", Daily, "2010-11-07T02:30", "2010-11-08T03:30", 25.0),
];

#[rustfmt::skip]
const LONGER: &[Row] = &[
    ("Europe/Berlin", MONTH, "2026-02-28T23:00", "2026-03-31T22:00", 743.0),
    ("Europe/Berlin", MONTH, "2026-09-30T22:00", "2026-10-31T23:00", 745.0),
    ("Europe/Berlin", MONTH, "2026-01-31T23:00", "2026-02-28T23:00", 672.0),
    ("Europe/Berlin", MONTH, "2028-01-31T23:00", "2028-02-29T23:00", 696.0),
    ("Europe/Berlin", Weekly { starts: MONDAY }, "2026-03-22T23:00", "2026-03-29T22:00", 167.0),
    ("Europe/Berlin", Weekly { starts: MONDAY }, "2026-10-18T22:00", "2026-10-25T23:00", 169.0),
    ("Europe/Berlin", Weekly { starts: MONDAY }, "2025-12-28T23:00", "2026-01-04T23:00", 168.0),
    ("Europe/Berlin", Weekly { starts: SUNDAY }, "2026-03-28T23:00", "2026-04-04T22:00", 167.0),
    ("Europe/Berlin", YEAR, "2025-12-31T23:00", "2026-12-31T23:00", 8760.0),
    ("Europe/Berlin", YEAR, "2027-12-31T23:00", "2028-12-31T23:00", 8784.0),
    ("America/Sao_Paulo", MONTH, "2018-11-01T03:00", "2018-12-01T02:00", 719.0),
    ("America/Sao_Paulo", MONTH, "2019-02-01T02:00", "2019-03-01T03:00", 673.0),
    ("America/Sao_Paulo", MONTH, "2026-02-01T03:00", "2026-03-01T03:00", 672.0),
    ("Australia/Lord_Howe", MONTH, "2026-03-31T13:00", "2026-04-30T13:30", 720.5),
    ("Australia/Lord_Howe", MONTH, "2026-09-30T13:30", "2026-10-31T13:00", 743.5),
    ("Europe/Berlin", Quarterly { starts: 1 }, "2025-12-31T23:00", "2026-03-31T22:00", 2159.0),
    ("Europe/Berlin", Quarterly { starts: 4 }, "2026-03-31T22:00", "2026-06-30T22:00", 2184.0),
    ("America/New_York", Quarterly { starts: 10 }, "2026-07-01T04:00", "2026-10-01T04:00", 2208.0),
    ("America/New_York", Quarterly { starts: 10 }, "2026-10-01T04:00", "2027-01-01T05:00", 2209.0),
    ("Australia/Sydney", Quarterly { starts: 7 }, "2026-03-31T13:00", "2026-06-30T14:00", 2185.0),
    ("Australia/Sydney", Quarterly { starts: 7 }, "2026-06-30T14:00", "2026-09-30T14:00", 2208.0),
    ("UTC", Quarterly { starts: 2 }, "2027-11-01T00:00", "2028-02-01T00:00", 2208.0),
    ("UTC", Quarterly { starts: 2 }, "2028-02-01T00:00", "2028-05-01T00:00", 2160.0),
    ("UTC", Monthly { starts: 28 }, "2026-01-28T00:00", "2026-02-28T00:00", 744.0),
    ("UTC", Yearly { starts: 4 }, "2026-04-01T00:00", "2027-04-01T00:00", 8760.0),
    ("UTC", Every { seconds: 30 * 86_400 }, "2026-11-03T00:00", "2026-12-03T00:00", 720.0),
    ("UTC", Every { seconds: 7 * 86_400 }, "2026-11-19T00:00", "2026-11-26T00:00", 168.0),
];

#[test]
fn windows_are_as_the_table_has_them_from_their_first_to_their_last_moment() {
    for (zone, period, start, end, hours) in DAYS.iter().chain(LONGER) {
        let (calendar, expected) = (calendar(*period, zone), window(start, end));
        for moment in [
            expected.start,
            expected.start + 45 * 60_000,
            i64::midpoint(expected.start, expected.end),
            expected.end - 1,
        ] {
            assert_eq!(calendar.at(moment), expected, "{zone} {period:?} {start}");
        }
        assert_eq!(
            calendar.at(expected.start - 1).end,
            expected.start,
            "{zone} {start}"
        );
        assert_eq!(
            calendar.at(expected.end).start,
            expected.end,
            "{zone} {end}"
        );
        let length = expected.end - expected.start;
        assert!(
            (*hours - (length as f64 / 3_600_000.0)).abs() < 1e-9,
            "{zone} {start}"
        );
    }
}

#[test]
fn both_times_that_the_clock_shows_half_past_two_are_of_one_day() {
    let days = calendar(Daily, "Europe/Berlin");
    let day = window("2026-10-24T22:00", "2026-10-25T23:00");
    assert_eq!(days.at(utc("2026-10-25T00:30")), day);
    assert_eq!(days.at(utc("2026-10-25T01:30")), day);
}

#[test]
fn a_duration_is_elapsed_time_counted_from_1970() {
    let moment = utc("2026-11-25T09:34:31");
    let every = |seconds| calendar(Every { seconds }, "UTC").at(moment);
    assert_eq!(
        every(30 * 86_400),
        window("2026-11-03T00:00", "2026-12-03T00:00")
    );
    assert_eq!(
        every(7 * 86_400),
        window("2026-11-19T00:00", "2026-11-26T00:00")
    );
    let here = calendar(Every { seconds: 5 * 3_600 }, "Europe/Berlin");
    let across = here.at(utc("2026-10-25T00:30"));
    assert_eq!(across.end - across.start, 5 * 3_600_000);
}
