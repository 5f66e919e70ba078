//! No key, no credential and no word of a request or an answer is in anything that is told: lines, logs, metrics, OTLP.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::harness::results::at_most;
use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually, whole};

/// The credential of every provider.
const CREDENTIAL: &str = "sk-provider-f00dfacef00dfacef00dface";
/// A word of what is asked, of what is answered, of an error of a provider's, of a header that is not listed.
const WORDS: [&str; 4] = ["zanzibar", "quokka", "xylophone", "marmalade"];
/// What nobody may keep, whatever is kept.
const PLANTED: [&str; 4] = [
    "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H",
    "jane.doe@mail.example.com",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
];
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
            let planted = PLANTED.join(" and ");
            let message = json!([{"role": "user", "content": format!("{} {planted}", WORDS[0])}]);
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

/// An answer that says a word and all secrets, a letter an event.
fn letter_by_letter() -> Play {
    let said = [&[WORDS[1], "."], &PLANTED[..]].concat().join(" ");
    let letters: Vec<String> = said.chars().map(String::from).collect();
    let words = Reply::words(letters.iter().map(String::as_str));
    words.usage(20, 5, 2).into()
}

/// What is kept of content is there to be read, by whoever may, and has no secret in it.
fn holds_words_and_no_secret(contents: &str) {
    assert!(contents.contains(WORDS[0]) && contents.contains(WORDS[1]));
    let secrets = PLANTED.iter().chain(&[KEY, CREDENTIAL]);
    let kept: Vec<_> = secrets.filter(|one| contents.contains(**one)).collect();
    assert!(kept.is_empty(), "{kept:?}: {contents}");
}

/// What is kept of the content of four requests that a rule took.
async fn contents(gateway: &Gateway) -> String {
    let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
    let ask = async |path: &str| {
        let asked = gateway.admin(path).bearer_auth(token.trim());
        Answer::to(asked).await.text()
    };
    eventually("what was written is kept", async || {
        let page: Value = serde_json::from_str(&ask("/requests?key=default/caller").await).ok()?;
        let mut all = Vec::new();
        for entry in page["entries"].as_array()? {
            let id = entry["id"].as_str()?;
            let text = ask(&format!("/requests/{id}/content")).await;
            if text.starts_with('{') {
                all.push(text);
            }
        }
        (all.len() == 4).then(|| all.concat())
    })
    .await
}

/// Rules that have everything kept, and whom they send to.
fn documents(bad: &Provider, short: &Provider, good: &Provider) -> String {
    [
        secret("shared", "credential", &format!("apiKey: {CREDENTIAL}")),
        with_credential("bad", bad),
        with_credential("short", short),
        with_credential("good", good),
        caller(),
        chain(
            "chat",
            &["bad", "short", "good"],
            "logging: {content: Full}",
        ),
        chain("broken", &["bad"], "logging: {content: Full}"),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make seeing runs it: it needs a collector"]
async fn nothing_that_is_told_holds_a_key_or_a_word() {
    let collector = Collector::start().await;
    let says = format!("{} refuses {CREDENTIAL}", WORDS[2]);
    let bad = Provider::always(Play::status_saying(500, &says)).await;
    let short = Provider::always(Play::status_saying(429, &says)).await;
    let good = Provider::always(letter_by_letter()).await;
    let documents = documents(&bad, &short, &good);
    let headers = format!("authorization=Bearer%20{COLLECTOR_KEY}");
    let mut gateway = Setup::new()
        .file("all.yaml", &documents)
        .arguments(&["--log-header", "x-app", "--log-content", "Full"])
        .arguments(&["--state-dir", "{}/state"])
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
    let contents = contents(&gateway).await;
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
    holds_words_and_no_secret(&contents);
    let mut secrets: Vec<&str> = WORDS.into();
    secrets.extend(PLANTED);
    secrets.extend([KEY, CREDENTIAL, COLLECTOR_KEY, "sk-stranger"]);
    let found: Vec<&str> = secrets
        .into_iter()
        .filter(|one| told.contains(one))
        .collect();
    let count = f64::from(u32::try_from(found.len()).unwrap());
    assert!(
        at_most("keys and words among all that is told", count, "of 12", 0.0),
        "{found:?}"
    );
}
