//! No key, no credential and no word of a request or an answer is in anything that is told: lines, logs, metrics, OTLP.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::json;

use crate::collector::Collector;
use crate::harness::results::at_most;
use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually, whole};

/// The credential of every provider.
const CREDENTIAL: &str = "sk-provider-f00dfacef00dfacef00dface";
/// A word of what is asked, of what is answered, of an error of a provider's, of a header that is not listed.
const WORDS: [&str; 4] = ["zanzibar", "quokka", "xylophone", "marmalade"];
/// What authorizes exports.
const COLLECTOR_KEY: &str = "collector-9a8b7c6d5e4f";

fn with_credential(name: &str, at: &Provider) -> String {
    let credentials = "credentials: [{name: primary, secretRef: {name: shared}}], retries: {maxRetries: 1, backoff: {initial: 1ms, max: 1ms}}";
    provider(name, &at.base_url(), credentials)
}

/// What is answered, what fails, what nobody knows, and a stranger.
async fn ask_in_every_way(gateway: &Gateway) {
    for stream in [false, true] {
        for model in ["chat", "broken", "unknown"] {
            let message = json!([{"role": "user", "content": WORDS[0]}]);
            let body = json!({"model": model, "messages": message, "stream": stream});
            let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
            let request = request
                .header("x-app", "search")
                .header("x-other", WORDS[3]);
            Answer::to(request.body(body.to_string())).await;
        }
    }
    gateway
        .ask_as("sk-stranger-0123456789abcdef", &whole("chat"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it needs a collector"]
async fn nothing_that_is_told_holds_a_key_or_a_word() {
    let collector = Collector::start().await;
    let says = format!("{} refuses {CREDENTIAL}", WORDS[2]);
    let bad = Provider::always(Play::status_saying(500, &says)).await;
    let short = Provider::always(Play::status_saying(429, &says)).await;
    let good = Provider::always(Reply::words([WORDS[1], "."]).usage(20, 5, 2).into()).await;
    let documents = [
        secret("shared", "credential", &format!("apiKey: {CREDENTIAL}")),
        with_credential("bad", &bad),
        with_credential("short", &short),
        with_credential("good", &good),
        caller(),
        chain("chat", &["bad", "short", "good"], ""),
        chain("broken", &["bad"], ""),
    ];
    let headers = format!("authorization=Bearer%20{COLLECTOR_KEY}");
    let mut gateway = Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--log-header", "x-app"])
        .variable("RUST_LOG", "debug")
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
        .variable("OTEL_EXPORTER_OTLP_HEADERS", &headers)
        .variable("OTEL_LOGS_EXPORTER", "otlp")
        .variable("OTEL_TRACES_SAMPLER", "always_on")
        .variable("OTEL_METRIC_EXPORT_INTERVAL", "500")
        .start()
        .await;
    ask_in_every_way(&gateway).await;
    let metrics = gateway.metrics().await;
    eventually("spans, records and metrics", async || {
        let all = collector.spans().len() >= 14 && collector.records().len() == 7;
        (all && !collector.metrics().is_empty()).then_some(())
    })
    .await;
    gateway.signal("INT").await;
    gateway.end().await;
    let told = [
        gateway.out.so_far().join("\n"),
        gateway.err.so_far().join("\n"),
        metrics,
        collector.text(),
    ]
    .concat();
    assert!(
        told.contains("primary") && told.contains("search"),
        "the names are there"
    );
    let mut secrets: Vec<&str> = WORDS.into();
    secrets.extend([KEY, CREDENTIAL, COLLECTOR_KEY, "sk-stranger"]);
    let found: Vec<&str> = secrets
        .into_iter()
        .filter(|one| told.contains(one))
        .collect();
    let count = f64::from(u32::try_from(found.len()).unwrap());
    assert!(
        at_most("keys and words among all that is told", count, "of 8", 0.0),
        "{found:?}"
    );
}
