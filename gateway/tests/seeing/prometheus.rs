//! A real Prometheus over a real gateway: every panel of the dashboard and every alert of the chart asks for something that is there.

use std::process::Stdio;
use std::time::Duration;

use fairlead_faults::{Play, Provider, Reply};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::harness::results::{at_least, at_most, count};
use crate::harness::yaml::{ONCE, chain, key, object, provider};
use crate::harness::{Gateway, KEY, Setup, streamed, whole};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/fairlead");
/// How often is looked for what is not there yet.
const TRIES: usize = 60;
/// What a panel says for the window of a rate.
const WINDOW: &str = "$__rate_interval";

/// A gateway at which everything happens that is shown: retries, fallbacks, hedges, skipped targets, waiting, open breakers, spend, limits.
async fn eventful() -> (Gateway, Vec<Provider>) {
    let good = Provider::always(Reply::words(["Hello", ",", "."]).usage(20, 5, 9).into()).await;
    let short = Provider::always(Play::status(429)).await;
    let failing = Provider::always(Play::status(500)).await;
    let silent = Provider::always(Play::silent()).await;
    let slow = Provider::always(Play::chat("A.").after(Duration::from_millis(300))).await;
    let price = r#"price: {inputPerMillion: "1000", outputPerMillion: "10000"}"#;
    let quick = "retries: {maxRetries: 1, backoff: {initial: 1ms, max: 1ms}}, health: {consecutiveFailures: 3}";
    let line = "concurrency: {maxInFlight: 1, queue: {wait: 20s}}";
    let budget = r#"budgets: [{name: month, amount: "1000", period: Monthly}]"#;
    // Whoever has a budget is sent only where it is known what that costs.
    let priced = |name: &str, at: &Provider, more: &str| {
        provider(name, &at.base_url(), &format!("{price}, {more}"))
    };
    let documents = [
        provider("good", &good.base_url(), price),
        priced("short", &short, ONCE),
        priced("failing", &failing, quick),
        priced("silent", &silent, ONCE),
        priced("slow", &slow, line),
        object("Team", "search", budget),
        key("caller", KEY, "teamRef: {name: search}"),
        chain("short", &["short", "good"], ""),
        chain("failing", &["failing", "good"], ""),
        chain(
            "hedged",
            &["silent", "good"],
            "hedge: {delay: 50ms, maxPercent: 100}",
        ),
        chain("slow", &["slow"], ""),
        chain("broken", &["failing"], ""),
    ];
    // With a request log and content, which tell of themselves, and a copy of the audit that finds no database.
    let gateway = Setup::new()
        .arguments(&["--state-dir", "{}/state", "--audit-file", "{}/audit.jsonl"])
        .arguments(&["--audit-postgres-file", "{}/config/nowhere.url"])
        .arguments(&["--log-content", "Full"])
        .file("nowhere.url", "postgresql://nobody@127.0.0.1:1/nothing")
        .file("all.yaml", &documents.concat())
        .start()
        .await;
    (gateway, vec![good, short, failing, silent, slow])
}

/// Has everything happen once more.
async fn events(gateway: &Gateway) {
    let models = ["short", "failing", "hedged", "broken", "unknown"];
    for model in models {
        gateway.ask(&streamed(model)).await;
        gateway.ask(&whole(model)).await;
    }
    let slow = whole("slow");
    tokio::join!(gateway.ask(&slow), gateway.ask(&slow));
}

struct Prometheus {
    url: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
    _child: Child,
}

impl Prometheus {
    /// One that scrapes a gateway twice a second.
    fn over(gateway: &Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yaml");
        let target = gateway.admin;
        let text = format!(
            "global: {{scrape_interval: 500ms}}\nscrape_configs:\n- job_name: fairlead\n  static_configs: [{{targets: [\"{target}\"]}}]\n"
        );
        std::fs::write(&file, text).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus is missing; apt-get install prometheus");
        Self {
            url: format!("http://{address}/api/v1/query"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            _folder: folder,
            _child: child,
        }
    }

    /// The values of a query that are numbers; `None` while there is no answer.
    async fn values(&self, query: &str) -> Option<Vec<f64>> {
        let form = format!("query={}", encoded(query));
        let request = self.client.post(&self.url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        assert!(status.is_success() || status == 503, "{query}: {body}");
        let series = body["data"]["result"].as_array()?.iter();
        let values = series.filter_map(|one| one["value"][1].as_str()?.parse().ok());
        Some(values.filter(|value: &f64| value.is_finite()).collect())
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The queries of the dashboard, by panel.
fn panels() -> Vec<(String, String)> {
    let text = std::fs::read(format!("{CHART}/files/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&text).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().unwrap().to_owned();
            let query = target["expr"].as_str().unwrap().replace(WINDOW, "10s");
            queries.push((title, query.replace("$provider", ".*")));
        }
    }
    queries
}

/// What alerts look at, without what they compare it with: while all is well there would be nothing.
fn alerts() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(format!("{CHART}/files/alerts.yaml")).unwrap();
    let mut name = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(alert) = line.strip_prefix("- alert: ") {
            alert.clone_into(&mut name);
        } else if let Some(query) = line.strip_prefix("expr: ") {
            let (looked_at, _) = query.rsplit_once([' ']).unwrap();
            let looked_at = looked_at.trim_end_matches([' ', '>', '<', '=', '!']);
            let windows = ["[5m]", "[10m]", "[15m]", "[30m]", "[1h]"];
            let looked_at = windows.iter().fold(looked_at.to_owned(), |query, window| {
                query.replace(window, "[10s]")
            });
            // There is no yesterday yet.
            found.push((name.clone(), looked_at.replace(" offset 1d", "")));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it needs a Prometheus"]
async fn every_panel_and_every_alert_asks_for_something_that_is_there() {
    let (gateway, _providers) = eventful().await;
    let prometheus = Prometheus::over(&gateway);
    let queries = [panels(), alerts()].concat();
    assert!(panels().len() >= 20 && alerts().len() >= 10);
    let mut left = queries.clone();
    for _ in 0..TRIES {
        events(&gateway).await;
        let mut empty = Vec::new();
        for (title, query) in left {
            let values = prometheus.values(&query).await;
            if values.is_none_or(|values| values.is_empty()) {
                empty.push((title, query));
            }
        }
        left = empty;
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let answered = count(queries.len() - left.len());
    let all = at_least(
        "queries of panels and alerts that found something",
        answered,
        "queries",
        count(queries.len()),
    );
    assert!(all, "{left:#?}");
}

#[tokio::test]
#[ignore = "make seeing runs it: it needs promtool"]
async fn prometheus_takes_the_alerts() {
    let rules = format!("{CHART}/files/alerts.yaml");
    let checked = Command::new("promtool")
        .args(["check", "rules", &rules])
        .output()
        .await;
    let checked = checked.expect("promtool is missing; apt-get install prometheus");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let good = checked.status.success();
    at_most(
        "alerts that Prometheus does not take",
        if good { 0.0 } else { 1.0 },
        "files",
        0.0,
    );
    assert!(good, "{said}{}", String::from_utf8_lossy(&checked.stderr));
}
