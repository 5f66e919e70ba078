//! Responses at a provider that speaks it: the bytes pass as they came, and what the provider keeps can be referred to where it is found again.

use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen, Step};
use serde_json::{Value, json};

use crate::harness::certificate::Certificate;
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, KEY, Setup};
use crate::proxy::{Proxy, trusting};
use crate::upstream_tls::ca;

/// A gateway before `api.openai.com`, which only a proxy knows, and before a compatible provider.
struct World {
    gateway: Gateway,
    openai: Provider,
    other: Provider,
    _proxy: Proxy,
}

async fn world(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> World {
    let certificate = Certificate::of("api.openai.com");
    let (chain_, key) = (&certificate.certificate, &certificate.key);
    let openai = Provider::start_tls(script, chain_, key).await;
    let other = Provider::always(Play::chat("Other.")).await;
    let proxy = Proxy::start(openai.address(), "200 Connection established").await;
    let by_header = "affinity: {type: Header}";
    let documents = [
        trusting("openai", "https://api.openai.com/v1"),
        ca("openai", &certificate),
        provider("other", &other.base_url(), "retries: {maxRetries: 0}"),
        caller(),
        chain("only", &["openai"], ""),
        chain("held", &["openai", "other"], by_header),
        chain("away", &["other"], ""),
        crate::harness::yaml::rule(
            "split",
            "match: {models: [split]}, targets: [{name: openai, providerRef: {name: openai}}, {name: other, providerRef: {name: other}}]",
        ),
    ];
    let gateway = Setup::new()
        .file("all.yaml", &documents.concat())
        .variable("HTTPS_PROXY", &format!("http://{}", proxy.address))
        .start()
        .await;
    World {
        gateway,
        openai,
        other,
        _proxy: proxy,
    }
}

/// A whole answer, with members that nobody here knows.
fn whole(_: &Seen) -> Play {
    Play::json(200, &answer("completed"))
}

fn answer(status: &str) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": status, "model": "gpt-x", "store": true, "x_new": [1.50],
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hi.", "annotations": []}]}],
        "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 12},
    })
}

fn event(kind: &str, more: &Value) -> String {
    let mut data = more.clone();
    data["type"] = json!(kind);
    format!("event: {kind}\ndata: {data}\n\n")
}

/// The events of a stream up to its last.
fn beginning() -> String {
    let mut created = answer("in_progress");
    created["output"] = json!([]);
    event(
        "response.created",
        &json!({"response": created, "sequence_number": 0}),
    ) + &event(
        "response.output_text.delta",
        &json!({"output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Hi.", "sequence_number": 1}),
    )
}

fn stream(events: String) -> Play {
    Play::answer(200, &[("content-type", "text/event-stream")], events)
}

impl World {
    async fn ask(&self, body: &Value) -> Answer {
        self.gateway.ask_at("/v1/responses", body).await
    }

    async fn in_session(&self, body: &Value) -> Answer {
        let request = self.gateway.post("/openai/v1/responses").bearer_auth(KEY);
        let request = request.header("x-session-id", "one");
        Answer::to(request.body(body.to_string())).await
    }
}

#[tokio::test]
async fn a_provider_that_speaks_responses_is_asked_for_it_with_the_bytes_as_they_came() {
    let world = world(whole).await;
    let body = r#"{"model":"openai/gpt-x", "input":[{"role":"user","content":"Hi."}],"x_new":1.50,"store":true}"#;
    let request = world
        .gateway
        .post("/v1/responses")
        .bearer_auth(KEY)
        .body(body);
    let got = Answer::to(request).await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.text(), answer("completed").to_string());
    let seen = &world.openai.seen()[0];
    assert_eq!(seen.path, "/v1/responses");
    assert_eq!(seen.body, body.replace("openai/gpt-x", "gpt-x"));
    let line = world
        .gateway
        .access(|line| line["gen_ai.request.model"] == "openai/gpt-x")
        .await;
    assert_eq!(line["gen_ai.usage.input_tokens"], 9);
    assert_eq!(line["gen_ai.usage.output_tokens"], 3);
    assert_eq!(line["gen_ai.usage.cache_read.input_tokens"], 4);
    assert_eq!(line["complete"], true);
}

