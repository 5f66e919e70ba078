//! Targets that are left alone because they fail, and how they come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::yaml::{caller, chain, provider, rule};
use crate::harness::{Gateway, Setup, eventually, whole};

const PROBE: Duration = Duration::from_millis(500);
const HEALTH: &str =
    "retries: {maxRetries: 0}, health: {consecutiveFailures: 3, probeInterval: 500ms, rampUp: 1s}";

/// A provider that can be broken and mended, and one that is always well.
struct Stage {
    gateway: Gateway,
    a: Provider,
    spare: Provider,
    broken: Arc<AtomicBool>,
}

impl Stage {
    async fn set(failure: Play) -> Self {
        Self::set_with(failure, HEALTH).await
    }

    async fn set_with(failure: Play, health: &str) -> Self {
        let broken = Arc::new(AtomicBool::new(true));
        let is_broken = Arc::clone(&broken);
        let a = Provider::start(move |seen| {
            if is_broken.load(Ordering::SeqCst) && seen.model() != "well" {
                failure.clone()
            } else {
                Play::chat("A.")
            }
        })
        .await;
        let spare = Provider::always(Play::chat("Spare.")).await;
        let documents = [
            provider("a", &a.base_url(), health),
            provider("spare", &spare.base_url(), ""),
            caller(),
            chain("chat", &["a", "spare"], ""),
            chain("well", &["a", "spare"], ""),
            chain("alone", &["a"], ""),
        ];
        let gateway = Setup::new()
            .file("all.yaml", &documents.concat())
            .arguments(&["--state-dir", "{}/state"])
            .start()
            .await;
        Self {
            gateway,
            a,
            spare,
            broken,
        }
    }

    async fn attempts(&self, model: &str) -> String {
        self.gateway.ask(&whole(model)).await.attempts().to_owned()
    }

    /// `GET /health` of the provider `a`.
    async fn health(&self) -> Value {
        let path = self.gateway.setup.path("state/admin-token");
        let token = std::fs::read_to_string(path).unwrap();
        let asked = self.gateway.admin("/health").bearer_auth(token.trim());
        let all: Value = asked.send().await.unwrap().json().await.unwrap();
        all["providers"]["default/a"].clone()
    }
}

#[tokio::test]
async fn a_target_that_fails_in_a_row_is_left_alone_and_every_request_is_answered() {
    let stage = Stage::set(Play::status(503)).await;
    for _ in 0..3 {
        assert_eq!(stage.attempts("chat").await, "a=overloaded, spare=ok");
    }
    let began = Instant::now();
    let mut probes = 0;
    while began.elapsed() < 4 * PROBE {
        let attempts = stage.attempts("chat").await;
        match attempts.as_str() {
            "a=unhealthy, spare=ok" => {}
            "a=overloaded, spare=ok" => probes += 1,
            _ => panic!("{attempts}"),
        }
    }
    // Four intervals and what the machine took beyond: no probe comes before its time.
    let most = began.elapsed().as_millis() / PROBE.as_millis();
    assert!(
        (1..=most).contains(&probes),
        "{probes} probes, at most {most}"
    );
    assert!(stage.spare.requests() > 10);
}

#[tokio::test]
async fn it_comes_back_by_one_probe_and_a_ramp() {
    let stage = Stage::set(Play::reset()).await;
    for _ in 0..3 {
        stage.attempts("chat").await;
    }
    stage.broken.store(false, Ordering::SeqCst);
    let seen = stage.a.requests();
    eventually("one request has found out", async || {
        (stage.attempts("chat").await == "a=ok").then_some(())
    })
    .await;
    assert_eq!(stage.a.requests(), seen + 1);
    let mut ramping = 0;
    eventually("the ramp is over", async || {
        let attempts = stage.attempts("chat").await;
        assert!(
            ["a=ramping, spare=ok", "a=ok"].contains(&attempts.as_str()),
            "{attempts}"
        );
        ramping += usize::from(attempts != "a=ok");
        let health = stage.health().await;
        (health["models"]["chat"]["state"] == "closed").then_some(())
    })
    .await;
    assert!(ramping > 0, "its share grows, and is not all at once");
    assert_eq!(stage.attempts("chat").await, "a=ok");
}

