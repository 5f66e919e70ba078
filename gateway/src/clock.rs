//! The clocks: the wall's for expiry and for logs, one of our own for what is remembered of providers. What measures a length of time uses
//! `tokio::time::Instant`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time since it was started, which never goes back: what is remembered of providers is told by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts one at zero.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// When it was started.
    #[must_use]
    pub(crate) fn started(self) -> Instant {
        self.0
    }

    /// The time since the start.
    #[must_use]
    pub(crate) fn uptime(self) -> Duration {
        self.0.elapsed()
    }
}

/// The time by the wall.
#[must_use]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970; 0 on a clock that is set before.
#[must_use]
pub(crate) fn unix_seconds() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(not(test))]
fn since_1970() -> Duration {
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// In tests it moves on with the time of tokio, which may be paused.
#[cfg(test)]
fn since_1970() -> Duration {
    static FIRST: std::sync::LazyLock<(Duration, Instant)> = std::sync::LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        (since.unwrap_or_default(), Instant::now())
    });
    let (since, first) = *FIRST;
    since + Instant::now().saturating_duration_since(first)
}

/// Milliseconds since 1970; 0 on a clock that is set before.
#[must_use]
pub(crate) fn unix_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Microseconds since 1970; 0 on a clock that is set before.
#[must_use]
pub(crate) fn unix_micros() -> i64 {
    i64::try_from(since_1970().as_micros()).unwrap_or(i64::MAX)
}
