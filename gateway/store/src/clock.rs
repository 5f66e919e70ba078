//! Both clocks, from one reading of the wall's: it neither jumps nor stands while the process runs, and pauses with a test's time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fairlead_admit::lease::Now;
use tokio::time::Instant;

/// Tells the time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    unix_ms_at_start: i64,
}

impl Clock {
    /// Counts from when the process started.
    pub(crate) fn since(started: Instant) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().saturating_sub(started.elapsed());
        Self {
            started,
            unix_ms_at_start: millis(now),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Now {
        let mono = self.started.elapsed();
        let unix_ms = self.unix_ms_at_start + millis(mono);
        Now { mono, unix_ms }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
