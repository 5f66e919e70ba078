//! A provider that fails, and a fallback that answers: 200 requests for each way to fail, whole and streamed.

use fairlead_faults::{Framing, Play, Provider, Refusing, Seen, Step};
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Gateway, results, serve, streamed, whole};

const REQUESTS: usize = 200;
const AT_ONCE: usize = 20;
/// Rules under which a silent provider is given up after 200 ms.
const IMPATIENT: &str = "timeouts: {firstToken: 200ms, firstByte: 200ms}";

/// What the failing provider does is asked for by the name of the model.
fn fail(seen: &Seen) -> Play {
    match seen.model().as_str() {
        "reset" => Play::reset(),
        "close" => Play::close(),
        "silent" => Play::silent(),
        "silent-after-head" => Play::silent_after_head(),
        "garbage" => Play::garbage(),
        "half-a-head" => Play::steps([Step::Raw("HTTP/1.1 200 O".into()), Step::Close]),
        "html" => Play::answer(
            502,
            &[("content-type", "text/html")],
            "<h1>Bad gateway</h1>",
        ),
        "redirect" => Play::answer(307, &[("location", "http://127.0.0.1:1/")], ""),
        "empty" => Play::answer(200, &[("content-type", "application/json")], ""),
        "no-body" => Play::steps([Step::Head {
            status: 204,
            headers: Vec::new(),
            framing: Framing::Length(0),
        }]),
        status => Play::status(
            status
                .trim_start_matches("status-")
                .parse()
                .expect("a model that this provider does not know"),
        ),
    }
}

async fn gateway(models: &[&str], more: &str) -> (Gateway, Provider, Provider) {
    let (bad, spare) = (
        Provider::start(fail).await,
        Provider::always(Play::words(["Hello", " there."])).await,
    );
    let rules = models
        .iter()
        .map(|model| chain(model, &["bad", "spare"], more))
        .collect();
    let gateway = serve([
        provider("bad", &bad.base_url(), ONCE),
        provider("spare", &spare.base_url(), ONCE),
        caller(),
        rules,
    ])
    .await;
    (gateway, bad, spare)
}

/// Sends the requests and tells of those that the fallback did not answer as if nothing had happened.
async fn unanswered(gateway: &Gateway, body: &Value, class: &str) -> Vec<String> {
    let attempts = format!("bad={class}, spare=ok");
    let requests = futures_util::stream::iter(0..REQUESTS).map(|_| async {
        let answer = gateway.ask(body).await;
        let complete = if body["stream"] == true {
            answer.done()
        } else {
            answer.whole
        };
        let good = answer.status == 200 && complete && answer.content() == "Hello there.";
        let as_it_should = good && answer.attempts() == attempts;
        (!as_it_should).then(|| {
            format!(
                "{} {:?} {}",
                answer.status,
                answer.attempts(),
                answer.text()
            )
        })
    });
    requests
        .buffer_unordered(AT_ONCE)
        .filter_map(async |told| told)
        .collect()
        .await
}

async fn every_request_falls_back(gateway: &Gateway, model: &str, class: &str) {
    for (how, body) in [("whole", whole(model)), ("streamed", streamed(model))] {
        let wrong = unanswered(gateway, &body, class).await;
        let answered = results::count(REQUESTS - wrong.len());
        let name = format!("provider fails ({model}), {how}: answered by the fallback");
        let all = results::at_least(&name, answered, "of 200 requests", results::count(REQUESTS));
        assert!(
            all,
            "{name}: {answered}; the first that was not: {:?}",
            wrong.first()
        );
    }
}

#[tokio::test]
async fn every_request_falls_back_from_an_error_status() {
    let table = [
        ("status-429", "rate_limited"),
        ("status-500", "server_error"),
        ("status-503", "overloaded"),
    ];
    let (gateway, bad, spare) = gateway(&table.map(|(model, _)| model), "").await;
    for (model, class) in table {
        every_request_falls_back(&gateway, model, class).await;
    }
    assert_eq!(
        (bad.requests(), spare.requests()),
        (6 * REQUESTS, 6 * REQUESTS)
    );
}

#[tokio::test]
async fn every_request_falls_back_from_a_connection_that_is_reset() {
    let (gateway, _bad, _spare) = gateway(&["reset"], "").await;
    every_request_falls_back(&gateway, "reset", "reset").await;
}

#[tokio::test]
async fn every_request_falls_back_from_silence_before_the_first_token() {
    let (gateway, _bad, _spare) = gateway(&["silent"], IMPATIENT).await;
    every_request_falls_back(&gateway, "silent", "first_token_timeout").await;
}

#[tokio::test]
async fn every_request_falls_back_from_silence_after_the_head() {
    let (gateway, bad, _spare) = gateway(&["silent-after-head"], IMPATIENT).await;
    every_request_falls_back(&gateway, "silent-after-head", "first_token_timeout").await;
    bad.until(|bad| bad.abandoned() == bad.requests()).await;
}

#[tokio::test]
async fn every_request_falls_back_from_a_refused_connection() {
    let (nobody, spare) = (
        Refusing::bind(),
        Provider::always(Play::words(["Hello", " there."])).await,
    );
    let documents = [
        provider("bad", &nobody.base_url(), ONCE),
        provider("spare", &spare.base_url(), ONCE),
        caller(),
        chain("refused", &["bad", "spare"], ""),
    ];
    every_request_falls_back(&serve(documents).await, "refused", "connect").await;
}

#[tokio::test]
async fn falls_back_from_whatever_is_no_answer() {
    let table = [
        ("close", "reset"),
        ("garbage", "protocol_error"),
        ("half-a-head", "reset"),
        ("html", "server_error"),
        ("redirect", "protocol_error"),
        ("empty", "protocol_error"),
        ("no-body", "protocol_error"),
        ("status-401", "bad_credential"),
        ("status-404", "unavailable"),
        ("status-529", "overloaded"),
    ];
    let (gateway, _bad, _spare) = gateway(&table.map(|(model, _)| model), "").await;
    for (model, class) in table {
        for body in [whole(model), streamed(model)] {
            let answer = gateway.ask(&body).await;
            let seen = (
                answer.status,
                answer.content(),
                answer.attempts().to_owned(),
            );
            assert_eq!(
                seen,
                (
                    200,
                    "Hello there.".to_owned(),
                    format!("bad={class}, spare=ok")
                ),
                "{model}"
            );
        }
    }
}
