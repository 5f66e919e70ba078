//! What callers are told: errors, what cannot be asked, counts and lists, each in the words of their surface.

use fairlead_faults::{Play, Provider, Step};
use serde_json::{Value, json};

use super::{anthropic, ask, asking, before, claude};
use crate::harness::yaml::{KEY, caller, chain, provider};
use crate::harness::{Answer, serve, whole};

#[tokio::test]
async fn errors_have_the_shape_that_their_caller_knows() {
    let refused = json!({"error": {"message": "tools: too many", "type": "invalid_request_error", "param": null, "code": "x"}});
    let of_anthropic = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: too large"}, "request_id": "req_1"});
    let (a, b) = (
        Provider::always(Play::json(400, &of_anthropic)).await,
        Provider::always(Play::json(400, &refused)).await,
    );
    let gateway = before(&a, &b, "").await;
    let answer = ask(&gateway, &asking("only-b", false)).await;
    let body = answer.json();
    assert_eq!(
        (
            answer.status,
            &body["type"],
            &body["error"]["type"],
            &body["error"]["message"]
        ),
        (
            400,
            &json!("error"),
            &json!("invalid_request_error"),
            &json!("tools: too many")
        ),
        "{body}"
    );
    let answer = gateway.ask(&whole("only-a")).await;
    assert_eq!(
        (
            answer.status,
            answer.message().as_str(),
            &answer.json()["type"]
        ),
        (400, "max_tokens: too large", &Value::Null)
    );
    // Its own words reach who speaks the same, to the letter.
    assert_eq!(
        ask(&gateway, &asking("only-a", false)).await.json(),
        of_anthropic
    );
}

#[tokio::test]
async fn the_gateways_own_errors_have_that_shape_too() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let stranger = gateway
        .post("/v1/messages")
        .header("x-api-key", "sk-nobody")
        .body("{}");
    let body = Answer::to(stranger).await.json();
    assert_eq!(
        (
            &body["type"],
            &body["error"]["type"],
            &body["error"]["code"]
        ),
        (
            &json!("error"),
            &json!("authentication_error"),
            &json!("invalid_key")
        ),
        "{body}"
    );
    let body = ask(&gateway, &asking("nobody-knows", false)).await.json();
    assert_eq!(
        (&body["error"]["type"], &body["error"]["code"]),
        (&json!("not_found_error"), &json!("unknown_model")),
        "{body}"
    );
    let nowhere = gateway.post("/anthropic/v1/nowhere").body("{}");
    assert_eq!(
        Answer::to(nowhere).await.json()["error"]["type"],
        "not_found_error"
    );
}

#[tokio::test]
async fn what_a_dialect_cannot_say_is_refused_or_dropped_with_a_warning() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    let mut body = whole("only-a");
    body["logit_bias"] = json!({"50256": -100});
    let answer = gateway.ask(&body).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "unsupported_by_target")
    );
    assert!(
        answer.message().contains("logit_bias"),
        "{}",
        answer.message()
    );
    assert_eq!(a.requests(), 0);
    // Another target may be asked.
    body["model"] = "a-first".into();
    let answer = gateway.ask(&body).await;
    assert_eq!(
        (answer.attempts(), answer.content().as_str()),
        ("a=unsupported, b=ok", "B.")
    );
    // An operation that there is not.
    let embeddings = json!({"model": "only-a", "input": "x"});
    let answer = gateway.ask_at("/v1/embeddings", &embeddings).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "unsupported_operation")
    );

    let gateway = before(&a, &b, "onUnsupported: Drop").await;
    body["model"] = "only-a".into();
    let answer = gateway.ask(&body).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "Hello."));
    assert!(
        answer.header("warning").contains("logit_bias"),
        "{:?}",
        answer.headers
    );
    assert!(!a.seen().pop().unwrap().json()["logit_bias"].is_object());
    // Who loses nothing is not warned.
    assert_eq!(gateway.ask(&whole("only-a")).await.header("warning"), "");
}

#[tokio::test]
async fn tokens_are_counted_where_the_provider_counts() {
    let a = Provider::always(Play::json(200, &json!({"input_tokens": 42}))).await;
    let b = Provider::always(Play::chat("B.")).await;
    let gateway = before(&a, &b, "").await;
    let count = async |model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hi."}]});
        let request = gateway
            .post("/v1/messages/count_tokens")
            .header("x-api-key", KEY);
        Answer::to(request.body(body.to_string())).await
    };
    let answer = count("a-first").await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"input_tokens": 42}))
    );
    assert_eq!(a.seen().pop().unwrap().path, "/v1/messages/count_tokens");
    let answer = count("only-b").await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
    assert_eq!(b.requests(), 0);
}

#[tokio::test]
async fn models_are_listed_as_their_caller_reads_lists() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    for path in ["/v1/models?limit=1000", "/anthropic/v1/models"] {
        let request = gateway.admin("").build().map(drop);
        assert!(request.is_ok());
        let request = reqwest::Client::new()
            .get(gateway.url(path))
            .header("x-api-key", KEY)
            .header("anthropic-version", "2023-06-01");
        let list = Answer::to(request).await.json();
        assert_eq!(
            (&list["has_more"], &list["data"][0]["type"]),
            (&json!(false), &json!("model")),
            "{path} {list}"
        );
        assert_eq!(list["first_id"], list["data"][0]["id"]);
    }
    let list = gateway.get_as(KEY, "/openai/v1/models").await.json();
    assert_eq!(
        (&list["object"], &list["data"][0]["object"]),
        (&json!("list"), &json!("model"))
    );
}

/// A second key notices nothing of what another asks and cannot be asked.
#[tokio::test]
async fn what_cannot_be_asked_speaks_against_no_target() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = serve([
        anthropic("a", &a.base_url(), "health: {consecutiveFailures: 1}"),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("only-a", &["a"], ""),
    ])
    .await;
    let mut bad = whole("only-a");
    bad["logit_bias"] = json!({"1": 1});
    for _ in 0..5 {
        assert_eq!(gateway.ask(&bad).await.status, 400);
    }
    assert_eq!(gateway.ask(&whole("only-a")).await.attempts(), "a=ok");
}

/// How many searches were made is paid for by its number, and callers show it.
#[tokio::test]
async fn searches_that_were_made_are_told_as_they_came() {
    let usage = json!({"input_tokens": 7, "output_tokens": 2, "server_tool_use": {"web_search_requests": 3}});
    let mut message = super::message();
    message["usage"] = usage.clone();
    let mut events = super::events();
    for (name, event) in &mut events {
        if *name == "message_delta" {
            event["usage"] = usage.clone();
        }
    }
    let a = Provider::start(move |seen| {
        if seen.json()["stream"] == true {
            return super::stream(&events, Step::End);
        }
        Play::json(200, &message)
    })
    .await;
    let b = Provider::always(Play::chat("B.")).await;
    let gateway = before(&a, &b, "").await;
    let searching = |stream| {
        let mut body = asking("only-a", stream);
        body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
        body
    };
    let whole = ask(&gateway, &searching(false)).await;
    assert_eq!(whole.json()["usage"], usage, "{}", whole.text());
    let streamed = ask(&gateway, &searching(true)).await;
    let mut told = super::data(&streamed).into_iter();
    let told = told.find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(told["usage"], usage, "{}", streamed.text());
    let sent = a.seen().pop().unwrap().json();
    assert_eq!(sent["tools"], searching(true)["tools"]);
}
