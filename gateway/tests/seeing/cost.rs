//! What seeing costs: CPU of a gateway with its access log on and one trace in a hundred exported, beside one of which nothing is told but metrics.
//!
//! Both serve in one process tree at the same time, by turns, so that whatever else the machine does meets both alike.

use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;

use crate::collector::Collector;
use crate::harness::results::at_most;
use crate::harness::yaml::{caller, object};
use crate::harness::{Gateway, KEY, Setup, whole};

/// What it may cost, in microseconds a request.
const MOST: f64 = 1.5;
/// On a machine that does other things the difference of two measurements may be more.
const TOLERANCE: f64 = 10.0;
/// How often each takes its turn.
const ROUNDS: usize = 7;
/// How long a turn is.
const TURN: Duration = Duration::from_secs(3);
/// How many callers there are.
const CALLERS: usize = 8;

async fn gateway(variables: &[(&str, &str)], arguments: &[&str]) -> Gateway {
    let simulated = object(
        "LLMProvider",
        "sim",
        "type: Simulated, models: [{name: chat}], simulated: {firstTokenLatency: 0s}",
    );
    let setup = Setup::new()
        .file("all.yaml", &(simulated + &caller()))
        .arguments(&["--cores", "1"])
        .arguments(arguments);
    let setup = variables
        .iter()
        .fold(setup, |setup, (name, value)| setup.variable(name, value));
    setup.start().await
}

/// User and system time of a process so far (proc_pid_stat(5), fields 14 and 15), in ticks of ten milliseconds.
fn ticks(gateway: &Gateway) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", gateway.id())).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    [11, 12]
        .iter()
        .map(|at| fields[*at].parse::<u64>().unwrap())
        .sum()
}

/// Microseconds of CPU for each request of a turn.
async fn turn(gateway: &Gateway, client: &Client) -> f64 {
    let (before, end) = (ticks(gateway), Instant::now() + TURN);
    let call = async || {
        let mut count = 0_u32;
        while Instant::now() < end {
            let request = client
                .post(gateway.url("/v1/chat/completions"))
                .bearer_auth(KEY);
            let request = request.header("content-type", "application/json");
            let answer = request
                .body(whole("chat").to_string())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
            count += 1;
        }
        count
    };
    let counts = futures_util::future::join_all((0..CALLERS).map(|_| call())).await;
    let requests: u32 = counts.iter().sum();
    // What is told of the last of them is still on its way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let spent = u32::try_from(ticks(gateway) - before).unwrap();
    f64::from(spent) * 10_000.0 / f64::from(requests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it measures"]
async fn seeing_costs_little() {
    let collector = Collector::start().await;
    let seen = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let (on, off) = (
        gateway(&seen, &[]).await,
        gateway(&[], &["--access-log", "off"]).await,
    );
    let client = Client::builder().no_proxy().build().unwrap();
    for gateway in [&on, &off] {
        turn(gateway, &client).await;
    }
    let mut more = Vec::new();
    for _ in 0..ROUNDS {
        let (on, off) = (turn(&on, &client).await, turn(&off, &client).await);
        more.push(on - off);
    }
    more.sort_by(f64::total_cmp);
    let median = more[ROUNDS / 2];
    let name = "CPU for the access log and 1 % of traces, median of the rounds";
    // The figure is told as it is; a busy machine is not a wrong gateway.
    let is_held = at_most(name, median, "us a request", MOST);
    assert!(is_held || median <= MOST * TOLERANCE, "{more:?}");
}
