//! Hedging: a second target beside a silent first one; the first to bring content wins, and the other is dropped.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Gateway, serve, streamed, whole};

const ALWAYS: &str = "hedge: {delay: 100ms, maxPercent: 100}";
const NO_RETRIES: &str = "retries: {maxRetries: 0}";

async fn gateway(a: &Provider, b: &Provider, rule: &str) -> Gateway {
    serve([
        provider("a", &a.base_url(), NO_RETRIES),
        provider("b", &b.base_url(), NO_RETRIES),
        caller(),
        chain("chat", &["a", "b"], rule),
    ])
    .await
}

async fn slow(millis: u64, text: &str) -> Provider {
    Provider::always(Play::chat(text).after(Duration::from_millis(millis))).await
}

#[tokio::test]
async fn the_second_answers_where_the_first_is_silent() {
    for body in [whole("chat"), streamed("chat")] {
        for silence in [Play::silent(), Play::silent_after_head()] {
            let (a, b) = (Provider::always(silence).await, slow(0, "B.").await);
            let gateway = gateway(&a, &b, ALWAYS).await;
            let answer = gateway.ask(&body).await;
            assert_eq!(
                (answer.content().as_str(), answer.attempts()),
                ("B.", "a=hedged, b=ok")
            );
            assert_eq!(answer.header("x-fairlead-provider"), "default/b");
            a.until(|a| a.abandoned() == a.requests()).await;
            let metrics = gateway.metrics().await;
            assert!(
                metrics.contains("fairlead_hedges_total{outcome=\"won\"} 1"),
                "{metrics}"
            );
            let line = gateway.access(|line| line["status"] == 200).await;
            let lost = |at: usize| line["attempts"][at]["lost_input_tokens"].clone();
            assert_eq!((lost(0), lost(1)), (json!(10), Value::Null), "{line}");
            assert_eq!(line["gen_ai.usage.input_tokens"], 10, "the winner's own");
            let metered = metrics.lines().any(|line| {
                line.starts_with("gen_ai_client_token_usage_sum")
                    && line.contains("default/a")
                    && line.ends_with(" 10.0")
            });
            assert!(metered, "{metrics}");
        }
    }
}

#[tokio::test]
async fn the_second_is_dropped_where_the_first_is_quicker() {
    let (a, b) = (
        slow(400, "A.").await,
        Provider::always(Play::silent()).await,
    );
    let gateway = gateway(&a, &b, ALWAYS).await;
    for body in [whole("chat"), streamed("chat")] {
        let answer = gateway.ask(&body).await;
        assert_eq!(
            (answer.content().as_str(), answer.attempts()),
            ("A.", "b=hedged, a=ok")
        );
    }
    b.until(|b| b.abandoned() == b.requests()).await;
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("fairlead_hedges_total{outcome=\"lost\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn nobody_else_is_asked_where_the_first_is_quick() {
    let (a, b) = (slow(0, "A.").await, slow(0, "B.").await);
    let gateway = gateway(&a, &b, "hedge: {delay: 5s, maxPercent: 100}").await;
    for _ in 0..20 {
        let answer = gateway.ask(&whole("chat")).await;
        assert_eq!(
            (answer.content().as_str(), answer.attempts()),
            ("A.", "a=ok")
        );
    }
    assert_eq!(b.requests(), 0);
}

#[tokio::test]
async fn if_one_fails_the_other_answers() {
    let failing = async |millis| {
        Provider::always(Play::status(500).after(Duration::from_millis(millis))).await
    };
    let (a, b) = (failing(300).await, slow(400, "B.").await);
    let answer = gateway(&a, &b, ALWAYS).await.ask(&whole("chat")).await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("B.", "a=server_error, b=ok")
    );
    let (a, b) = (slow(500, "A.").await, failing(0).await);
    let answer = gateway(&a, &b, ALWAYS).await.ask(&whole("chat")).await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("A.", "b=server_error, a=ok")
    );
    let (a, b) = (failing(300).await, failing(0).await);
    let answer = gateway(&a, &b, ALWAYS).await.ask(&whole("chat")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (500, "a=server_error, b=server_error")
    );
}

#[tokio::test]
async fn no_more_than_its_share_of_requests_is_hedged() {
    let (a, b) = (
        slow(300, "A.").await,
        Provider::always(Play::silent()).await,
    );
    let gateway = gateway(&a, &b, "hedge: {delay: 50ms, maxPercent: 10}").await;
    let body = whole("chat");
    let answers = futures_util::stream::iter(0..100)
        .map(|_| gateway.ask(&body))
        .buffer_unordered(50)
        .collect::<Vec<_>>()
        .await;
    assert!(answers.iter().all(|answer| answer.content() == "A."));
    assert!((1..=10).contains(&b.requests()), "{}", b.requests());
}

#[tokio::test]
async fn a_fallback_for_certain_failures_is_no_second() {
    let (a, b) = (slow(300, "A.").await, slow(0, "B.").await);
    let rule = crate::harness::yaml::rule(
        "chat",
        "match: {models: [chat]}, targets: [{name: a, providerRef: {name: a}}], hedge: {delay: 50ms, maxPercent: 100}, \
         fallbacks: [{name: b, providerRef: {name: b}, onFailure: {classes: [RateLimited]}}]",
    );
    let gateway = serve([
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), ""),
        caller(),
        rule,
    ])
    .await;
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts(), b.requests()),
        ("A.", "a=ok", 0)
    );
}

#[tokio::test]
async fn without_a_delay_the_first_may_be_silent_as_long_as_usual() {
    const KNOWN: usize = 30;
    let a = Provider::start(|seen| {
        let usual = Play::chat("A.").after(Duration::from_millis(20));
        if seen.sequence < KNOWN {
            usual
        } else {
            Play::silent()
        }
    })
    .await;
    let b = slow(0, "B.").await;
    let gateway = gateway(&a, &b, "hedge: {maxPercent: 100}").await;
    for asked in 0..KNOWN {
        let answer = gateway.ask(&streamed("chat")).await;
        assert!(
            asked >= 20 || answer.attempts() == "a=ok",
            "too few are known"
        );
    }
    let answer = gateway.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("B.", "a=hedged, b=ok")
    );
    // Whole answers have times of their own, and none are known.
    let patience = Duration::from_millis(500);
    let whole = whole("chat");
    assert!(
        tokio::time::timeout(patience, gateway.ask(&whole))
            .await
            .is_err(),
        "nobody knows what is usual"
    );
}

#[tokio::test]
async fn a_stream_that_is_held_wins_when_it_is_whole() {
    let words = Play::words(["a"; 20]).every(Duration::from_millis(50));
    let (a, b) = (Provider::always(words).await, slow(0, "B.").await);
    let rule = "stream: {commit: Complete}, hedge: {delay: 100ms, maxPercent: 100}";
    let answer = gateway(&a, &b, rule).await.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("B.", "a=hedged, b=ok")
    );
}
