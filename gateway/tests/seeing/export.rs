//! What reaches a collector of requests, and of a gateway that ends.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::Value;

use crate::collector::{Collector, attribute};
use crate::harness::results::{at_least, count};
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually, streamed};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A gateway that exports everything to a collector: a provider that is short of what it may be asked, then one that answers.
pub(crate) async fn exporting(collector: &Collector, bad: &Provider, good: &Provider) -> Gateway {
    let documents = [
        provider("bad", &bad.base_url(), ""),
        provider("good", &good.base_url(), ""),
        caller(),
        chain("chat", &["bad", "good"], ""),
    ];
    Setup::new()
        .file("all.yaml", &documents.concat())
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
        .variable("OTEL_LOGS_EXPORTER", "otlp")
        .variable("OTEL_TRACES_SAMPLER", "parentbased_always_on")
        .variable("OTEL_METRIC_EXPORT_INTERVAL", "500")
        .variable("OTEL_SERVICE_NAME", "llm")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it needs a collector"]
async fn a_collector_takes_spans_records_and_metrics() {
    let collector = Collector::start().await;
    let bad = Provider::always(Play::status(429)).await;
    let good = Provider::always(Reply::words(["Hello", "."]).usage(20, 5, 2).into()).await;
    let gateway = exporting(&collector, &bad, &good).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("traceparent", CALLER);
    let answer = Answer::to(request.body(streamed("chat").to_string())).await;
    let spans = eventually("three spans", async || {
        Some(collector.spans()).filter(|spans| spans.len() == 3)
    })
    .await;
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let server = named("POST /v1/chat/completions");
    assert_eq!(server["traceId"], CALLER[3..35]);
    assert_eq!(server["parentSpanId"], CALLER[36..52]);
    let id = answer.header("x-fairlead-request-id");
    assert_eq!(attribute(server, "fairlead.request.id").unwrap(), &id);
    let models = server["attributes"].to_string();
    assert!(!models.contains("gen_ai."), "{models}");
    let attempts: Vec<&Value> = spans
        .iter()
        .filter(|span| span["name"] == "chat chat")
        .collect();
    assert_eq!(attempts.len(), 2);
    assert!(
        attempts
            .iter()
            .all(|span| span["parentSpanId"] == server["spanId"])
    );
    let answered = attempts
        .iter()
        .find(|span| attribute(span, "fairlead.outcome").unwrap() == "ok");
    let tokens = attribute(answered.unwrap(), "gen_ai.usage.input_tokens").unwrap();
    assert_eq!(tokens, "20");
    let record = eventually("a record", async || collector.records().into_iter().next()).await;
    assert_eq!(record["traceId"], server["traceId"]);
    assert_eq!(record["spanId"], server["spanId"]);
    let wanted = [
        "gen_ai.server.request.duration",
        "gen_ai.client.token.usage",
        "fairlead_requests",
        "fairlead_otlp_exported",
    ];
    eventually("metrics", async || {
        let metrics = collector.metrics();
        let has = |name: &&str| metrics.iter().any(|metric| metric["name"] == **name);
        wanted.iter().all(has).then_some(())
    })
    .await;
    let service = collector.handed("/v1/traces")[0]["resourceSpans"][0]["resource"].to_string();
    assert!(service.contains("\"llm\""), "{service}");
    at_least(
        "spans that reach a collector, of three",
        count(spans.len()),
        "spans",
        3.0,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it needs a collector"]
async fn what_was_served_last_reaches_the_collector_before_the_end() {
    let collector = Collector::start().await;
    let bad = Provider::always(Play::status(429)).await;
    let good = Provider::always(Play::chat("A.")).await;
    let mut gateway = exporting(&collector, &bad, &good).await;
    for _ in 0..20 {
        assert_eq!(gateway.ask(&streamed("chat")).await.status, 200);
    }
    gateway.signal("INT").await;
    assert!(gateway.end().await.success());
    // The gateway is gone: what is still to come the collector has.
    let spans = eventually("the last spans are handed on", async || {
        let spans = collector.spans().len();
        (spans >= 60).then_some(spans)
    })
    .await;
    at_least(
        "spans of the last twenty requests at the end",
        count(spans),
        "spans",
        60.0,
    );
}