#[tokio::test]
async fn one_model_that_fails_leaves_the_others_alone() {
    let stage = Stage::set(Play::status(500)).await;
    for _ in 0..4 {
        stage.attempts("chat").await;
    }
    assert_eq!(stage.attempts("chat").await, "a=unhealthy, spare=ok");
    assert_eq!(stage.attempts("well").await, "a=ok");
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_left_alone_for_every_model() {
    let stage = Stage::set(Play::status(500)).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", nobody.local_addr().unwrap());
    drop(nobody);
    let documents = [
        provider("a", &url, HEALTH),
        provider("spare", &stage.spare.base_url(), ""),
        caller(),
        chain("chat", &["a", "spare"], ""),
        chain("well", &["a", "spare"], ""),
    ];
    stage.gateway.edit("all.yaml", &documents.concat()).await;
    for _ in 0..3 {
        assert_eq!(stage.attempts("chat").await, "a=connect, spare=ok");
    }
    assert_eq!(stage.attempts("well").await, "a=unhealthy, spare=ok");
}

#[tokio::test]
async fn what_is_known_outlives_an_edit_of_the_configuration() {
    let stage = Stage::set(Play::status(500)).await;
    for _ in 0..3 {
        stage.attempts("chat").await;
    }
    let documents = [
        provider("a", &stage.a.base_url(), &HEALTH.replace("500ms", "1h")),
        provider("spare", &stage.spare.base_url(), ""),
        caller(),
        chain("chat", &["a", "spare"], "priority: 7"),
    ];
    stage.gateway.edit("all.yaml", &documents.concat()).await;
    eventually("its next probe is an hour away", async || {
        let attempts = stage.attempts("chat").await;
        let for_ms = stage.health().await["models"]["chat"]["forMs"].as_u64();
        (attempts == "a=unhealthy, spare=ok" && for_ms > Some(1_000_000)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fallback_for_certain_failures_goes_on_while_the_target_is_left_alone() {
    for failure in ["statusCodes: [529]", "classes: [Overloaded]"] {
        let play = Play::answer(529, &[("content-type", "text/html")], "<h1>Busy</h1>");
        let stage = Stage::set_with(play, &HEALTH.replace("500ms", "1h")).await;
        let target = |name: &str| format!("{{name: {name}, providerRef: {{name: {name}}}");
        let spec = format!(
            "match: {{models: [picky]}}, targets: [{}}}], fallbacks: [{}, onFailure: {{{failure}}}}}]",
            target("a"),
            target("spare")
        );
        stage.gateway.edit("more.yaml", &rule("picky", &spec)).await;
        for _ in 0..3 {
            assert_eq!(stage.attempts("picky").await, "a=overloaded, spare=ok");
        }
        assert_eq!(stage.attempts("picky").await, "a=unhealthy, spare=ok");
    }
}

#[tokio::test]
async fn where_nobody_else_is_left_the_caller_is_told_when_to_come_back() {
    let stage = Stage::set_with(
        Play::status(500),
        "retries: {maxRetries: 0}, health: {consecutiveFailures: 2, probeInterval: 1h}",
    )
    .await;
    for _ in 0..2 {
        assert_eq!(stage.gateway.ask(&whole("alone")).await.status, 500);
    }
    let answer = stage.gateway.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.attempts()),
        (503, "no_healthy_target", "a=unhealthy"),
        "{}",
        answer.text()
    );
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("x-should-retry"), "true");
    assert_eq!(stage.a.requests(), 2);
}

#[tokio::test]
async fn callers_mistakes_and_throttling_open_no_breaker() {
    for (status, class) in [
        (400, "bad_request"),
        (429, "rate_limited"),
        (404, "unavailable"),
    ] {
        let stage = Stage::set(Play::status(status)).await;
        for _ in 0..10 {
            let attempts = stage.attempts("alone").await;
            assert_eq!(attempts, format!("a={class}"));
        }
        assert_eq!(stage.health().await["models"]["alone"]["state"], "closed");
    }
}

#[tokio::test]
async fn a_breaker_is_told_of_in_metrics_and_at_the_admin_port() {
    let stage = Stage::set_with(
        Play::status(503),
        "retries: {maxRetries: 0}, health: {consecutiveFailures: 2, probeInterval: 1h}",
    )
    .await;
    for _ in 0..3 {
        stage.attempts("chat").await;
    }
    let metrics = stage.gateway.metrics().await;
    for line in [
        "fairlead_breaker_state{provider=\"default/a\",model=\"\"} 0",
        "fairlead_breaker_state{provider=\"default/a\",model=\"chat\"} 1",
        "fairlead_targets_skipped_total{provider=\"default/a\",target=\"a\",outcome=\"unhealthy\"} 1",
        "fairlead_attempts_total{provider=\"default/a\",target=\"a\",outcome=\"overloaded\"} 2",
        "fairlead_fallbacks_total{provider=\"default/spare\",after=\"overloaded\"} 2",
        "fairlead_fallbacks_total{provider=\"default/spare\",after=\"unhealthy\"} 1",
        "fairlead_in_flight{provider=\"default/a\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let health = stage.health().await;
    let model = &health["models"]["chat"];
    assert_eq!(
        (
            &model["state"],
            &model["lastFailure"],
            &health["connections"]["state"]
        ),
        (&"open".into(), &"overloaded".into(), &"closed".into()),
        "{health}"
    );
    let stranger = stage.gateway.admin("/health").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}
