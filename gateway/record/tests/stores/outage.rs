//! What befalls a store: requests are never held up, what is lost is counted, and all is whole afterwards.

use std::sync::Arc;
use std::time::Duration;

use fairlead_record::{
    Ask, Entry, Filter, Postgres, PostgresOptions, QUEUE, RequestLog, Scope, Url, UsageAsk, Wall,
    sample,
};
use tokio::time::Instant;

use crate::postgres::{Cluster, readable};
use crate::results::{Figure, in_full, record};
use crate::rows::{self, NOW};

async fn kept(log: &dyn RequestLog) -> i64 {
    let ask = UsageAsk {
        scope: Scope::All,
        ..UsageAsk::default()
    };
    let rows = log.usage(&ask).await.unwrap();
    rows.first().map_or(0, |row| row.sums.requests)
}

/// Offers so many a second for a while; says how many, and the longest that any was held up.
async fn load(seconds: u64, a_second: u64, begin: u64, offer: impl Fn(u64)) -> (u64, Duration) {
    let mut turn = tokio::time::interval(Duration::from_millis(10));
    let (mut seed, mut longest) = (begin, Duration::ZERO);
    for _ in 0..seconds * 100 {
        turn.tick().await;
        for _ in 0..a_second / 100 {
            let before = Instant::now();
            offer(seed);
            longest = longest.max(before.elapsed());
            seed += 1;
        }
    }
    (seed - begin, longest)
}

/// So many a second, so that what is written together does not end where a second does: a batch is half gathered when the database goes.
const A_SECOND: u64 = 1_900;

/// The database is switched off under load and comes back.
#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn a_database_that_is_away_loses_what_has_no_room_and_nothing_else() {
    let away = if in_full() { 60 } else { 10 };
    let cluster = Cluster::start();
    let log = cluster.log(7, NOW);
    let offer = |seed: u64| {
        let at = sample::BEGIN_US + seed.cast_signed();
        log.offer(Arc::new(sample::at(seed, at)));
    };
    let (mut offered, _) = load(2, A_SECOND, 0, offer).await;
    cluster.stop();
    let (count, longest) = load(away, A_SECOND, offered, offer).await;
    offered += count;
    let dropped = log.standing().dropped;
    assert!(log.standing().problem.is_some());
    cluster.begin();
    rows::until(|| log.standing(), |standing| standing.problem.is_none()).await;
    let (count, _) = load(2, A_SECOND, offered, offer).await;
    offered += count;
    rows::until(|| log.standing(), |standing| standing.waiting() == 0).await;
    let standing = log.standing();
    // What the queue and a batch hold is kept over the outage.
    assert!(dropped > 0 && standing.dropped < offered - u64::try_from(QUEUE).unwrap());
    assert_eq!(standing.taken + standing.dropped, offered);
    assert_eq!(standing.refused, 0);
    let rows = cluster
        .number("SELECT count(*) FROM fairlead_requests")
        .await;
    let ids = cluster
        .number("SELECT count(DISTINCT id) FROM fairlead_requests")
        .await;
    let sums = kept(&log).await;
    let written = i64::try_from(standing.written).unwrap();
    assert_eq!((rows, ids, sums), (written, written, written));
    let cost = "SELECT (SELECT sum(cost) FROM fairlead_requests)::bigint - (SELECT sum(cost_nanos) FROM fairlead_usage_hour)::bigint";
    assert_eq!(cluster.number(cost).await, 0);
    record(&[
        Figure::exactly(
            "requests neither kept nor counted as dropped, PostgreSQL away under load",
            (offered - standing.written - standing.dropped) as f64,
            "requests",
            0.0,
        ),
        Figure::at_most(
            "longest that a request was held up by the log, PostgreSQL away",
            longest.as_secs_f64() * 1e3,
            "ms",
            50.0,
        ),
    ]);
}

