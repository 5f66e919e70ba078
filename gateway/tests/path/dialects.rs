//! Callers and providers that speak differently: whole and streamed, well and failing.

mod betas;
mod bounds;
mod matrix;
mod told;

use bytes::Bytes;
use fairlead_faults::{Framing, Play, Provider, Step};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, ONCE, caller, chain, object, provider, secret};
use crate::harness::{Answer, Gateway, serve, streamed, whole};

/// The value of the credential.
const CREDENTIAL: &str = "sk-ant-0123456789abcdef";

/// An `LLMProvider` that speaks Anthropic's API, with a credential.
fn anthropic(name: &str, base_url: &str, more: &str) -> String {
    let spec = format!(
        "type: Anthropic, baseURL: \"{base_url}\", allowPrivateNetwork: true, credentials: [{{name: main, secretRef: {{name: {name}-key}}}}], {more}"
    );
    let value = format!("apiKey: {CREDENTIAL}");
    object("LLMProvider", name, &spec) + &secret(&format!("{name}-key"), "credential", &value)
}

/// What an Anthropic provider answers.
fn message() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [{"type": "text", "text": "Hello."}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3, "output_tokens": 2},
    })
}

/// The same as a stream: names and data of events, a call of a tool after the text.
fn events() -> Vec<(&'static str, Value)> {
    vec![
        (
            "message_start",
            json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1}}}),
        ),
        (
            "content_block_start",
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        ("ping", json!({"type": "ping"})),
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}),
        ),
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}}),
        ),
        (
            "content_block_stop",
            json!({"type": "content_block_stop", "index": 0}),
        ),
        (
            "content_block_start",
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}}),
        ),
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"q\":"}}),
        ),
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "\"x\"}"}}),
        ),
        (
            "content_block_stop",
            json!({"type": "content_block_stop", "index": 1}),
        ),
        (
            "message_delta",
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        ),
        ("message_stop", json!({"type": "message_stop"})),
    ]
}

fn framed(events: &[(&str, Value)]) -> Vec<Bytes> {
    let event = |(name, data): &(&str, Value)| format!("event: {name}\ndata: {data}\n\n").into();
    events.iter().map(event).collect()
}

/// A stream of these events, and then this.
fn stream(events: &[(&str, Value)], last: Step) -> Play {
    let mut steps = vec![Step::Head {
        status: 200,
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        framing: Framing::Chunked,
    }];
    steps.extend(framed(events).into_iter().map(Step::Body));
    steps.push(last);
    Play::steps(steps)
}

/// A provider of Anthropic's that answers both ways.
async fn claude() -> Provider {
    Provider::start(|seen: &fairlead_faults::Seen| {
        if seen.streamed() {
            stream(&events(), Step::End)
        } else {
            Play::json(200, &message())
        }
    })
    .await
}

/// A gateway before a provider of each kind; `model` goes to `a` first and then to `b`.
async fn before(a: &Provider, b: &Provider, rule: &str) -> Gateway {
    serve([
        anthropic("a", &a.base_url(), ONCE),
        provider("b", &b.base_url(), ONCE),
        caller(),
        chain("a-first", &["a", "b"], rule),
        chain("b-first", &["b", "a"], rule),
        chain("only-a", &["a"], rule),
        chain("only-b", &["b"], rule),
    ])
    .await
}

async fn ask(gateway: &Gateway, body: &Value) -> Answer {
    let request = gateway
        .post("/v1/messages")
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "tools-2026");
    Answer::to(request.body(body.to_string())).await
}

fn asking(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 100, "stream": stream, "system": "Be brief.", "messages": [{"role": "user", "content": "Hi."}]})
}

/// Names of the events of a stream.
fn names(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    names.map(str::to_owned).collect()
}

fn data(answer: &Answer) -> Vec<Value> {
    let parsed = |event: &String| serde_json::from_str(event).ok();
    answer.events().iter().filter_map(parsed).collect()
}

/// The text that deltas of a stream of Anthropic add up to.
fn said(answer: &Answer) -> String {
    let text = |event: &Value| event["delta"]["text"].as_str().map(str::to_owned);
    data(answer).iter().filter_map(text).collect()
}