#[tokio::test]
async fn a_stream_passes_as_it_came_and_is_complete_with_its_last_event() {
    for (kind, status) in [
        ("response.completed", "completed"),
        ("response.incomplete", "incomplete"),
    ] {
        let last = event(
            kind,
            &json!({"response": answer(status), "sequence_number": 2}),
        );
        let events = beginning() + &last;
        let sent = events.clone();
        let world = world(move |_| stream(sent.clone())).await;
        let got = world
            .ask(&json!({"model": "only", "input": "Hi.", "stream": true}))
            .await;
        assert_eq!((got.text(), got.whole), (events, true));
        let line = world
            .gateway
            .access(|line| line["gen_ai.request.model"] == "only")
            .await;
        assert_eq!(
            (&line["complete"], &line["gen_ai.usage.output_tokens"]),
            (&json!(true), &json!(3))
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_the_failure_of_its_own_response() {
    let failed = event(
        "response.failed",
        &json!({"response": {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "acct-7 broke"}}, "sequence_number": 2}),
    );
    for last in [String::new(), failed] {
        // Apart, so that the caller has had the beginning.
        let steps = [
            Step::event_stream(),
            Step::Body(beginning().into()),
            Step::Pause(Duration::from_millis(200)),
            Step::Body(last.into()),
            Step::End,
        ];
        let world = world(move |_| Play::steps(steps.clone())).await;
        let got = world
            .ask(&json!({"model": "only", "input": "Hi.", "stream": true}))
            .await;
        let text = got.text();
        let (before, last) = text
            .rsplit_once("event: response.failed\ndata: ")
            .unwrap_or_else(|| panic!("{text}"));
        assert_eq!(before, beginning());
        let last: Value = serde_json::from_str(last.trim()).unwrap();
        assert_eq!(last["response"]["id"], "resp_1");
        assert_eq!(last["response"]["status"], "failed");
        assert!(last["sequence_number"].as_u64().unwrap() >= 2);
        assert!(!text.contains("acct-7"), "{text}");
    }
}

#[tokio::test]
async fn a_failure_before_the_content_goes_to_the_next_target_in_its_own_words() {
    let world = world(|_| {
        let failed = json!({"response": {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "broke"}}});
        stream(event("response.failed", &failed))
    })
    .await;
    let got = world
        .in_session(&json!({"model": "held", "input": "Hi.", "stream": true}))
        .await;
    assert!(got.attempts().starts_with("openai=server_error"));
    assert!(got.attempts().ends_with("other=ok"));
    assert!(got.text().contains("Other."), "{}", got.text());
    assert!(got.text().contains("event: response.completed"));
    assert_eq!(world.other.seen()[0].path, "/v1/chat/completions");
}

#[tokio::test]
async fn what_a_provider_keeps_is_referred_to_only_where_it_is_found_again() {
    let world = world(whole).await;
    let turn = |model: &str, member: &str, value: Value| {
        let mut body = json!({"model": model, "input": "Go on."});
        body[member] = value;
        body
    };
    let previous = |model: &str| turn(model, "previous_response_id", json!("resp_1"));
    // One provider, or a header that holds the conversation to one.
    assert_eq!(world.ask(&previous("only")).await.status, 200);
    let got = world.in_session(&previous("held")).await;
    assert_eq!((got.status, got.attempts()), (200, "openai=ok"));
    assert_eq!(
        world.openai.seen()[1].json()["previous_response_id"],
        "resp_1"
    );
    // The turns might go to either, or the only one keeps nothing.
    for (body, member) in [
        (previous("split"), "previous_response_id"),
        (
            turn("split", "conversation", json!("conv_1")),
            "conversation",
        ),
        (turn("split", "background", json!(true)), "background"),
        (
            turn(
                "split",
                "input",
                json!([{"type": "item_reference", "id": "msg_1"}]),
            ),
            "item",
        ),
        (previous("away"), "previous_response_id"),
    ] {
        let got = world.ask(&body).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (400, "unsupported_by_target"),
            "{}",
            got.text()
        );
        assert!(got.message().contains(member), "{}", got.message());
    }
    assert_eq!(world.other.requests(), 0);
}

#[tokio::test]
async fn a_conversation_that_is_kept_does_not_go_on_at_another_provider() {
    let world = world(|_| Play::status(500)).await;
    let body = json!({"model": "held", "input": "Go on.", "previous_response_id": "resp_1"});
    let got = world.in_session(&body).await;
    assert_eq!(got.status, 500, "{}", got.text());
    assert!(
        got.attempts().ends_with("other=unsupported"),
        "{}",
        got.attempts()
    );
    assert_eq!(world.other.requests(), 0);
}

#[tokio::test]
async fn an_answer_that_is_fetched_later_is_one() {
    let world = world(|_| {
        let mut queued = answer("queued");
        queued["output"] = json!([]);
        Play::json(200, &queued)
    })
    .await;
    let got = world
        .ask(&json!({"model": "only", "input": "Hi.", "background": true}))
        .await;
    assert_eq!((got.status, &got.json()["status"]), (200, &json!("queued")));
}

#[tokio::test]
async fn a_provider_without_the_path_is_said_to_have_none() {
    let world =
        world(|_| Play::answer(404, &[("content-type", "text/html")], "<h1>Not Found</h1>")).await;
    let got = world.ask(&json!({"model": "only", "input": "Hi."})).await;
    assert_eq!((got.status, got.code().as_str()), (404, "provider_refused"));
    assert!(
        got.message()
            .contains("nothing at the path of this operation"),
        "{}",
        got.message()
    );
}

#[tokio::test]
async fn reasoning_that_others_have_signed_stays_here() {
    let world = world(whole).await;
    let reasoning =
        |content: &str| json!({"type": "reasoning", "summary": [], "encrypted_content": content});
    let body = json!({"model": "only", "input": [reasoning("gAAA"), reasoning("fairlead:anthropic:x"), {"role": "user", "content": "Hi."}]});
    assert_eq!(world.ask(&body).await.status, 200);
    let sent = world.openai.seen()[0].json();
    assert_eq!(
        sent["input"],
        json!([reasoning("gAAA"), {"role": "user", "content": "Hi."}])
    );
    assert_eq!(sent["model"], "only");
}
