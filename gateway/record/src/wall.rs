//! The time by the wall, which tests may set.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::rollup::DAY;

/// Tells the seconds since 1970.
#[derive(Clone)]
pub struct Wall(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Default for Wall {
    fn default() -> Self {
        Self::of(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
        })
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Wall")
    }
}

impl Wall {
    /// One that says what `seconds` says.
    #[must_use]
    pub fn of(seconds: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(seconds))
    }

    /// Microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        (self.0)().saturating_mul(1_000_000)
    }

    /// Days since 1970, by UTC.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn today(&self) -> i64 {
        (self.0)().div_euclid(DAY)
    }
}
