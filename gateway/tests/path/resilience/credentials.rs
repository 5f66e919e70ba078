//! Credentials that rest or are benched, and others that are sent in their place.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::json;

use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{Gateway, serve, whole};

const CREDENTIALS: &str = "credentials: [{name: one, weight: 1000, secretRef: {name: one}}, {name: two, weight: 1, secretRef: {name: two}}]";

/// What a provider says to the first credential; it answers the second.
async fn refusing(play: Play) -> Provider {
    Provider::start(move |seen: &Seen| match seen.header("authorization") {
        Some("Bearer value-one") => play.clone(),
        _ => Play::chat("A."),
    })
    .await
}

async fn gateway(a: &Provider, credentials: &str) -> Gateway {
    let spare = Provider::always(Play::chat("Spare.")).await;
    let secrets =
        ["one", "two"].map(|name| secret(name, "credential", &format!("apiKey: value-{name}")));
    serve([
        provider("a", &a.base_url(), credentials),
        provider("spare", &spare.base_url(), ""),
        secrets.concat(),
        caller(),
        chain("alone", &["a"], ""),
        chain("forbidden", &["a"], ""),
    ])
    .await
}

fn throttled(seconds: &str) -> Play {
    let error = json!({"error": {"message": "Slow down.", "type": "requests", "param": null, "code": "rate_limit_exceeded"}});
    Play::json(429, &error).header("retry-after", seconds)
}

fn by_first(a: &Provider) -> usize {
    a.count(|seen| seen.header("authorization") == Some("Bearer value-one"))
}

#[tokio::test]
async fn another_credential_is_sent_where_one_is_throttled_or_refused() {
    for (play, class) in [
        (throttled("50"), "rate_limited"),
        (Play::status(401), "bad_credential"),
    ] {
        let a = refusing(play).await;
        let gateway = gateway(&a, CREDENTIALS).await;
        let answer = gateway.ask(&whole("alone")).await;
        assert_eq!(answer.attempts(), format!("a={class}, a=ok"));
        for _ in 0..20 {
            assert_eq!(gateway.ask(&whole("alone")).await.attempts(), "a=ok");
        }
        assert_eq!(by_first(&a), 1, "it is left alone");
    }
}

#[tokio::test]
async fn where_all_rest_the_caller_is_told_when_to_come_back() {
    let a = Provider::always(throttled("50")).await;
    let gateway = gateway(&a, CREDENTIALS).await;
    let first = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (first.status, first.attempts()),
        (429, "a=rate_limited, a=rate_limited")
    );
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.attempts()),
        (429, "rate_limited", "a=resting"),
        "{}",
        answer.text()
    );
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((30..=50).contains(&seconds), "{seconds}");
    assert_eq!(a.requests(), 2);
}

#[tokio::test]
async fn a_short_rest_is_waited_for_where_nobody_else_is_left() {
    let a = super::in_turn([throttled("2"), Play::chat("A.")]).await;
    let once = format!("{CREDENTIALS}, retries: {{maxRetries: 0}}")
        .replace(", {name: two, weight: 1, secretRef: {name: two}}", "");
    let gateway = gateway(&a, &once).await;
    assert_eq!(gateway.ask(&whole("alone")).await.status, 429);
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=resting, a=ok"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_renewed_credential_is_sent_at_once() {
    let a = refusing(Play::status(401)).await;
    let once = CREDENTIALS.replace(", {name: two, weight: 1, secretRef: {name: two}}", "");
    let gateway = gateway(&a, &once).await;
    assert_eq!(
        gateway.ask(&whole("alone")).await.attempts(),
        "a=bad_credential"
    );
    assert_eq!(gateway.ask(&whole("alone")).await.attempts(), "a=benched");
    let documents = [
        provider("a", &a.base_url(), &once),
        secret("one", "credential", "apiKey: value-renewed"),
        caller(),
        chain("alone", &["a"], ""),
    ];
    gateway.edit("all.yaml", &documents.concat()).await;
    assert_eq!(gateway.ask(&whole("alone")).await.attempts(), "a=ok");
}

#[tokio::test]
async fn a_model_that_the_account_does_not_have_stops_no_other() {
    let a = Provider::start(|seen| match seen.model().as_str() {
        "forbidden" => Play::status(401),
        _ => Play::chat("A."),
    })
    .await;
    let gateway = gateway(&a, CREDENTIALS).await;
    for attempts in ["a=bad_credential, a=bad_credential", "a=benched"] {
        let answer = gateway.ask(&whole("forbidden")).await;
        assert_eq!(answer.status, 502);
        assert_eq!(answer.attempts(), attempts);
        assert_eq!(gateway.ask(&whole("alone")).await.attempts(), "a=ok");
    }
    let metrics = gateway.metrics().await;
    let line = "fairlead_credential_state{provider=\"default/a\",model=\"forbidden\",credential=\"two\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}
