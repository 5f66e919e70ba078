//! The clock of the wall: what stands in resources is told by it. What measures a length of time uses `tokio::time::Instant`.

use std::time::Duration;

/// Seconds since 1970; 0 on a clock that is set before.
#[must_use]
pub(crate) fn unix_seconds() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}

/// How long it is until this moment; nothing if it is over.
#[must_use]
pub(crate) fn until(second: i64) -> Duration {
    let second = Duration::from_secs(u64::try_from(second).unwrap_or_default());
    second.saturating_sub(since_1970())
}

#[cfg(not(test))]
fn since_1970() -> Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// In tests it moves on with the time of tokio, which may be paused.
#[cfg(test)]
fn since_1970() -> Duration {
    use std::sync::LazyLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    use tokio::time::Instant;

    static FIRST: LazyLock<(Duration, Instant)> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        (since.unwrap_or_default(), Instant::now())
    });
    let (since, first) = *FIRST;
    since + Instant::now().saturating_duration_since(first)
}
