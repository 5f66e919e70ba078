//! What becomes of a request's body on its way to the provider, and of usage on its way back.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, provider, rule};
use crate::harness::{Answer, Gateway, KEY, serve, streamed, whole};

/// A gateway with the rule `chat`, for which the provider knows another name.
async fn gateway(a: &Provider, more: &str) -> Gateway {
    let target =
        "match: {models: [chat]}, targets: [{name: a, providerRef: {name: a}, model: fast}]";
    serve([
        provider("a", &a.base_url(), more),
        caller(),
        rule("chat", target),
    ])
    .await
}

async fn send(gateway: &Gateway, body: &str) -> Answer {
    Answer::to(
        gateway
            .post("/v1/chat/completions")
            .bearer_auth(KEY)
            .body(body.to_owned()),
    )
    .await
}

fn body(provider: &Provider, nth: usize) -> String {
    String::from_utf8(provider.seen()[nth].body.to_vec()).unwrap()
}

#[tokio::test]
async fn only_the_model_is_changed_and_every_other_byte_stays() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "").await;
    let odd = r#" { "future_option" : {"z":1,"a":[1.50, 1e3, 12345678901234567890]} ,"model":"chat",
        "messages":[{"role":"user","content":"\u00e9\/ \ud83d\ude00 ü"}], "n" : 1,"seed":0.10 } "#;
    assert_eq!(send(&gateway, odd).await.status, 200);
    assert_eq!(body(&a, 0), odd.replace(r#""chat""#, r#""fast""#));
}

#[tokio::test]
async fn a_body_that_need_not_change_does_not() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "").await;
    let sent = r#"{"model" : "a\/as-it-is","messages":[]}"#;
    assert_eq!(send(&gateway, sent).await.status, 200);
    assert_eq!(a.seen()[0].model(), "as-it-is");
    let by_name = r#"{"messages":[],"model":"fast","x":1}"#;
    let offered = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve([
        provider("b", &offered.base_url(), "models: [{name: fast}]"),
        caller(),
    ])
    .await;
    assert_eq!(send(&gateway, by_name).await.status, 200);
    assert_eq!(body(&offered, 0), by_name);
}

#[tokio::test]
async fn the_request_is_made_for_the_provider() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "").await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("accept-encoding", "gzip")
        .header("user-agent", "sdk/1");
    let answer = Answer::to(request.body(whole("chat").to_string())).await;
    assert_eq!(answer.status, 200);
    let seen = &a.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    let header = |name| seen.header(name).unwrap_or_default();
    assert_eq!(header("host"), a.address().to_string());
    assert_eq!(
        (
            header("accept-encoding"),
            header("content-type"),
            header("user-agent")
        ),
        ("identity", "application/json", "sdk/1")
    );
    assert_eq!(header("content-length"), seen.body.len().to_string());
}

#[tokio::test]
async fn usage_is_asked_for_and_kept_from_a_caller_that_did_not_ask() {
    let a = Provider::always(Reply::words(["Hello", "."]).usage(20, 5, 2).into()).await;
    let gateway = gateway(&a, "").await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(a.seen()[0].include_usage());
    assert!(
        answer.done() && answer.content() == "Hello.",
        "{}",
        answer.text()
    );
    let used = |event: &String| {
        serde_json::from_str::<Value>(event).is_ok_and(|chunk| chunk["usage"].is_object())
    };
    assert!(!answer.events().iter().any(used), "{}", answer.text());
    let line = gateway.access(|line| line["status"] == 200).await;
    let counted = [
        &line["gen_ai.usage.input_tokens"],
        &line["gen_ai.usage.output_tokens"],
        &line["gen_ai.usage.cache_read.input_tokens"],
    ];
    assert_eq!(counted, [20, 2, 5], "{line}");
}

#[tokio::test]
async fn usage_reaches_a_caller_that_asked() {
    let a = Provider::always(Reply::words(["Hello."]).usage(20, 0, 1).into()).await;
    let gateway = gateway(&a, "").await;
    let mut body = streamed("chat");
    body["stream_options"] = json!({"include_usage": true});
    let answer = gateway.ask(&body).await;
    let events = answer.events();
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(
        (&last["usage"]["prompt_tokens"], &last["choices"]),
        (&json!(20), &json!([]))
    );
    assert!(answer.done());
}

