//! What budgets rest on: which window is charged, when it ends, what a step of the clock and a reset do, and what is refused.

use fairlead_admit::window::{Calendar, CalendarError, zone_is_known};
use fairlead_snapshot::Period::{Daily, Every, Monthly, Quarterly, Weekly, Yearly};

use crate::{calendar, utc, window};

#[test]
fn a_day_that_is_used_up_in_the_first_of_two_hours_opens_again_at_the_next_midnight() {
    let days = calendar(Daily, "Europe/Berlin");
    let spent = days.at(utc("2026-10-25T00:30"));
    let asked = utc("2026-10-25T01:30");
    assert!(spent.contains(asked), "4.00 and 1.00 count together");
    assert_eq!(spent.end, utc("2026-10-25T23:00"));
    assert_eq!((spent.end - asked) / 1_000, 77_400, "Retry-After");
}

#[test]
fn what_is_admitted_a_tenth_of_a_second_before_midnight_is_charged_to_its_day() {
    let days = calendar(Daily, "Europe/Berlin");
    let admitted = days.at(utc("2026-03-29T21:59:59.9"));
    let settled = days.at(utc("2026-03-29T22:10"));
    assert_eq!(admitted, window("2026-03-28T23:00", "2026-03-29T22:00"));
    assert_eq!(
        settled.start, admitted.end,
        "the thirtieth begins with nothing"
    );
}

#[test]
fn a_lease_of_the_last_half_second_ends_with_its_window() {
    let granted = utc("2026-03-29T21:59:59.5");
    let end = calendar(Daily, "Europe/Berlin").at(granted).end;
    assert_eq!(end - granted, 500);
}

#[test]
fn a_clock_that_steps_ahead_and_back_finds_the_same_windows_again() {
    let months = calendar(Monthly { starts: 1 }, "Europe/Berlin");
    let (now, ahead) = (utc("2026-03-10T12:00"), utc("2026-04-10T12:00"));
    let seen = [now, ahead, now, ahead].map(|moment| months.at(moment));
    assert_eq!(seen[0], seen[2]);
    assert_eq!(seen[1], seen[3]);
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn a_reset_cuts_the_window_it_falls_into_and_no_other() {
    let at = utc("2026-03-10T12:34:56");
    let months = Calendar::of(&Monthly { starts: 1 }, "UTC", Some(at / 1_000)).expect("a calendar");
    assert_eq!(
        months.at(at - 1),
        window("2026-03-01T00:00", "2026-03-10T12:34:56")
    );
    let rest = window("2026-03-10T12:34:56", "2026-04-01T00:00");
    assert_eq!(months.at(at), rest);
    assert_eq!(months.at(rest.end - 1), rest);
    assert_eq!(
        months.at(rest.end),
        window("2026-04-01T00:00", "2026-05-01T00:00")
    );
    assert_eq!(
        months.at(utc("2026-02-28T23:59")).end,
        utc("2026-03-01T00:00")
    );
}

#[test]
fn a_reset_at_the_start_of_a_window_cuts_nothing() {
    let start = utc("2026-03-01T00:00");
    for reset in [Some(start / 1_000), Some(i64::MAX), Some(i64::MIN), None] {
        let months = Calendar::of(&Monthly { starts: 1 }, "UTC", reset).expect("a calendar");
        assert_eq!(
            months.at(start),
            window("2026-03-01T00:00", "2026-04-01T00:00")
        );
        assert_eq!(
            months.at(start - 1),
            window("2026-02-01T00:00", "2026-03-01T00:00")
        );
    }
}

#[test]
fn zones_are_those_of_the_database() {
    for known in [
        "UTC",
        "Europe/Berlin",
        "america/new_york",
        "Etc/GMT+5",
        "Asia/Calcutta",
    ] {
        assert!(zone_is_known(known), "{known}");
    }
    for unknown in [
        "",
        " ",
        "Berlin",
        "Europe/Berlin ",
        "Europe/Atlantis",
        "+02:00",
        "CET-1CEST",
        "Etc/Unknown",
        "../UTC",
        "/etc/localtime",
        "Local",
        "Europe/Berlin\0",
    ] {
        assert!(!zone_is_known(unknown), "{unknown:?}");
    }
}

#[test]
fn what_cannot_be_counted_by_is_refused_and_named() {
    let refused = |period, zone| Calendar::of(&period, zone, None).expect_err("refused");
    assert_eq!(
        refused(Daily, "Europe/Atlantis"),
        CalendarError::Zone("Europe/Atlantis".to_owned())
    );
    for (period, starts) in [
        (Weekly { starts: 0 }, 0),
        (Weekly { starts: 8 }, 8),
        (Monthly { starts: 0 }, 0),
        (Monthly { starts: 29 }, 29),
        (Quarterly { starts: 13 }, 13),
        (Yearly { starts: 255 }, 255),
    ] {
        assert_eq!(refused(period, "UTC"), CalendarError::Starts(starts));
    }
    for seconds in [0, 3_162_240_001, u64::MAX] {
        assert_eq!(
            refused(Every { seconds }, "UTC"),
            CalendarError::Length(seconds)
        );
    }
}

#[test]
fn every_moment_that_a_clock_can_show_has_a_window() {
    for period in [
        Daily,
        Weekly { starts: 3 },
        Monthly { starts: 28 },
        Quarterly { starts: 12 },
        Yearly { starts: 7 },
        Every { seconds: 1 },
        Every {
            seconds: 3_162_240_000,
        },
    ] {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Niue"] {
            let calendar = calendar(period, zone);
            for moment in [
                i64::MIN,
                -1,
                0,
                1,
                4_102_444_800_000,
                200_000_000_000_000,
                i64::MAX,
            ] {
                let window = calendar.at(moment);
                assert!(window.start < window.end, "{zone} {period:?} {moment}");
                let told_apart = (0..=200_000_000_000_000).contains(&moment);
                assert!(
                    !told_apart || window.contains(moment),
                    "{zone} {period:?} {moment}"
                );
            }
        }
    }
}
