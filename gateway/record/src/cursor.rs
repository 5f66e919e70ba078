//! A place in the order of entries: the latest to begin first, of two that began in one microsecond that with the greater id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Entry;

/// The place of an entry. A greater one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When it began, in microseconds since 1970.
    pub started_unix_us: i64,
    /// Its id as stores order it, which know no unsigned numbers.
    pub id: i64,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list; take it from `next` of the page before, or leave it out")]
pub struct BadCursor;

impl Cursor {
    /// The place of this entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            started_unix_us: entry.started_unix_us,
            id: entry.id.cast_signed(),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}-{:016x}",
            self.started_unix_us,
            self.id.cast_unsigned()
        )
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (started, id) = text.rsplit_once('-').ok_or(BadCursor)?;
        let id = crate::hex::id(id).ok_or(BadCursor)?;
        Ok(Self {
            started_unix_us: started.parse().map_err(|_| BadCursor)?,
            id: id.cast_signed(),
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        for cursor in [
            Cursor {
                started_unix_us: 1_764_500_000_000_000,
                id: -1,
            },
            Cursor {
                started_unix_us: -5,
                id: i64::MAX,
            },
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "1", "1-2", "x-0000000000000001", "1-000000000000000g"] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad}");
        }
    }
}
