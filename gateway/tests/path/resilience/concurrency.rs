//! No more requests at a provider than it is to have, and what becomes of the others.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, eventually, serve, streamed, whole};

async fn gateway(a: &Provider, concurrency: &str) -> (Gateway, Provider) {
    let spare = Provider::always(Play::chat("Spare.")).await;
    let more = format!("retries: {{maxRetries: 0}}, concurrency: {{{concurrency}}}");
    let gateway = serve([
        provider("a", &a.base_url(), &more),
        provider("spare", &spare.base_url(), ""),
        caller(),
        chain("chat", &["a", "spare"], ""),
        chain("alone", &["a"], ""),
    ])
    .await;
    (gateway, spare)
}

async fn slow(millis: u64) -> Provider {
    Provider::always(Play::chat("A.").after(Duration::from_millis(millis))).await
}

async fn crowd(gateway: &Gateway, model: &str, size: usize) -> Vec<Answer> {
    let body = whole(model);
    join_all((0..size).map(|_| gateway.ask(&body))).await
}

fn count(answers: &[Answer], attempts: &str) -> usize {
    answers
        .iter()
        .filter(|answer| answer.attempts() == attempts)
        .count()
}

#[tokio::test]
async fn what_is_over_the_limit_waits_for_its_turn() {
    let a = slow(100).await;
    let (gateway, _spare) = gateway(&a, "maxInFlight: 2, queue: {wait: 20s}").await;
    let answers = crowd(&gateway, "chat", 10).await;
    assert_eq!(count(&answers, "a=ok"), 10);
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("fairlead_queue_seconds_count{provider=\"default/a\"} 8"),
        "{metrics}"
    );
    assert!(
        metrics.contains("fairlead_concurrency_limit{provider=\"default/a\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn who_has_waited_long_enough_goes_on_to_the_next_target() {
    let a = Provider::always(Play::silent()).await;
    let (gateway, spare) = gateway(&a, "maxInFlight: 1, queue: {wait: 100ms}").await;
    let (stuck, body) = (whole("alone"), whole("chat"));
    let stuck = gateway.ask(&stuck);
    let others = async {
        a.until(|a| a.requests() == 1).await;
        let answer = gateway.ask(&body).await;
        assert_eq!(answer.attempts(), "a=full, spare=ok");
    };
    tokio::select! {
        _ = stuck => panic!("it is silent"),
        () = others => {}
    }
    assert_eq!((a.requests(), spare.requests()), (1, 1));
}

#[tokio::test]
async fn a_line_that_is_full_is_not_joined() {
    let a = slow(1_000).await;
    let (gateway, _spare) = gateway(&a, "maxInFlight: 1, queue: {length: 3, wait: 20s}").await;
    let answers = crowd(&gateway, "chat", 10).await;
    assert_eq!(
        (count(&answers, "a=ok"), count(&answers, "a=full, spare=ok")),
        (4, 6)
    );
}

#[tokio::test]
async fn overflow_goes_to_the_next_target_or_is_refused_at_once() {
    let a = slow(1_000).await;
    let (fallback, _spare) = gateway(&a, "maxInFlight: 3, overflow: Fallback").await;
    let answers = crowd(&fallback, "chat", 10).await;
    assert_eq!(
        (count(&answers, "a=ok"), count(&answers, "a=full, spare=ok")),
        (3, 7)
    );
    let (reject, spare) = gateway(&a, "maxInFlight: 3, overflow: Reject").await;
    let answers = crowd(&reject, "chat", 10).await;
    assert_eq!(
        (count(&answers, "a=ok"), count(&answers, "a=rejected")),
        (3, 7)
    );
    assert_eq!(spare.requests(), 0);
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(
        (
            refused.status,
            refused.code().as_str(),
            refused.header("retry-after")
        ),
        (503, "overloaded", "1"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_stream_counts_until_it_ends_and_a_caller_that_hangs_up_leaves() {
    let a = Provider::always(Play::words(["One", " two"]).hang_after(2)).await;
    let (gateway, _spare) = gateway(&a, "maxInFlight: 1, overflow: Fallback").await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(crate::harness::KEY)
        .body(streamed("alone").to_string());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        gateway.ask(&whole("chat")).await.attempts(),
        "a=full, spare=ok"
    );
    drop(response);
    eventually("its place is free", async || {
        let metrics = gateway.metrics().await;
        metrics
            .contains("fairlead_in_flight{provider=\"default/a\"} 0")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_adaptive_limit_shrinks_when_the_provider_pushes_back() {
    let a = Provider::start(|seen| match seen.header("user-agent") {
        Some("push") => Play::status(529),
        _ => Play::chat("A."),
    })
    .await;
    let (gateway, _spare) = gateway(&a, "maxInFlight: 64, adaptive: true").await;
    let limit = async || {
        let metrics = gateway.metrics().await;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("fairlead_concurrency_limit{provider=\"default/a\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
            .unwrap()
    };
    assert_eq!(limit().await, 64);
    let push = gateway
        .post("/v1/chat/completions")
        .bearer_auth(crate::harness::KEY);
    Answer::to(
        push.header("user-agent", "push")
            .body(whole("chat").to_string()),
    )
    .await;
    assert_eq!(limit().await, 32);
    for _ in 0..40 {
        gateway.ask(&whole("alone")).await;
    }
    assert!((33..=34).contains(&limit().await), "{}", limit().await);
}