#[tokio::test]
async fn a_caller_of_openai_is_answered_by_anthropic() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let answer = gateway.ask(&whole("only-a")).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, answer.content().as_str()),
        (200, "Hello."),
        "{body}"
    );
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (
            &body["usage"]["prompt_tokens"],
            &body["usage"]["completion_tokens"],
            &body["usage"]["prompt_tokens_details"]["cached_tokens"]
        ),
        (&json!(10), &json!(2), &json!(3)),
        "{body}"
    );
    let seen = a.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(seen.header("x-api-key"), Some(CREDENTIAL));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.header("authorization"), None);
    let sent = seen.json();
    assert_eq!(sent["messages"][0]["role"], "user", "{sent}");
    assert!(sent["max_tokens"].as_u64() > Some(0), "{sent}");
    let line = gateway.access(|line| line["stream"] == false).await;
    assert_eq!(
        (
            &line["gen_ai.usage.input_tokens"],
            &line["gen_ai.usage.output_tokens"],
            &line["gen_ai.usage.cache_read.input_tokens"],
            &line["complete"]
        ),
        (&json!(10), &json!(2), &json!(3), &json!(true)),
        "{line}"
    );
}

#[tokio::test]
async fn a_stream_of_anthropic_reaches_a_caller_of_openai_with_its_tools_and_its_usage() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let mut body = streamed("only-a");
    body["stream_options"] = json!({"include_usage": true});
    let answer = gateway.ask(&body).await;
    assert!(answer.done(), "{}", answer.text());
    assert_eq!(answer.content(), "Hello.");
    let chunks = data(&answer);
    let deltas = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
    let calls: Vec<_> = deltas.filter(|call| call.is_object()).collect();
    assert_eq!(
        (&calls[0]["id"], &calls[0]["function"]["name"]),
        (&json!("toolu_1"), &json!("find"))
    );
    let arguments: String = calls
        .iter()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(arguments, "{\"q\":\"x\"}");
    let reasons: Vec<_> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str())
        .collect();
    assert_eq!(reasons, ["tool_calls"]);
    let usage = &chunks.last().unwrap()["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(10), &json!(9)),
        "{usage}"
    );
    // Who has not asked for it does not get it.
    let answer = gateway.ask(&streamed("only-a")).await;
    assert!(
        answer.done() && !answer.text().contains("prompt_tokens"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_caller_of_anthropic_is_answered_by_openai() {
    let (a, b) = (claude().await, Provider::always(Play::chat("Well.")).await);
    let gateway = before(&a, &b, "").await;
    let answer = ask(&gateway, &asking("only-b", false)).await;
    let body = answer.json();
    assert_eq!(
        (
            answer.status,
            &body["type"],
            &body["role"],
            &body["content"][0]["text"],
            &body["stop_reason"]
        ),
        (
            200,
            &json!("message"),
            &json!("assistant"),
            &json!("Well."),
            &json!("end_turn")
        ),
        "{body}"
    );
    assert!(
        body["usage"]["input_tokens"].is_u64() && body["usage"]["output_tokens"].is_u64(),
        "{body}"
    );
    let seen = b.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(
        (seen.header("anthropic-beta"), seen.header("x-api-key")),
        (None, None)
    );
    let sent = seen.json();
    assert_eq!(
        (
            &sent["messages"][0]["role"],
            &sent["messages"][0]["content"],
            &sent["max_tokens"]
        ),
        (&json!("system"), &json!("Be brief."), &json!(100)),
        "{sent}"
    );
    let answer = ask(&gateway, &asking("only-b", true)).await;
    assert_eq!(said(&answer), "Well.", "{}", answer.text());
    let names = names(&answer);
    let (first, last) = (
        names.first().unwrap().as_str(),
        names.last().unwrap().as_str(),
    );
    assert_eq!(
        (first, last),
        ("message_start", "message_stop"),
        "{}",
        answer.text()
    );
    let stop = data(&answer)
        .into_iter()
        .find(|event| event["type"] == "message_delta")
        .unwrap();
    assert_eq!(stop["delta"]["stop_reason"], "end_turn");
    assert!(stop["usage"]["output_tokens"].as_u64() > Some(0), "{stop}");
}

#[tokio::test]
async fn who_speaks_as_the_provider_gets_its_bytes() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let mut body = asking("only-a", true);
    body["unknown_member"] = json!({"kept": [1.50]});
    let answer = ask(&gateway, &body).await;
    let expected: Vec<u8> = framed(&events()).concat();
    assert_eq!(answer.text(), String::from_utf8(expected).unwrap());
    let seen = a.seen().pop().unwrap();
    assert_eq!(
        (
            seen.header("x-api-key"),
            seen.header("anthropic-beta"),
            seen.header("authorization")
        ),
        (Some(CREDENTIAL), Some("tools-2026"), None)
    );
    body["model"] = "only-a".into();
    assert_eq!(seen.json(), body);
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(
        (
            &line["gen_ai.usage.input_tokens"],
            &line["gen_ai.usage.output_tokens"],
            &line["complete"]
        ),
        (&json!(10), &json!(9), &json!(true)),
        "{line}"
    );
    let answer = ask(&gateway, &asking("only-a", false)).await;
    assert_eq!(answer.json(), message());
}

/// A conversation that another provider has had a part in goes on at Anthropic's, which refuses thinking that it has not signed.
#[tokio::test]
async fn what_others_have_thought_does_not_go_to_who_cannot_read_it() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let mut body = asking("only-a", false);
    let own = json!({"type": "thinking", "thinking": "mine", "signature": "c2ln"});
    let foreign =
        json!({"type": "thinking", "thinking": "theirs", "signature": "fairlead:openai:x"});
    let text = json!({"type": "text", "text": "Well."});
    body["messages"] = json!([
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": [own, foreign, text]},
        {"role": "user", "content": "And?"},
    ]);
    let answer = ask(&gateway, &body).await;
    assert_eq!((answer.status, answer.header("warning")), (200, ""));
    let sent = a.seen().pop().unwrap().json();
    body["messages"][1]["content"] = json!([own, text]);
    assert_eq!(sent, body);
}

