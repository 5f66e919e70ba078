//! The load from a kept tool: `oha`, in a process of its own, and what it tells.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use crate::load::Outcome;

/// How much load there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amount {
    /// Connections that are kept busy.
    pub(crate) connections: usize,
    /// Requests a second, whether answers come or not; times are then told from when a request was due. Absent: as fast as answers come.
    pub(crate) rate: Option<f64>,
    /// For how long.
    pub(crate) length: Duration,
}

/// Whom to ask what.
pub(crate) struct Target<'a> {
    /// The whole address.
    pub(crate) url: &'a str,
    /// The file with the body.
    pub(crate) body: &'a Path,
    /// The key.
    pub(crate) key: &'a str,
    /// Headers beside those that every request has, as `name: value`.
    pub(crate) headers: &'a [String],
    /// The certificate to trust.
    pub(crate) certificate: &'a Path,
    /// The fewest bytes of an answer.
    pub(crate) least_bytes: u64,
}

/// What may come on top of the time that the load is to take.
const GRACE: Duration = Duration::from_secs(30);

/// The part of oha's JSON that is of use; times are in seconds, and `null` where there is nothing to tell.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    summary: Summary,
    latency_percentiles: BTreeMap<String, Option<f64>>,
    first_byte_percentiles: BTreeMap<String, Option<f64>>,
    status_code_distribution: BTreeMap<String, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total: f64,
    size_per_request: Option<u64>,
}

/// Asks for that long.
pub(crate) async fn drive(oha: &Path, target: &Target<'_>, amount: Amount) -> Result<Outcome> {
    let mut command = Command::new(oha);
    command
        .args([
            "--no-tui",
            "--output-format",
            "json",
            "--disable-compression",
        ])
        .args(["-m", "POST", "-T", "application/json", "-t", "20s", "-w"])
        .args(["-H", &format!("authorization: Bearer {}", target.key)])
        .arg("-D")
        .arg(target.body)
        .arg("--cacert")
        .arg(target.certificate)
        .args(["-c", &amount.connections.to_string()])
        .args(["-z", &format!("{}ms", amount.length.as_millis())]);
    for header in target.headers {
        command.args(["-H", header]);
    }
    if let Some(rate) = amount.rate {
        command.args(["-q", &rate.to_string(), "--latency-correction"]);
    }
    command
        .arg(target.url)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = timeout(amount.length + GRACE, command.output())
        .await
        .context("oha did not end")?
        .with_context(|| format!("{} does not start", oha.display()))?;
    ensure!(
        output.status.success(),
        "oha failed; what it said stands above"
    );
    let told: Told = serde_json::from_slice(&output.stdout).context("what oha says")?;
    told.outcome(target.least_bytes)
}

impl Told {
    fn outcome(self, least_bytes: u64) -> Result<Outcome> {
        let answers: u64 = self.status_code_distribution.values().sum();
        let requests = self.status_code_distribution.get("200").copied();
        let requests = requests.unwrap_or_default();
        let unanswered: u64 = self.error_distribution.values().sum();
        let bytes = self.summary.size_per_request.unwrap_or_default();
        ensure!(requests > 0, "no request was answered: {self:?}");
        ensure!(
            requests < answers || bytes >= least_bytes,
            "answers of {bytes} bytes are not what the upstream sends"
        );
        let mut times = BTreeMap::new();
        let series = [
            ("", &self.latency_percentiles),
            ("begin_", &self.first_byte_percentiles),
        ];
        for (name, percentiles) in series {
            for percent in ["p50", "p99"] {
                if let Some(Some(seconds)) = percentiles.get(percent) {
                    times.insert(format!("{name}{percent}"), seconds * 1e3);
                }
            }
        }
        Ok(Outcome {
            requests,
            errors: answers - requests + unanswered,
            seconds: self.summary.total,
            times,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(statuses: &str, errors: &str, bytes: u64) -> Result<Outcome> {
        // As oha 1.16.0 writes it, shortened.
        let text = format!(
            r#"{{"summary": {{"successRate": 1.0, "total": 2.0, "slowest": 0.01, "fastest": 0.0001, "average": 0.0005, "requestsPerSec": 50.0,
                "totalData": 80000, "sizePerRequest": {bytes}, "sizePerSec": 40000.0}},
            "metrics": {{"success_rate": 1.0, "requests_per_sec": 50.0, "latency_ms": {{"min": 0.1, "mean": 0.5, "p50": 0.4, "p95": 0.9, "p99": 2.0, "max": 10.0}}}},
            "responseTimeHistogram": {{"0.0001": 1, "0.01": 99}},
            "latencyPercentiles": {{"p10": 0.0001, "p50": 0.0004, "p99": 0.002, "p99.9": null}},
            "firstByteHistogram": {{}}, "firstBytePercentiles": {{"p50": 0.0003, "p99": null}},
            "rps": {{"mean": 50.0, "stddev": 1.0, "max": 60.0, "min": 40.0, "percentiles": {{"p50": 50.0}}}},
            "details": {{"DNSDialup": {{"average": 0.001, "fastest": 0.001, "slowest": 0.001}}}},
            "statusCodeDistribution": {statuses}, "errorDistribution": {errors}}}"#
        );
        serde_json::from_str::<Told>(&text)?.outcome(700)
    }

    #[test]
    fn times_are_told_in_milliseconds() {
        let outcome = told(r#"{"200": 100}"#, "{}", 800).expect("an outcome");
        assert_eq!((outcome.requests, outcome.errors), (100, 0));
        assert_eq!(outcome.seconds, 2.0);
        assert_eq!(outcome.times["p50"], 0.4);
        assert_eq!(outcome.times["p99"], 2.0);
        assert_eq!(outcome.times["begin_p50"], 0.3);
        assert!(!outcome.times.contains_key("begin_p99"));
    }

    #[test]
    fn what_is_no_200_and_what_has_no_answer_are_errors() {
        let errors = r#"{"connection closed before message completed": 2}"#;
        let outcome = told(r#"{"200": 90, "503": 10}"#, errors, 700).expect("an outcome");
        assert_eq!((outcome.requests, outcome.errors), (90, 12));
    }

    #[test]
    fn answers_that_are_too_short_are_no_outcome() {
        assert!(told(r#"{"200": 100}"#, "{}", 20).is_err());
        assert!(told("{}", r#"{"refused": 9}"#, 0).is_err());
    }
}
