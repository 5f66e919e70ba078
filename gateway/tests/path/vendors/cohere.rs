//! Cohere: conversations and embeddings by its API for OpenAI's clients, rankings by its own.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};

use super::of_type;
use crate::harness::yaml::{KEY, caller, chain};
use crate::harness::{Answer, Gateway, serve, whole};

/// A ranking, as Cohere's own API gives it.
fn ranking() -> Value {
    json!({"id": "r", "results": [{"index": 1, "relevance_score": 0.90}], "meta": {"billed_units": {"search_units": 1}}})
}

/// Vectors, and an answer with what Cohere has beside it, by its API for OpenAI's clients.
fn vectors() -> Value {
    json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.5]}], "model": "embed-v4.0", "usage": {"prompt_tokens": 2, "total_tokens": 2}})
}

fn answer() -> Value {
    let message = json!({"role": "assistant", "content": "Hello.", "citations": [{"start": 0, "end": 5, "text": "Hello", "sources": []}]});
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "command-a", "choices": [{"index": 0, "message": message, "finish_reason": "COMPLETE"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}})
}

async fn cohere() -> Provider {
    Provider::start(|seen: &Seen| match &*seen.path {
        "/v2/rerank" => Play::json(200, &ranking()),
        "/compatibility/v1/embeddings" => Play::json(200, &vectors()),
        "/compatibility/v1/chat/completions" => Play::json(200, &answer()),
        _ => Play::status(404),
    })
    .await
}

/// `m` is answered by Cohere, known by its type; `other` by another server, which has a ranking below its address.
async fn before(provider: &Provider) -> Gateway {
    let host = format!("http://{}", provider.address());
    serve([
        of_type("cohere", "Cohere", &host, ""),
        of_type("other", "VLLM", &format!("{host}/v2"), ""),
        chain("m", &["cohere"], ""),
        chain("other", &["other"], ""),
        caller(),
    ])
    .await
}

#[tokio::test]
async fn rankings_are_asked_of_its_own_api_and_all_else_of_the_compatible_one() {
    let provider = cohere().await;
    let gateway = before(&provider).await;
    let ranked = json!({"query": "q", "documents": ["a", "b"], "top_n": 1});
    let embedded = json!({"input": ["a"], "encoding_format": "float"});
    for (path, mut body, at, answered) in [
        ("/v1/rerank", ranked.clone(), "/v2/rerank", ranking()),
        (
            "/v1/embeddings",
            embedded,
            "/compatibility/v1/embeddings",
            vectors(),
        ),
    ] {
        body["model"] = "m".into();
        let got = gateway.ask_at(path, &body).await;
        assert_eq!((got.status, got.json()), (200, answered), "{path}");
        let seen = provider.seen().pop().unwrap();
        assert_eq!((&*seen.path, seen.json()), (at, body));
        let bearer = seen.header("authorization").unwrap();
        assert!(bearer.starts_with("Bearer key-"), "{bearer}");
    }
    // Who only has the same kind of API is asked below its own address.
    let mut body = ranked;
    body["model"] = "other".into();
    assert_eq!(gateway.ask_at("/v1/rerank", &body).await.status, 200);
    assert_eq!(provider.seen().pop().unwrap().path, "/v2/rerank");
    body["model"] = "m".into();
    assert_eq!(gateway.ask_at("/v1/rerank", &body).await.json(), ranking());
}

#[tokio::test]
async fn what_it_says_beside_an_answer_reaches_who_speaks_the_same() {
    let provider = cohere().await;
    let gateway = before(&provider).await;
    let got = gateway.ask(&whole("m")).await;
    assert_eq!((got.status, got.json()), (200, answer()));
    // Its own members of a request pass, too.
    let mut body = whole("m");
    body["documents"] = json!([{"data": {"text": "a"}}]);
    body["citation_options"] = json!({"mode": "FAST"});
    assert_eq!(gateway.ask(&body).await.status, 200);
    assert_eq!(provider.seen().pop().unwrap().json(), body);
}

#[tokio::test]
async fn a_caller_of_anthropic_asks_it_for_what_it_knows() {
    let provider = cohere().await;
    let gateway = before(&provider).await;
    let tool =
        |name: &str| json!({"name": name, "input_schema": {"type": "object"}, "strict": true});
    let body = json!({"model": "m", "max_tokens": 9, "tools": [tool("a"), tool("b")], "tool_choice": {"type": "tool", "name": "b", "disable_parallel_tool_use": true},
        "messages": [{"role": "user", "content": "Hi."}]});
    let request = gateway.post("/v1/messages").header("x-api-key", KEY);
    let got = Answer::to(request.body(body.to_string())).await;
    let said = got.json();
    assert_eq!(
        (&said["content"][0]["text"], &said["stop_reason"]),
        (&json!("Hello."), &json!("end_turn")),
        "{said}"
    );
    assert!(got.header("warning").contains("parallel_tool_calls"));
    let sent = provider.seen().pop().unwrap().json();
    let function = json!({"name": "b", "parameters": {"type": "object"}, "strict": true});
    assert_eq!(
        (&sent["tools"], &sent["tool_choice"], &sent["max_tokens"]),
        (
            &json!([{"type": "function", "function": function}]),
            &json!("required"),
            &json!(9)
        ),
        "{sent}"
    );
}
