//! Moments as people and clients read them.

use jiff::Timestamp;

/// A moment as RFC 3339 writes it.
#[must_use]
pub(crate) fn instant(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map_or_else(|_| unix_ms.to_string(), |at| at.to_string())
}
