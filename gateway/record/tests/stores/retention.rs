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
async fn a_clock_that_leaps_ahead_removes_no_files_before_the_day_after() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let told = Arc::clone(&now);
    let options = SqliteOptions {
        dir: folder.path().to_owned(),
        days: 7,
        bytes: u64::MAX,
        wall: Wall::of(move || told.load(Relaxed)),
    };
    let log = Sqlite::open(options).unwrap();
    for entry in days(3, 10) {
        log.offer(entry);
    }
    rows::written(|| log.standing(), 30).await;
    assert_eq!(files(folder.path()).len(), 3);
    now.store(NOW + 30 * DAY, Relaxed);
    for written in 31..=33 {
        log.offer(Arc::new(sample::at(written, (NOW + 30 * DAY) * 1_000_000)));
        rows::written(|| log.standing(), written).await;
    }
    assert_eq!(files(folder.path()).len(), 4, "{:?}", files(folder.path()));
    // It was no leap: a day later there is a file from the day before.
    now.store(NOW + 31 * DAY, Relaxed);
    log.offer(Arc::new(sample::at(34, (NOW + 31 * DAY) * 1_000_000)));
    let kept = [
        "requests-2026-12-30.db",
        "requests-2026-12-31.db",
        "usage.db",
    ];
    are_left(folder.path(), &kept).await;
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 34);
}

/// One that is long under way at midnight is written, though its day is no longer kept by then: its sums are.
#[tokio::test]
async fn what_began_before_midnight_and_ended_after_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 1, u64::MAX);
    log.offer(Arc::new(sample::at(1, (NOW - DAY) * 1_000_000)));
    log.offer(Arc::new(sample::at(2, NOW * 1_000_000)));
    rows::written(|| log.standing(), 2).await;
    assert_eq!(log.standing().refused, 0);
    are_left(folder.path(), &["requests-2026-11-30.db", "usage.db"]).await;
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 2);
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

/// A log of a user, whose clock is set with what comes with it.
fn postgres(cluster: &Cluster, user: &str, days: u16) -> (Postgres, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(NOW));
    let told = Arc::clone(&now);
    let options = PostgresOptions {
        url: Url::Text(cluster.url_of(user)),
        authority: None,
        days,
        wall: Wall::of(move || told.load(Relaxed)),
    };
    (Postgres::open(options).unwrap(), now)
}

const PARTITIONS: &str =
    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'fairlead_requests'::regclass";
const ROWS: &str = "SELECT count(*) FROM fairlead_requests";
const ASTRAY: &str = "SELECT count(*) FROM fairlead_requests_default";

/// Offers one of a moment, in seconds, and waits until so many are written: then partitions have been looked after since the one before.
async fn one_more(log: &Postgres, at: i64, written: u64) {
    log.offer(Arc::new(sample::at(written, at * 1_000_000)));
    rows::written(|| log.standing(), written).await;
}

#[tokio::test]
async fn partitions_of_old_days_are_dropped_and_their_sums_stay() {
    let cluster = Cluster::start();
    cluster.set_clock(NOW + 2 * DAY).await;
    let (log, now) = postgres(&cluster, "fairlead", 2);
    for entry in days(2, 100) {
        log.offer(entry);
    }
    rows::written(|| log.standing(), 200).await;
    // Yesterday, today, three days ahead, and the default one.
    assert_eq!(cluster.number(PARTITIONS).await, 6);
    now.store(NOW + 2 * DAY, Relaxed);
    one_more(&log, NOW + 2 * DAY, 201).await;
    one_more(&log, NOW + 2 * DAY, 202).await;
    assert_eq!(cluster.number(ROWS).await, 2);
    assert_eq!(cluster.number(PARTITIONS).await, 6);
    assert_eq!(sums(&log, Vec::new()).await[0].requests, 202);
}

#[tokio::test]
async fn a_replica_whose_clock_is_ahead_drops_nothing_that_is_still_kept() {
    let cluster = Cluster::start();
    cluster.set_clock(NOW).await;
    let (log, now) = postgres(&cluster, "fairlead", 2);
    for entry in days(2, 100) {
        log.offer(entry);
    }
    rows::written(|| log.standing(), 200).await;
    now.store(NOW + 30 * DAY, Relaxed);
    one_more(&log, NOW + 30 * DAY, 201).await;
    one_more(&log, NOW + 30 * DAY, 202).await;
    assert_eq!(cluster.number(ROWS).await, 202);
}

#[tokio::test]
async fn a_user_who_may_make_no_tables_drops_old_ones_and_is_told_of_rows_astray() {
    let cluster = Cluster::start();
    cluster.set_clock(NOW + 5 * DAY).await;
    let plain = "CREATE ROLE plain LOGIN PASSWORD 's3cret'; GRANT CREATE ON SCHEMA public TO plain";
    cluster.say(plain).await;
    let (log, now) = postgres(&cluster, "plain", 2);
    for entry in days(2, 100) {
        log.offer(entry);
    }
    rows::written(|| log.standing(), 200).await;
    cluster
        .say("REVOKE CREATE ON SCHEMA public FROM plain, PUBLIC")
        .await;
    now.store(NOW + 5 * DAY, Relaxed);
    one_more(&log, NOW + 5 * DAY, 201).await;
    // The day after that has no partition either, and is looked after once what came before lies astray.
    now.store(NOW + 6 * DAY, Relaxed);
    one_more(&log, NOW + 6 * DAY, 202).await;
    rows::until(|| log.standing(), |standing| standing.astray > 0).await;
    assert_eq!(cluster.number(ROWS).await, 2);
}

#[tokio::test]
async fn rows_astray_are_told_and_brought_home() {
    let cluster = Cluster::start();
    let (log, now) = postgres(&cluster, "fairlead", 7);
    // A clock that goes five days ahead of ours.
    for seed in 0..10 {
        log.offer(Arc::new(sample::at(seed, (NOW + 5 * DAY) * 1_000_000)));
    }
    rows::written(|| log.standing(), 10).await;
    assert_eq!(cluster.number(ASTRAY).await, 10);
    now.store(NOW + 2 * DAY, Relaxed);
    one_more(&log, NOW + 2 * DAY, 11).await;
    one_more(&log, NOW + 2 * DAY, 12).await;
    assert_eq!(cluster.number(ASTRAY).await, 0);
    assert_eq!(cluster.number(ROWS).await, 12);
    assert_eq!(log.standing().astray, 0);
}