/// The server ends the connection while a batch is being gathered.
#[tokio::test]
async fn what_was_gathered_when_the_connection_ended_is_written() {
    let cluster = Cluster::start();
    let log = cluster.log(7, NOW);
    log.offer(Arc::new(sample::entry(0)));
    rows::written(|| log.standing(), 1).await;
    for seed in 1..300 {
        log.offer(Arc::new(sample::entry(seed)));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster
        .say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fairlead'")
        .await;
    rows::until(|| log.standing(), |standing| standing.written == 300).await;
    let ids = "SELECT count(DISTINCT id) FROM fairlead_requests";
    assert_eq!(cluster.number(ids).await, 300);
    assert_eq!(kept(&log).await, 300);
}

/// Not there at first, as when both are started together.
#[tokio::test]
async fn a_database_that_comes_later_gets_what_has_waited() {
    let cluster = Cluster::start();
    cluster.stop();
    let log = cluster.log(7, NOW);
    for seed in 0..300 {
        log.offer(Arc::new(sample::entry(seed)));
    }
    rows::until(|| log.standing(), |standing| standing.problem.is_some()).await;
    let problem = log.standing().problem.unwrap();
    assert!(!problem.contains("s3cret"), "{problem}");
    let error = log.usage(&UsageAsk::default()).await.unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
    cluster.begin();
    rows::written(|| log.standing(), 300).await;
    assert_eq!(
        cluster
            .number("SELECT count(*) FROM fairlead_requests")
            .await,
        300
    );
}

#[tokio::test]
async fn one_row_that_the_database_refuses_takes_no_other_with_it() {
    let cluster = Cluster::start();
    let log = cluster.log(7, NOW);
    log.offer(Arc::new(sample::entry(0)));
    rows::written(|| log.standing(), 1).await;
    let odd = sample::entry(40).id.cast_signed();
    cluster
        .say(&format!(
            "ALTER TABLE fairlead_requests ADD CHECK (id <> {odd})"
        ))
        .await;
    for seed in 1..100 {
        log.offer(Arc::new(sample::entry(seed)));
    }
    rows::written(|| log.standing(), 100).await;
    let standing = log.standing();
    assert_eq!((standing.written, standing.refused), (99, 1));
    assert_eq!(kept(&log).await, 99);
}

#[tokio::test]
async fn several_replicas_begin_at_once_and_write_into_one() {
    let cluster = Cluster::start();
    let logs: Vec<Postgres> = (0..4).map(|_| cluster.log(7, NOW)).collect();
    for seed in 0..2_000 {
        logs[usize::try_from(seed % 4).unwrap()].offer(Arc::new(sample::entry(seed)));
    }
    for log in &logs {
        rows::written(|| log.standing(), 500).await;
    }
    assert_eq!(kept(&logs[0]).await, 2_000);
    assert_eq!(
        cluster.number("SELECT count(*) FROM fairlead_writer").await,
        4
    );
}

#[tokio::test]
async fn connections_are_encrypted_and_the_server_is_who_it_says() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cluster = Cluster::with_tls(&made.cert.pem(), &made.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, made.cert.pem()).unwrap();
    let log = |host: &str, authority: Option<std::path::PathBuf>| {
        let url = format!(
            "postgresql://fairlead:s3cret@{host}:{}/postgres?sslmode=require",
            cluster.port()
        );
        let options = PostgresOptions {
            url: Url::Text(url),
            authority,
            days: 7,
            wall: Wall::of(|| NOW),
        };
        Postgres::open(options).unwrap()
    };
    let good = log("localhost", Some(authority.clone()));
    good.offer(Arc::new(sample::entry(1)));
    rows::written(|| good.standing(), 1).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid) WHERE s.ssl AND a.application_name = 'fairlead'";
    assert_eq!(cluster.number(encrypted).await, 1);
    for (host, authority) in [("localhost", None), ("127.0.0.1", Some(authority))] {
        let bad = log(host, authority);
        bad.offer(Arc::new(sample::entry(2)));
        rows::until(|| bad.standing(), |standing| standing.problem.is_some()).await;
        let problem = bad.standing().problem.unwrap();
        assert!(problem.contains("certificate"), "{problem}");
    }
}

