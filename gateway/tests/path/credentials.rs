//! The credentials that providers are sent, and that nobody else may see.

use std::collections::BTreeMap;

use fairlead_faults::{Play, Provider, Shape};
use serde_json::json;

use crate::harness::yaml::{ONCE, caller, chain, provider, secret};
use crate::harness::{Gateway, serve, streamed, whole};

const SECRET: &str = "sk-upstream-1-that-nobody-may-see";
const OTHER: &str = "sk-upstream-2-that-nobody-may-see";

fn secrets() -> String {
    [
        secret("one", "credential", &format!("apiKey: {SECRET}")),
        secret("two", "credential", &format!("token: {OTHER}")),
    ]
    .concat()
}

/// A provider with one credential, and a spare one without any.
async fn gateway(a: &Provider, spare: &Provider) -> Gateway {
    let credential = &format!("credentials: [{{name: main, secretRef: {{name: one}}}}], {ONCE}");
    let rules = [
        chain("chat", &["a", "spare"], ""),
        chain("alone", &["a"], ""),
    ]
    .concat();
    serve([
        provider("a", &a.base_url(), credential),
        provider("spare", &spare.base_url(), ""),
        secrets(),
        caller(),
        rules,
    ])
    .await
}

#[tokio::test]
async fn weighted_credentials_are_sent_by_their_weights() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let credentials = "credentials: [{name: one, weight: 3, secretRef: {name: one}}, {name: two, weight: 1, secretRef: {name: two, key: token}}, {name: off, weight: 0, secretRef: {name: one}}]";
    let gateway = serve([
        provider("a", &a.base_url(), credentials),
        secrets(),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await;
    for _ in 0..200 {
        assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    }
    let mut sent: BTreeMap<String, i32> = BTreeMap::new();
    for seen in a.seen() {
        *sent
            .entry(seen.header("authorization").unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    let count = |secret: &str| {
        sent.get(&format!("Bearer {secret}"))
            .copied()
            .unwrap_or_default()
    };
    assert!(
        (count(SECRET) - 150).abs() <= 2 && count(SECRET) + count(OTHER) == 200,
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_credential_serves_only_its_models() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let credentials = "credentials: [{name: one, models: [\"gpt-*\"], secretRef: {name: one}}, {name: two, models: [o1], secretRef: {name: two, key: token}}]";
    let gateway = serve([
        provider("a", &a.base_url(), credentials),
        secrets(),
        caller(),
    ])
    .await;
    for model in ["a/gpt-4o", "a/o1", "a/gpt-4.1", "a/o1"] {
        assert_eq!(gateway.ask(&whole(model)).await.status, 200, "{model}");
    }
    let sent: Vec<_> = a
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(
        sent,
        [SECRET, OTHER, SECRET, OTHER].map(|secret| format!("Bearer {secret}"))
    );
    let answer = gateway.ask(&whole("a/unlisted")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "no_healthy_target")
    );
    assert_eq!(a.requests(), 4);
}

#[tokio::test]
async fn a_credential_is_not_sent_to_the_fallback() {
    let (a, spare) = (
        Provider::always(Play::status(500)).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let gateway = gateway(&a, &spare).await;
    assert_eq!(
        gateway.ask(&whole("chat")).await.attempts(),
        "a=server_error, spare=ok"
    );
    assert_eq!(
        a.seen()[0].header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert_eq!(spare.seen()[0].header("authorization"), None);
    assert!(!String::from_utf8_lossy(&spare.seen()[0].head).contains(SECRET));
}

#[tokio::test]
async fn a_refused_credential_is_not_the_callers_business() {
    let (a, spare) = (
        Provider::start(|_| Play::error(Shape::OpenAi, 401)).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let gateway = gateway(&a, &spare).await;
    for (body, attempts) in [
        (whole("alone"), "a=bad_credential"),
        (streamed("alone"), "a=benched"),
    ] {
        let answer = gateway.ask(&body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "provider_credential"),
            "{}",
            answer.text()
        );
        assert!(
            !answer.text().contains("Incorrect API key"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.attempts(), attempts);
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    assert_eq!(
        gateway.ask(&whole("chat")).await.attempts(),
        "a=bad_credential, spare=ok"
    );
    assert_eq!(a.requests(), 2, "once for each model");
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_is_cut_out() {
    let repeats = |status| {
        Play::json(
            status,
            &json!({"error": {"message": format!("no luck with {SECRET}, {SECRET}"), "type": "server_error", "code": "content_filter"}}),
        )
    };
    let spare = Provider::always(Play::chat("Hello.")).await;
    for status in [400, 500, 200] {
        let a = Provider::always(repeats(status)).await;
        let gateway = gateway(&a, &spare).await;
        for body in [whole("alone"), streamed("alone")] {
            let answer = gateway.ask(&body).await;
            assert!(
                answer.status >= 400 && answer.message() == "no luck with [redacted], [redacted]",
                "{status}: {}",
                answer.text()
            );
        }
        let log = [gateway.out.so_far(), gateway.err.so_far()]
            .concat()
            .join("\n");
        assert!(!log.contains(SECRET), "{log}");
    }
}

#[tokio::test]
async fn a_credential_that_is_repeated_inside_a_stream_is_cut_out() {
    let content = r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#;
    let error =
        format!(r#"{{"error":{{"message":"no luck with {SECRET}","code":"content_filter"}}}}"#);
    let a = Provider::start(move |_| Play::events([content, &error])).await;
    let spare = Provider::always(Play::chat("Hello.")).await;
    let answer = gateway(&a, &spare).await.ask(&streamed("chat")).await;
    assert!(
        answer.text().contains("no luck with [redacted]"),
        "{}",
        answer.text()
    );
}

/// The secret as some JSON libraries may write it.
fn escaped() -> String {
    SECRET.replacen("sk-", "\\u0073k\\u002d", 1)
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_in_escapes_is_cut_out() {
    let escaped = escaped();
    let error = format!(
        r#"{{"error":{{"message":"no \"luck\" with {escaped}","code":"content_filter"}}}}"#
    );
    let content = r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#;
    let spare = Provider::always(Play::chat("Hello.")).await;
    let json = [("content-type", "application/json")];
    for status in [400, 500, 200] {
        let a = Provider::always(Play::answer(status, &json, error.clone())).await;
        let gateway = gateway(&a, &spare).await;
        for body in [whole("alone"), streamed("alone")] {
            let answer = gateway.ask(&body).await;
            assert_eq!(answer.message(), "no \"luck\" with [redacted]", "{status}");
            assert!(!answer.text().contains(&escaped[12..]), "{}", answer.text());
        }
    }
    let a = Provider::start(move |_| Play::events([content, &error])).await;
    let answer = gateway(&a, &spare).await.ask(&streamed("chat")).await;
    assert!(
        answer.text().contains("with [redacted]") && !answer.text().contains("u0073"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_in_a_success_is_cut_out() {
    let spare = Provider::always(Play::chat("Hello.")).await;
    let echo = format!("you sent {SECRET}");
    let play = Play::chat(&echo).header("x-request-id", &format!("req-{SECRET}"));
    let a = Provider::always(play).await;
    let answer = gateway(&a, &spare).await.ask(&whole("chat")).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains("you sent [redacted]"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("x-request-id"), "");
    let chunk = format!(
        r#"{{"choices":[{{"index":0,"delta":{{"content":"you sent {SECRET}"}},"finish_reason":"stop"}}]}}"#
    );
    let a = Provider::start(move |_| Play::events([&*chunk, "[DONE]"])).await;
    let answer = gateway(&a, &spare).await.ask(&streamed("chat")).await;
    assert!(
        answer.text().contains("you sent [redacted]") && !answer.text().contains(SECRET),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_credential_without_its_secret_harms_only_its_provider() {
    let (a, spare) = (
        Provider::always(Play::chat("Hello.")).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let credential = "credentials: [{name: main, secretRef: {name: missing}}]";
    let rules = [
        chain("chat", &["a", "spare"], ""),
        chain("alone", &["a"], ""),
    ]
    .concat();
    let gateway = serve([
        provider("a", &a.base_url(), credential),
        provider("spare", &spare.base_url(), ""),
        caller(),
        rules,
    ])
    .await;
    assert_eq!(
        gateway.ask(&whole("chat")).await.attempts(),
        "a=unavailable, spare=ok"
    );
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "no_healthy_target")
    );
    assert_eq!(a.requests(), 0);
}

#[tokio::test]
async fn a_secret_for_another_use_is_not_sent() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let credential = "credentials: [{name: main, secretRef: {name: caller-key}}]";
    let gateway = serve([
        provider("a", &a.base_url(), credential),
        caller(),
        chain("alone", &["a"], ""),
    ])
    .await;
    assert_eq!(
        gateway.ask(&whole("alone")).await.code(),
        "no_healthy_target"
    );
    assert_eq!(a.requests(), 0);
}
