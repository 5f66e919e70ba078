//! Which dates windows begin with.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

/// How often a window begins, and on which of the dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    /// With each date.
    Day,
    /// With this day of the week, 1 (Monday) to 7.
    Week(i8),
    /// With this day of the month, 1 to 28.
    Month(i8),
    /// With the first day of each so many months, of which one is this, 1 to 12.
    Months(i8, i8),
}

impl Every {
    /// The date with which the window of a date begins: itself or one before.
    pub(super) fn first(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week(starts) => {
                let since = (date.weekday().to_monday_one_offset() - starts).rem_euclid(7);
                date.saturating_sub(since.days())
            }
            Self::Month(starts) => {
                let first = date.first_of_month();
                let back = i8::from(date.day() < starts);
                first
                    .saturating_sub(back.months())
                    .saturating_add((starts - 1).days())
            }
            Self::Months(length, starts) => {
                let since = (date.month() - starts).rem_euclid(length);
                date.first_of_month().saturating_sub(since.months())
            }
        }
    }

    /// The date with which the window after that of `first` begins.
    pub(super) fn next(self, first: Date) -> Date {
        let length: Span = match self {
            Self::Day => 1.day(),
            Self::Week(_) => 1.week(),
            Self::Month(_) => 1.month(),
            Self::Months(length, _) => length.months(),
        };
        first.saturating_add(length)
    }
}
