//! How much is kept in what time, and how quickly it is found.

use std::sync::Arc;
use std::time::Duration;

use fairlead_record::{Ask, Filter, Outcome, RequestLog, Ring, Scope, Standing, UsageAsk, sample};
use tokio::time::Instant;

use crate::postgres::Cluster;
use crate::results::{Figure, in_full, record};
use crate::rows::{self, NOW};

/// What is offered each second.
const A_SECOND: u64 = 2_000;

fn seconds() -> u64 {
    if in_full() { 60 } else { 5 }
}

/// Offers at an even pace; says how many.
async fn evenly(offer: impl Fn(u64)) -> u64 {
    let mut turn = tokio::time::interval(Duration::from_millis(5));
    let count = seconds() * A_SECOND;
    for portion in 0..count / 10 {
        turn.tick().await;
        (0..10).for_each(|at| offer(portion * 10 + at));
    }
    count
}

async fn kept_without_loss(
    name: &str,
    log: &dyn RequestLog,
    offer: impl Fn(u64),
    standing: impl Fn() -> Standing,
) {
    let count = evenly(offer).await;
    rows::until(&standing, |standing| standing.waiting() == 0).await;
    let ask = UsageAsk {
        scope: Scope::All,
        ..UsageAsk::default()
    };
    let summed = log.usage(&ask).await.unwrap()[0].sums.requests;
    record(&[
        Figure::exactly(
            &format!(
                "lost of {A_SECOND} requests a second for {} s, {name}",
                seconds()
            ),
            (count - standing().written) as f64,
            "requests",
            0.0,
        ),
        Figure::exactly(
            &format!("missing in sums over these, {name}"),
            (count.cast_signed() - summed) as f64,
            "requests",
            0.0,
        ),
    ]);
}

#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn sqlite_keeps_two_thousand_requests_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    let offer = |seed| {
        log.offer(Arc::new(sample::at(
            seed,
            sample::BEGIN_US + seed.cast_signed(),
        )));
    };
    kept_without_loss("SQLite", &log, offer, || log.standing()).await;
}

#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn postgresql_keeps_two_thousand_requests_a_second() {
    let cluster = Cluster::start();
    let log = cluster.log(7, NOW);
    let offer = |seed| {
        log.offer(Arc::new(sample::at(
            seed,
            sample::BEGIN_US + seed.cast_signed(),
        )));
    };
    kept_without_loss("PostgreSQL", &log, offer, || log.standing()).await;
}

/// Fills a log as quickly as it takes it.
async fn fill(count: u64, offer: impl Fn(u64), standing: impl Fn() -> Standing) {
    for seed in 0..count {
        offer(seed);
        if seed % 1_000 == 999 {
            rows::until(&standing, |standing| standing.waiting() < 4_000).await;
        }
    }
    rows::until(&standing, |standing| standing.waiting() == 0).await;
    assert_eq!(standing().written, count);
}

/// The median of five.
async fn time(log: &dyn RequestLog, filter: &Filter, least: usize) -> f64 {
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let page = log.search(filter, Ask::default()).await.unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(page.entries.len() >= least, "{filter:?}");
    }
    times.sort_by(f64::total_cmp);
    times[2]
}

/// By key and day, by what went wrong, and by what no index helps with and nothing is like, so that every row is looked at.
async fn found_quickly(name: &str, log: &dyn RequestLog, count: u64, most: f64) {
    let all = || Filter {
        scope: Scope::All,
        from_unix_us: Some(sample::BEGIN_US),
        to_unix_us: Some(sample::BEGIN_US + 86_400_000_000),
        ..Filter::default()
    };
    let key = Filter {
        key: Some("shop/key7".into()),
        ..all()
    };
    let failed = Filter {
        outcome: Some(Outcome::Failed),
        key: Some("ads/key1".into()),
        ..all()
    };
    let lead = Filter {
        scope: Scope::Namespaces(vec!["search".into()]),
        model: Some("chat".into()),
        ..all()
    };
    let dear = Filter {
        min_cost_nanos: Some(i64::MAX),
        ..all()
    };
    let mut figures = Vec::new();
    for (what, filter, least) in [
        ("of a key and a day", key, 50),
        ("failed of a key and a day", failed, 1),
        ("of a namespace and a model", lead, 50),
        ("every row looked at", dear, 0),
    ] {
        let took = time(log, &filter, least).await;
        let figure = format!("page {what}, of {count} rows, {name}");
        // A million rows one by one is for who waits; all else is for who looks on.
        let most = if least == 0 && count > 100_000 {
            5_000.0
        } else {
            most
        };
        figures.push(Figure::at_most(&figure, took, "ms", most));
    }
    record(&figures);
}

fn spread(seed: u64, count: u64) -> i64 {
    sample::BEGIN_US + (86_000_000_000 / count * seed).cast_signed()
}

async fn in_sqlite(count: u64, most: f64) {
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 7, u64::MAX);
    let offer = |seed| log.offer(Arc::new(sample::at(seed, spread(seed, count))));
    fill(count, offer, || log.standing()).await;
    found_quickly("SQLite", &log, count, most).await;
}

async fn in_postgresql(count: u64, most: f64) {
    let cluster = Cluster::start();
    let log = cluster.log(7, NOW);
    let offer = |seed| log.offer(Arc::new(sample::at(seed, spread(seed, count))));
    fill(count, offer, || log.standing()).await;
    cluster.say("ANALYZE").await;
    found_quickly("PostgreSQL", &log, count, most).await;
}

#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn a_hundred_thousand_rows_are_filtered_while_one_looks_on() {
    in_sqlite(100_000, 300.0).await;
    in_postgresql(100_000, 300.0).await;
}

#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn of_a_million_rows_a_page_is_found_by_key_and_day() {
    if in_full() {
        in_sqlite(1_000_000, 200.0).await;
        in_postgresql(1_000_000, 200.0).await;
    }
}

#[tokio::test]
#[ignore = "measures; `make seeing`"]
async fn the_ring_is_searched_whole_in_a_moment() {
    let ring = Ring::default();
    for seed in 0..10_000 {
        ring.push(Arc::new(sample::entry(seed)));
    }
    let nothing = Filter {
        scope: Scope::All,
        text: Some("nowhere".into()),
        ..Filter::default()
    };
    let took = time(&ring, &nothing, 0).await;
    record(&[Figure::at_most(
        "text in 10,000 rows in memory",
        took,
        "ms",
        100.0,
    )]);
}
