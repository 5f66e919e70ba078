//! What the gateway decides by is what the provider gets: a body has one reading, or it is refused.

use serde_json::{Value, json};

use crate::harness::yaml::{caller, key, object, rule};
use crate::harness::{Answer, Gateway, KEY, serve, whole};

const SMALL: &str = "sk-small-0123456789abcdef0123456789a";

fn simulated(name: &str) -> String {
    object(
        "LLMProvider",
        name,
        "type: Simulated, access: {namespaces: {from: All}}",
    )
}

/// A rule that sends what it takes to the provider of its name.
fn to(name: &str, more: &str) -> String {
    rule(
        name,
        &format!("targets: [{{name: {name}, providerRef: {{name: {name}}}}}], {more}"),
    )
}

/// Requests with tools stay on the premises; all others may go to the public provider.
async fn compliant(condition: &str) -> Gateway {
    let documents = [
        simulated("onprem"),
        simulated("public"),
        caller(),
        to(
            "onprem",
            &format!("precedence: Override, match: {{when: '{condition}'}}"),
        ),
        to("public", ""),
    ];
    serve(documents).await
}

async fn send(gateway: &Gateway, body: &str) -> Answer {
    let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
    Answer::to(request.body(body.to_owned())).await
}

#[tokio::test]
async fn what_cannot_be_read_does_not_pass_an_override_by() {
    let gateway = compliant("has(request.params.tools)").await;
    for tools in [
        r#"[{"description":"\ud800"}]"#,
        r#"[{"maximum":1e999}]"#,
        r#"[{"a":1,"a":2}]"#,
        r#""\udc00""#,
    ] {
        let body = format!(r#"{{"model":"any","messages":[],"tools":{tools}}}"#);
        let answer = send(&gateway, &body).await;
        let rule = answer.header("x-fairlead-rule");
        assert_eq!((answer.status, rule), (200, "default/onprem"), "{tools}");
    }
    let gateway = compliant(r#"request.params.user == "insider""#).await;
    for user in [r#""insider\ud800""#, "1e999"] {
        let body = format!(r#"{{"model":"any","messages":[],"user":{user}}}"#);
        let answer = send(&gateway, &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "rule_error"),
            "{user}: {}",
            answer.text()
        );
    }
    let bystander = send(
        &gateway,
        r#"{"model":"any","messages":[{"role":"user","content":"\ud83d"}],"user":"x"}"#,
    )
    .await;
    assert_eq!(
        (bystander.status, bystander.header("x-fairlead-rule")),
        (200, "default/public"),
        "half an emoji in a message is not the gateway's business"
    );
    let streams =
        r#"{"model":"any","stream":true,"messages":[{"role":"user","content":"\ud83d"}]}"#;
    let bystander = send(&gateway, streams).await;
    assert!(
        bystander.text().ends_with("data: [DONE]\n\n"),
        "{}",
        bystander.text()
    );
}

#[tokio::test]
async fn a_parameter_in_other_letters_does_not_pass_an_override_by() {
    let gateway = compliant("has(request.params.metadata)").await;
    let answer = send(
        &gateway,
        r#"{"model":"any","messages":[],"Metadata":{"pii":true}}"#,
    )
    .await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "rule_error"));
}

#[tokio::test]
async fn a_model_in_other_letters_is_refused() {
    let allowed = "allow: {models: [small]}";
    let gateway = serve([
        simulated("public"),
        key("small", SMALL, allowed),
        to("public", ""),
    ])
    .await;
    for member in [
        r#""Model":"big-1""#,
        r#""MODEL":"big-1""#,
        r#""mod\u0045l":"big-1""#,
        r#""model\u0000":"big-1""#,
    ] {
        let body = format!(r#"{{"model":"small","messages":[],{member}}}"#);
        let request = gateway.post("/v1/chat/completions").bearer_auth(SMALL);
        let answer = Answer::to(request.body(body)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{member}: {}",
            answer.text()
        );
        assert!(answer.message().contains("\"model\""), "{}", answer.text());
    }
    let fine = gateway.ask_as(SMALL, &whole("small")).await;
    assert_eq!(fine.status, 200, "{}", fine.text());
}

#[tokio::test]
async fn a_header_that_is_no_text_does_not_pass_an_override_by() {
    let gateway = compliant(r#"request.headers["x-data"].contains("pii")"#).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("x-data", &b"pii\xff"[..]);
    let answer = Answer::to(request.body(whole("any").to_string())).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "rule_error"));
}

#[tokio::test]
async fn a_condition_that_fails_is_counted() {
    let gateway = serve([
        simulated("hot"),
        simulated("public"),
        caller(),
        to(
            "hot",
            "priority: 1, match: {when: 'request.params.temperature > 1.0'}",
        ),
        to("public", "priority: 2"),
    ])
    .await;
    let mut warm = whole("any");
    warm["temperature"] = json!(0.5);
    for body in [whole("any"), warm, whole("any")] {
        let answer = gateway.ask(&body).await;
        assert_eq!(answer.header("x-fairlead-rule"), "default/public");
    }
    for _ in 0..2 {
        let metrics = gateway.metrics().await;
        let line = "fairlead_condition_errors_total{rule=\"default/hot\"} 2";
        assert!(metrics.lines().any(|each| each == line), "{metrics}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_parameter_costs_what_its_bytes_cost_whatever_conditions_ask() {
    let asks = "request.headers[\"x-tier\"] == \"gold\" || (has(request.params.metadata) && request.params.metadata[0].a == 1)";
    let gateway = serve([
        simulated("hot"),
        simulated("public"),
        caller(),
        to("hot", &format!("priority: 1, match: {{when: '{asks}'}}")),
        to("public", "priority: 2"),
    ])
    .await;
    assert_eq!(gateway.ask(&whole("any")).await.status, 200);
    let before = gateway.most_resident();
    let mut body: Value = whole("any");
    body["metadata"] = json!("here");
    let many = format!("[{}{{\"a\":0}}]", "{\"a\":0},".repeat(30 * 1024 * 1024 / 8));
    let body = body.to_string().replace("\"here\"", &many);
    let answer = send(&gateway, &body).await;
    let rule = answer.header("x-fairlead-rule");
    assert_eq!((answer.status, rule), (200, "default/public"));
    // The body, once or twice while it is put together and copied for a provider of this process: as a tree it was 2.7 GB.
    let more = (gateway.most_resident() - before) / (1024 * 1024);
    assert!(more < 200, "{more} MiB more for a body of 30 MiB");
}
