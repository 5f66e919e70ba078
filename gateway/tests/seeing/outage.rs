//! The database of finished requests is switched off while requests go on: none of them notices, and nothing is missing afterwards but what is counted.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::results::{at_most, count};
use crate::harness::yaml::{caller, object};
use crate::harness::{Gateway, KEY, Setup, eventually, whole};
use crate::postgres::Cluster;

/// Requests a second, far from all that the gateway can do.
const RATE: u64 = 200;
/// What the slowest of a hundred may take beside what it takes while the database is there.
const MOST: f64 = 1.2;
/// On a machine that does other things the slowest of a hundred are those that something else has held up.
const TOLERANCE: f64 = 5.0;
/// How often the database goes.
const ROUNDS: usize = 3;

/// How long it is away each time, in seconds.
fn away() -> u64 {
    let in_full = std::env::var("FAIRLEAD_SEEING").is_ok_and(|amount| amount == "full");
    if in_full { 60 } else { 4 }
}

async fn gateway(cluster: &Cluster) -> Gateway {
    let simulated = object(
        "LLMProvider",
        "sim",
        "type: Simulated, models: [{name: chat}], simulated: {firstTokenLatency: 0s}",
    );
    Setup::new()
        .file("all.yaml", &(simulated + &caller()))
        .variable("FAIRLEAD_REQUEST_LOG_POSTGRES", &cluster.url())
        .start()
        .await
}

/// Asks so many times a second, whether answers come or not; milliseconds from when each was due to the end of its answer.
async fn asked(gateway: &Gateway, client: &Client, seconds: u64) -> Vec<f64> {
    let body: Arc<str> = whole("chat").to_string().into();
    let mut due = tokio::time::interval(Duration::from_secs(1) / u32::try_from(RATE).unwrap());
    let mut under_way = JoinSet::new();
    for _ in 0..RATE * seconds {
        let since = due.tick().await;
        let request = client
            .post(gateway.url("/v1/chat/completions"))
            .bearer_auth(KEY)
            .header("content-type", "application/json")
            .body(body.to_string());
        under_way.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
            Instant::now().duration_since(since).as_secs_f64() * 1e3
        });
    }
    under_way.join_all().await
}

fn percentile_99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// Entries that no store was told of.
async fn dropped(gateway: &Gateway) -> u64 {
    let metrics = gateway.metrics().await;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("fairlead_request_log_dropped_total{")
            || line.starts_with("fairlead_records_dropped_total ")
    });
    lines
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it measures, and needs PostgreSQL"]
async fn a_database_that_is_away_holds_up_no_request() {
    let cluster = Cluster::start();
    let gateway = gateway(&cluster).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let mut all = asked(&gateway, &client, 1).await.len();
    let (mut there, mut away_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        there.extend(asked(&gateway, &client, away()).await);
        cluster.stop();
        away_times.extend(asked(&gateway, &client, away()).await);
        cluster.begin();
    }
    all += there.len() + away_times.len();
    let (there, away) = (percentile_99(&mut there), percentile_99(&mut away_times));
    let name = "PostgreSQL switched off under 200 requests a second: the slowest of a hundred beside what it takes with it";
    let times = away / there;
    // The figure is told as it is; a busy machine is not a wrong gateway.
    let is_held = at_most(name, times, "times", MOST);
    assert!(
        is_held || times <= MOST * TOLERANCE,
        "{away} ms, {there} ms"
    );
    let missing = eventually("all that was not dropped", async || {
        let rows = cluster
            .number("SELECT count(*) FROM fairlead_requests")
            .await;
        let told = u64::try_from(rows).unwrap() + dropped(&gateway).await;
        Some(all.abs_diff(usize::try_from(told).unwrap())).filter(|missing| *missing == 0)
    })
    .await;
    let name = "the same: neither kept nor counted as dropped";
    assert!(at_most(name, count(missing), "requests", 0.0));
}