#[tokio::test]
async fn a_wish_against_usage_is_the_callers_and_not_the_gateways() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "").await;
    for options in [
        json!({"include_usage": false}),
        json!({"include_obfuscation": false}),
        json!({}),
        Value::Null,
    ] {
        let mut body = streamed("chat");
        body["stream_options"] = options.clone();
        let answer = gateway.ask(&body).await;
        assert!(
            answer.done() && !answer.text().contains("\"choices\":[]"),
            "{options}: {}",
            answer.text()
        );
        let seen = a.seen().pop().unwrap().json();
        assert_eq!(seen["stream_options"]["include_usage"], true, "{options}");
        assert_eq!(
            seen["stream_options"].get("include_obfuscation"),
            options.get("include_obfuscation")
        );
    }
}

#[tokio::test]
async fn a_provider_that_knows_no_stream_options_is_sent_none() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "openAI: {streamUsage: false}").await;
    assert!(gateway.ask(&streamed("chat")).await.done());
    assert_eq!(a.seen()[0].json().get("stream_options"), None);
}

#[tokio::test]
async fn whole_requests_are_not_given_stream_options() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a, "").await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(a.seen()[0].json().get("stream_options"), None);
}

#[tokio::test]
async fn embeddings_pass() {
    let a = Provider::always(Reply::words([""]).usage(7, 0, 0).into()).await;
    let gateway = gateway(&a, "").await;
    // The member `stream` means nothing here, and must not make a stream of it.
    let answer = gateway
        .ask_at(
            "/v1/embeddings",
            &json!({"model": "chat", "input": ["a", "b"], "stream": true}),
        )
        .await;
    assert_eq!(
        (
            answer.status,
            answer.json()["data"].as_array().map(Vec::len)
        ),
        (200, Some(2)),
        "{}",
        answer.text()
    );
    assert_eq!(
        (a.seen()[0].path.as_str(), a.seen()[0].model().as_str()),
        ("/v1/embeddings", "fast")
    );
    let line = gateway
        .access(|line| line["gen_ai.operation.name"] == "embeddings")
        .await;
    assert_eq!(line["gen_ai.usage.input_tokens"], 7, "{line}");
}

#[tokio::test]
async fn legacy_completions_pass_whole_and_streamed() {
    let a = Provider::always(Play::words(["Hello", "."])).await;
    let gateway = gateway(&a, "").await;
    let answer = gateway
        .ask_at("/v1/completions", &json!({"model": "chat", "prompt": "Hi"}))
        .await;
    assert_eq!(
        (answer.status, answer.json()["choices"][0]["text"].as_str()),
        (200, Some("Hello."))
    );
    let answer = gateway
        .ask_at(
            "/v1/completions",
            &json!({"model": "chat", "prompt": "Hi", "stream": true}),
        )
        .await;
    let text = |event: &String| {
        serde_json::from_str::<Value>(event).ok()?["choices"][0]["text"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(
        answer.events().iter().filter_map(text).collect::<String>(),
        "Hello."
    );
    assert!(answer.done());
    assert_eq!(a.seen()[1].path, "/v1/completions");
}

#[tokio::test]
async fn tool_calls_pass_whole_and_streamed() {
    let a = Provider::always(
        Reply::words([])
            .tool_call("weather", &json!({"city": "Ulm"}))
            .into(),
    )
    .await;
    let gateway = gateway(&a, "").await;
    let call =
        gateway.ask(&whole("chat")).await.json()["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(
        call["function"],
        json!({"name": "weather", "arguments": "{\"city\":\"Ulm\"}"})
    );
    let answer = gateway.ask(&streamed("chat")).await;
    let arguments = |event: &String| {
        let chunk: Value = serde_json::from_str(event).ok()?;
        chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(
        answer
            .events()
            .iter()
            .filter_map(arguments)
            .collect::<String>(),
        r#"{"city":"Ulm"}"#
    );
    assert!(answer.done());
}