#[tokio::test]
async fn a_wish_for_the_large_window_is_no_part_of_a_models_name() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    for wish in ["[1m]", "[1M]", "[1m][1m]"] {
        let answer = ask(&gateway, &asking(&format!("only-a{wish}"), false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(a.seen().pop().unwrap().json()["model"], "only-a");
    }
}

/// A history that others have had a part in goes on where a caller's own words are passed as they came.
#[tokio::test]
async fn what_others_have_signed_does_not_go_to_who_speaks_as_the_caller() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let foreign =
        json!({"type": "reasoning.text", "text": "a", "signature": "fairlead:anthropic:x"});
    let mut body = json!({"model": "only-b", "messages": [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Well.", "reasoning_details": [foreign]},
        {"role": "user", "content": "And?"},
    ]});
    assert_eq!(gateway.ask(&body).await.status, 200);
    let sent = b.seen().pop().unwrap().json();
    let said = body["messages"][1].as_object_mut().unwrap();
    said.remove("reasoning_details");
    assert_eq!(sent, body);
}

#[tokio::test]
async fn a_stream_of_anthropic_is_complete_once_it_says_why_it_stopped() {
    let all = events();
    let (stopped, cut) = (&all[..all.len() - 1], &all[..4]);
    for (events, complete) in [(stopped, true), (cut, false)] {
        let a = Provider::always(stream(events, Step::Close)).await;
        let b = Provider::always(Play::chat("B.")).await;
        let gateway = before(&a, &b, "").await;
        // To a caller who speaks the same,
        let answer = ask(&gateway, &asking("a-first", true)).await;
        let last = names(&answer).pop().unwrap();
        let expected = if complete { "message_stop" } else { "error" };
        assert_eq!(last, expected, "{}", answer.text());
        // and to one who does not.
        let answer = gateway.ask(&streamed("a-first")).await;
        assert_eq!(answer.done(), complete, "{}", answer.text());
        let error = data(&answer).iter().any(|event| event["error"].is_object());
        assert_eq!(error, !complete, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_plan_falls_back_across_dialects_before_the_first_content() {
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let begun = &events()[..3];
    for (play, class) in [
        (Play::json(529, &overloaded), "overloaded"),
        (stream(begun, Step::Close), "reset"),
        (
            stream(
                &[begun, &[("error", overloaded.clone())]].concat(),
                Step::End,
            ),
            "overloaded",
        ),
        (Play::json(200, &overloaded), "overloaded"),
    ] {
        let (a, b) = (
            Provider::always(play).await,
            Provider::always(Play::chat("Well.")).await,
        );
        let gateway = before(&a, &b, "").await;
        let attempts = format!("a={class}, b=ok");
        let answer = gateway.ask(&streamed("a-first")).await;
        assert_eq!(
            (answer.attempts(), answer.content().as_str(), answer.done()),
            (attempts.as_str(), "Well.", true),
            "{}",
            answer.text()
        );
        let answer = ask(&gateway, &asking("a-first", true)).await;
        assert_eq!(
            (answer.attempts(), said(&answer).as_str()),
            (attempts.as_str(), "Well."),
            "{}",
            answer.text()
        );
    }
    let (a, b) = (claude().await, Provider::always(Play::status(500)).await);
    let gateway = before(&a, &b, "").await;
    let answer = ask(&gateway, &asking("b-first", true)).await;
    assert_eq!(
        (answer.attempts(), said(&answer).as_str()),
        ("b=server_error, a=ok", "Hello.")
    );
    let answer = gateway.ask(&whole("b-first")).await;
    assert_eq!(
        (answer.attempts(), answer.content().as_str()),
        ("b=server_error, a=ok", "Hello.")
    );
}
