//! What several tests need.

use std::path::Path;
use std::time::Duration;

use fairlead_record::{Sqlite, SqliteOptions, Standing, Wall, sample};

/// The end of the day on which samples begin, in seconds since 1970.
pub(crate) const NOW: i64 = sample::BEGIN_US / 1_000_000 + 86_000;

/// A log in this folder.
pub(crate) fn sqlite(dir: &Path, days: u16, bytes: u64) -> Sqlite {
    Sqlite::open(SqliteOptions {
        dir: dir.to_owned(),
        days,
        bytes,
        wall: Wall::of(|| NOW),
    })
    .unwrap()
}

/// Waits until so many are written.
pub(crate) async fn written(standing: impl Fn() -> Standing, count: u64) {
    until(&standing, |standing| {
        standing.written + standing.refused >= count
    })
    .await;
}

/// Waits until a log stands as wanted, for a minute at most.
pub(crate) async fn until(standing: impl Fn() -> Standing, wanted: impl Fn(&Standing) -> bool) {
    let waiting = async {
        while !wanted(&standing()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(in_time.is_ok(), "it stands at {:?}", standing());
}
