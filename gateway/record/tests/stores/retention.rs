//! What is too old goes, and what it adds up to stays.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use fairlead_record::{
    By, Entry, Postgres, PostgresOptions, RequestLog, Scope, Sqlite, SqliteOptions, Sums, Url,
    UsageAsk, Wall, sample,
};

use crate::postgres::Cluster;
use crate::rows::{self, NOW};

const DAY: i64 = 86_400;

/// Some of each of so many days, the last one today.
fn days(count: i64, each: u64) -> Vec<Arc<Entry>> {
    let today = sample::BEGIN_US;
    let mut entries = Vec::new();
    for back in (0..count).rev() {
        for seed in 0..each {
            let at = today - back * DAY * 1_000_000 + seed.cast_signed() * 1_000;
            entries.push(Arc::new(sample::at(back.cast_unsigned() * each + seed, at)));
        }
    }
    entries
}

async fn sums(log: &dyn RequestLog, by: Vec<By>) -> Vec<Sums> {
    let ask = UsageAsk {
        scope: Scope::All,
        by,
        ..UsageAsk::default()
    };
    let rows = log.usage(&ask).await.unwrap();
    rows.into_iter().map(|row| row.sums).collect()
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".db"))
        .collect();
    names.sort();
    names
}

/// Once a file is gone, those that are left are these.
async fn are_left(folder: &Path, kept: &[&str]) {
    for _ in 0..500 {
        if files(folder) == kept {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(files(folder), kept);
}

fn cost(entries: &[Arc<Entry>]) -> i64 {
    entries
        .iter()
        .filter_map(|entry| entry.cost)
        .map(|cost| cost.nanos)
        .sum()
}

#[tokio::test]
async fn files_of_old_days_go_and_their_sums_stay() {
    let folder = tempfile::tempdir().unwrap();
    let entries = days(5, 40);
    let now = Arc::new(AtomicI64::new(NOW));
    let told = Arc::clone(&now);
    let open = |days| {
        let now = Arc::clone(&told);
        let options = SqliteOptions {
            dir: folder.path().to_owned(),
            days,
            bytes: u64::MAX,
            wall: Wall::of(move || now.load(Relaxed)),
        };
        Sqlite::open(options).unwrap()
    };
    let log = open(9);
    for entry in &entries {
        log.offer(Arc::clone(entry));
    }
    rows::written(|| log.standing(), 200).await;
    assert_eq!(files(folder.path()).len(), 5);
    let before = sums(&log, vec![By::Day, By::Key]).await;
    drop(log);
    // Two days are kept from here on; a request makes the thread look.
    let log = open(2);
    let late = Arc::new(sample::at(7, NOW * 1_000_000));
    log.offer(Arc::clone(&late));
    rows::written(|| log.standing(), 1).await;
    let kept = [
        "requests-2026-11-29.db",
        "requests-2026-11-30.db",
        "usage.db",
    ];
    are_left(folder.path(), &kept).await;
    let all = sums(&log, Vec::new()).await[0];
    assert_eq!(all.requests, 201);
    assert_eq!(all.cost_nanos, cost(&entries) + cost(&[late]));
    let after = sums(&log, vec![By::Day, By::Key]).await;
    assert!(after.len() >= before.len());
    // What began before the first day that is kept is not taken.
    log.offer(Arc::clone(&entries[0]));
    rows::until(|| log.standing(), |standing| standing.refused == 1).await;
    // A day later the next one goes.
    now.store(NOW + DAY, Relaxed);
    log.offer(Arc::new(sample::at(8, (NOW + DAY) * 1_000_000)));
    rows::written(|| log.standing(), 3).await;
    let kept = [
        "requests-2026-11-30.db",
        "requests-2026-12-01.db",
        "usage.db",
    ];
    are_left(folder.path(), &kept).await;
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 202);
}

#[tokio::test]
async fn files_that_are_too_large_together_go_from_the_oldest_on_within_a_day_too() {
    let folder = tempfile::tempdir().unwrap();
    let room = 6_000_000;
    let log = rows::sqlite(folder.path(), 7, room);
    let mut offered = 0;
    for portion in 0..12 {
        for seed in 0..1_500 {
            let seed = portion * 1_500 + seed;
            log.offer(Arc::new(sample::at(
                seed,
                sample::BEGIN_US + seed.cast_signed(),
            )));
        }
        offered += 1_500;
        rows::written(|| log.standing(), offered).await;
    }
    drop(log);
    assert!(files(folder.path()).len() > 3, "{:?}", files(folder.path()));
    // One that opens looks at once, and after that each minute.
    let log = rows::sqlite(folder.path(), 7, room);
    log.offer(Arc::new(sample::at(1, NOW * 1_000_000)));
    rows::written(|| log.standing(), 1).await;
    let size = || -> u64 {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files
            .flatten()
            .filter_map(|file| file.metadata().ok())
            .map(|file| file.len())
            .sum()
    };
    for _ in 0..500 {
        if size() < room + room / 8 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(
        size() < room + room / 8,
        "{}: {:?}",
        size(),
        files(folder.path())
    );
    assert!(!files(folder.path()).contains(&"requests-2026-11-30.db".to_owned()));
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 18_001);
}

#[tokio::test]
async fn partitions_of_old_days_are_dropped_and_their_sums_stay() {
    let cluster = Cluster::start();
    let now = Arc::new(AtomicI64::new(NOW));
    let open = |days, now: &Arc<AtomicI64>| {
        let now = Arc::clone(now);
        let options = PostgresOptions {
            url: Url::Text(cluster.url()),
            authority: None,
            days,
            wall: Wall::of(move || now.load(Relaxed)),
        };
        Postgres::open(options).unwrap()
    };
    let log = open(2, &now);
    for entry in days(2, 100) {
        log.offer(entry);
    }
    rows::written(|| log.standing(), 200).await;
    let partitions =
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'fairlead_requests'::regclass";
    // Yesterday, today, three days ahead, and the default one.
    assert_eq!(cluster.number(partitions).await, 6);
    now.store(NOW + 2 * DAY, Relaxed);
    log.offer(Arc::new(sample::at(8, (NOW + 2 * DAY) * 1_000_000)));
    rows::written(|| log.standing(), 201).await;
    // The day is looked at before the next batch.
    log.offer(Arc::new(sample::at(9, (NOW + 2 * DAY) * 1_000_000)));
    rows::written(|| log.standing(), 202).await;
    assert_eq!(
        cluster
            .number("SELECT count(*) FROM fairlead_requests")
            .await,
        2
    );
    assert_eq!(cluster.number(partitions).await, 6);
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 202);
}