/// A folder that is missing, is no folder, or in which the file is something else: told, and well again once it is.
#[tokio::test]
async fn a_disk_that_cannot_be_written_heals() {
    let folder = tempfile::tempdir().unwrap();
    readable(folder.path());
    let dir = folder.path().join("state").join("requests");
    std::fs::write(folder.path().join("state"), "no folder").unwrap();
    let log = rows::sqlite(&dir, 7, u64::MAX);
    log.offer(Arc::new(sample::entry(1)));
    rows::until(|| log.standing(), |standing| standing.problem.is_some()).await;
    std::fs::remove_file(folder.path().join("state")).unwrap();
    rows::written(|| log.standing(), 1).await;
    assert_eq!(log.standing().problem, None);
    // Somebody removes it all while it is written to.
    std::fs::remove_dir_all(&dir).unwrap();
    log.offer(Arc::new(sample::entry(2)));
    rows::written(|| log.standing(), 2).await;
    assert_eq!(kept(&log).await, 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests-2026-11-30.db");
    std::fs::write(
        &file,
        "this is no database at all, however long it may be".repeat(200),
    )
    .unwrap();
    std::fs::write(folder.path().join("usage.db"), "nor is this".repeat(2_000)).unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    // Nor does it hide what others have.
    assert_eq!(kept(&log).await, 0);
    log.offer(Arc::new(sample::entry(1)));
    rows::written(|| log.standing(), 1).await;
    assert_eq!(kept(&log).await, 1);
    assert!(folder.path().join("requests-2026-11-30.broken").exists());
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_as_it_is_and_another_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests-2026-11-30.db");
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 2).unwrap();
    drop(newer);
    let before = std::fs::read(&file).unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    log.offer(Arc::new(sample::entry(1)));
    rows::written(|| log.standing(), 1).await;
    assert!(folder.path().join("requests-2026-11-30.1.db").exists());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(log.standing().problem, None);
}

#[tokio::test]
async fn one_row_that_sqlite_refuses_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    let endless = |seed| Entry {
        duration_us: u64::MAX,
        ..sample::entry(seed)
    };
    log.offer(Arc::new(endless(1)));
    rows::written(|| log.standing(), 1).await;
    // The sum of both is more than the column holds.
    log.offer(Arc::new(endless(1)));
    for seed in 2..100 {
        log.offer(Arc::new(Entry {
            key: Some(format!("other/{seed}").into()),
            ..sample::entry(seed)
        }));
    }
    rows::written(|| log.standing(), 100).await;
    let standing = log.standing();
    assert_eq!((standing.written, standing.refused), (99, 1));
    let all = Filter {
        scope: Scope::All,
        ..Filter::default()
    };
    let ask = Ask {
        limit: 500,
        after: None,
    };
    let page = log.search(&all, ask).await.unwrap();
    assert_eq!(page.entries.len(), 99);
}

#[tokio::test]
async fn a_full_disk_drops_and_counts_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    log.offer(Arc::new(sample::entry(0)));
    rows::written(|| log.standing(), 1).await;
    // A limit of SQLite's own stands for the disk's: both end in SQLITE_FULL.
    log.limit_pages(Some(40));
    let mut seed = 1;
    while log.standing().dropped == 0 {
        for _ in 0..1_000 {
            log.offer(Arc::new(sample::entry(seed)));
            seed += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(log.standing().problem.unwrap().contains("full"));
    log.limit_pages(None);
    rows::until(|| log.standing(), |standing| standing.waiting() == 0).await;
    let standing = log.standing();
    assert_eq!(standing.taken + standing.dropped, seed);
    assert_eq!(kept(&log).await, i64::try_from(standing.written).unwrap());
}
