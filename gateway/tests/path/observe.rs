//! What can be seen of a request: its access line, its metrics, its headers, its trace.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::json;

use crate::harness::yaml::{caller, provider, rule};
use crate::harness::{Answer, Gateway, KEY, serve, streamed, whole};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn gateway(bad: &Provider, a: &Provider) -> Gateway {
    let target =
        |name: &str| format!("{{name: {name}, providerRef: {{name: {name}}}, model: fast}}");
    let chat = rule(
        "chat",
        &format!(
            "match: {{models: [chat]}}, targets: [{}], fallbacks: [{}]",
            target("bad"),
            target("a")
        ),
    );
    serve([
        provider("bad", &bad.base_url(), ""),
        provider("a", &a.base_url(), ""),
        caller(),
        chat,
    ])
    .await
}

async fn providers() -> (Provider, Provider) {
    let reply = Reply::words(["Hello", "."]).usage(20, 5, 2);
    (
        Provider::always(Play::status(429)).await,
        Provider::always(reply.into()).await,
    )
}

#[tokio::test]
async fn a_request_has_one_access_line_that_says_it_all() {
    let (bad, a) = providers().await;
    let gateway = gateway(&bad, &a).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("traceparent", TRACE);
    let answer = Answer::to(request.body(streamed("chat").to_string())).await;
    let line = gateway.access(|line| line["status"] == 200).await;
    let expected = json!({
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "gen_ai.operation.name": "chat", "stream": true, "key": "default/caller",
        "gen_ai.request.model": "chat", "rule": "default/chat", "provider": "default/a", "gen_ai.response.model": "fast", "status": 200,
        "complete": true, "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.cache_read.input_tokens": 5,
        "request_id": answer.header("x-fairlead-request-id"),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&line[name], value, "{name}: {line}");
    }
    let outcomes: Vec<_> = line["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["rate_limited", "ok"]);
    let number = |name: &str| line[name].as_f64().unwrap();
    assert!(
        number("duration_ms") >= number("first_token_ms") && number("first_token_ms") > 0.0,
        "{line}"
    );
    assert_eq!(gateway.out.count(), 1);
}

#[tokio::test]
async fn a_refused_request_has_an_access_line_too() {
    let (bad, a) = providers().await;
    let gateway = gateway(&bad, &a).await;
    gateway
        .ask_as("sk-wrong-0123456789abcdef", &whole("chat"))
        .await;
    let line = gateway.access(|line| line["status"] == 401).await;
    assert_eq!(
        (&line["error.type"], &line["complete"], &line["key"]),
        (&json!("invalid_key"), &json!(false), &json!(null)),
        "{line}"
    );
}

#[tokio::test]
async fn an_answer_says_who_gave_it() {
    let (bad, a) = providers().await;
    let gateway = gateway(&bad, &a).await;
    for body in [whole("chat"), streamed("chat")] {
        let answer = gateway.ask(&body).await;
        let header = |name: &str| answer.header(&format!("x-fairlead-{name}"));
        assert_eq!(
            [
                header("provider"),
                header("model"),
                header("rule"),
                header("attempts")
            ],
            [
                "default/a",
                "fast",
                "default/chat",
                "bad=rate_limited, a=ok"
            ]
        );
        assert_eq!(header("request-id").len(), 16);
    }
}

#[tokio::test]
async fn a_trace_is_passed_on() {
    let (bad, a) = providers().await;
    let gateway = gateway(&bad, &a).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("traceparent", TRACE)
        .header("tracestate", "vendor=1");
    assert_eq!(
        Answer::to(request.body(whole("chat").to_string()))
            .await
            .status,
        200
    );
    for provider in [&bad, &a] {
        let seen = &provider.seen()[0];
        assert_eq!(
            (seen.header("traceparent"), seen.header("tracestate")),
            (Some(TRACE), Some("vendor=1"))
        );
    }
}

/// The value of the first sample of that name which has these labels.
fn sample(metrics: &str, name: &str, labels: &[&str]) -> String {
    let wanted =
        |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
    let value = metrics
        .lines()
        .find(wanted)
        .and_then(|line| line.rsplit(' ').next());
    value
        .unwrap_or_else(|| panic!("no {name} {labels:?} in\n{metrics}"))
        .to_owned()
}

#[tokio::test]
async fn requests_attempts_tokens_and_refusals_are_counted() {
    let (bad, a) = providers().await;
    let gateway = gateway(&bad, &a).await;
    assert!(gateway.ask(&streamed("chat")).await.done());
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(gateway.ask(&whole("nope")).await.status, 404);
    // An access line is written when its request has been counted.
    gateway.out.until_count(3).await;
    let metrics = gateway.metrics().await;
    let chat = [
        "operation_name=\"chat\"",
        "request_model=\"chat\"",
        "fairlead_provider=\"default/a\"",
    ];
    let expected: [(&str, &[&str], &str); 8] = [
        ("gen_ai_server_request_duration_seconds_count", &chat, "2"),
        (
            "gen_ai_server_time_to_first_token_seconds_count",
            &chat,
            "1",
        ),
        (
            "gen_ai_client_token_usage_sum",
            &["token_type=\"input\""],
            "40.0",
        ),
        (
            "gen_ai_client_token_usage_sum",
            &["token_type=\"output\""],
            "4.0",
        ),
        (
            "fairlead_attempts_total",
            &["target=\"bad\"", "outcome=\"rate_limited\""],
            "2",
        ),
        (
            "fairlead_attempts_total",
            &["target=\"a\"", "outcome=\"ok\""],
            "2",
        ),
        (
            "fairlead_rejections_total",
            &["code=\"unknown_model\""],
            "1",
        ),
        ("fairlead_config_generation", &[], "1"),
    ];
    for (name, labels, value) in expected {
        assert_eq!(sample(&metrics, name, labels), value, "{name} {labels:?}");
    }
    assert!(metrics.ends_with("# EOF\n") && !metrics.contains(KEY));
}