#[tokio::test]
async fn rows_astray_are_told_and_brought_home() {
    let cluster = Cluster::start();
    let now = Arc::new(AtomicI64::new(NOW));
    let log = {
        let now = Arc::clone(&now);
        let options = PostgresOptions {
            url: Url::Text(cluster.url()),
            authority: None,
            days: 7,
            wall: Wall::of(move || now.load(Relaxed)),
        };
        Postgres::open(options).unwrap()
    };
    // A clock that goes five days ahead of ours.
    for seed in 0..10 {
        log.offer(Arc::new(sample::at(seed, (NOW + 5 * DAY) * 1_000_000)));
    }
    rows::written(|| log.standing(), 10).await;
    let astray = "SELECT count(*) FROM fairlead_requests_default";
    assert_eq!(cluster.number(astray).await, 10);
    now.store(NOW + 2 * DAY, Relaxed);
    log.offer(Arc::new(sample::at(100, (NOW + 2 * DAY) * 1_000_000)));
    rows::written(|| log.standing(), 11).await;
    log.offer(Arc::new(sample::at(101, (NOW + 2 * DAY) * 1_000_000)));
    rows::written(|| log.standing(), 12).await;
    assert_eq!(cluster.number(astray).await, 0);
    assert_eq!(
        cluster
            .number("SELECT count(*) FROM fairlead_requests")
            .await,
        12
    );
    assert_eq!(log.standing().astray, 0);
}
