//! What the provider says when it is well: whole and streamed, in each server's dialect.

use crate::support::{chat, connect, converse, payloads, post};
use fairlead_faults::{Play, Provider, Reply, Shape};
use serde_json::{Value, json};

const ASK: &str = r#"{"model":"m","messages":[]}"#;
const ASK_STREAM: &str = r#"{"model":"m","messages":[],"stream":true}"#;
const ASK_USAGE: &str =
    r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;

async fn whole(play: Play, path: &str, ask: &str) -> Value {
    let provider = Provider::always(play).await;
    let answer = converse(connect(&provider).await, &post(path, ask, false))
        .await
        .expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("the body is JSON")
}

/// The chunks of a stream, which must end with `[DONE]`.
async fn streamed(play: Play, ask: &str) -> Vec<Value> {
    let provider = Provider::always(play).await;
    let mut events = payloads(&chat(&provider, ask).await.expect("an answer"));
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    events
        .iter()
        .map(|event| serde_json::from_str(event).expect("the event is JSON"))
        .collect()
}

fn content(chunks: &[Value]) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect()
}

#[tokio::test]
async fn every_shape_says_the_words_whole_and_streamed() {
    for shape in Shape::ALL {
        let body = whole(Play::shape(shape), "/v1/chat/completions", ASK).await;
        assert_eq!(
            body["choices"][0]["message"]["content"], "Hello, world.",
            "{shape:?}"
        );
        assert_eq!(body["usage"]["completion_tokens"], 4, "{shape:?}");
        let chunks = streamed(Play::shape(shape), ASK_STREAM).await;
        assert_eq!(content(&chunks), "Hello, world.", "{shape:?}");
        let finished = chunks
            .iter()
            .filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop")
            .count();
        assert_eq!(finished, 1, "{shape:?}");
    }
}

#[tokio::test]
async fn every_shape_has_an_error_of_its_own() {
    let mut bodies: Vec<_> = Shape::ALL
        .iter()
        .map(|shape| shape.error(500).to_string())
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), Shape::ALL.len());
}

#[tokio::test]
async fn openai_reports_usage_of_a_stream_only_when_asked() {
    let chunks = streamed(Play::words(["a", "b"]), ASK_STREAM).await;
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    let chunks = streamed(Play::words(["a", "b"]), ASK_USAGE).await;
    let (last, rest) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["total_tokens"], 12);
    assert!(
        rest.iter()
            .all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some())
    );
}

#[tokio::test]
async fn groq_reports_usage_in_its_own_member() {
    let chunks = streamed(Play::shape(Shape::Groq), ASK_STREAM).await;
    assert_eq!(
        chunks.last().expect("chunks")["x_groq"]["usage"]["prompt_tokens"],
        10
    );
}

#[tokio::test]
async fn mistral_reports_usage_on_the_finish_chunk() {
    let chunks = streamed(Play::shape(Shape::Mistral), ASK_STREAM).await;
    let last = chunks.last().expect("chunks");
    assert_eq!(
        (
            &last["choices"][0]["finish_reason"],
            &last["usage"]["total_tokens"]
        ),
        (&json!("stop"), &json!(14))
    );
}

#[tokio::test]
async fn azure_opens_with_a_chunk_without_choices() {
    let chunks = streamed(Play::shape(Shape::AzureOpenAi), ASK_STREAM).await;
    assert_eq!(chunks[0]["choices"], json!([]));
    assert!(chunks[0]["prompt_filter_results"].is_array());
}

#[tokio::test]
async fn deepseek_reasons_before_it_answers() {
    let reply = Reply::words(["So", "."])
        .shape(Shape::DeepSeek)
        .reasoning(["Let", " me", " see"])
        .usage(20, 12, 5);
    let chunks = streamed(reply.clone().into(), ASK_STREAM).await;
    let reasoning = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning_content"].as_str())
        .collect::<String>();
    assert_eq!(
        (reasoning.as_str(), content(&chunks).as_str()),
        ("Let me see", "So.")
    );
    assert_eq!(
        chunks.last().expect("chunks")["usage"]["prompt_cache_miss_tokens"],
        8
    );
    let body = whole(reply.into(), "/v1/chat/completions", ASK).await;
    assert_eq!(
        body["choices"][0]["message"]["reasoning_content"],
        "Let me see"
    );
}

#[tokio::test]
async fn openrouter_comments_while_it_waits() {
    let provider = Provider::always(Play::shape(Shape::OpenRouter)).await;
    let answer = chat(&provider, ASK_STREAM).await.expect("an answer");
    assert_eq!(answer.matches(": OPENROUTER PROCESSING\n\n").count(), 2);
}

#[tokio::test]
async fn calls_a_tool_with_arguments_in_pieces() {
    let arguments = json!({"city": "Zürich"});
    let reply = Reply::words([]).tool_call("weather", &arguments);
    let chunks = streamed(reply.clone().into(), ASK_STREAM).await;
    let calls: Vec<_> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0]["function"].as_object())
        .collect();
    assert_eq!(calls.len(), 3);
    let joined: String = calls
        .iter()
        .filter_map(|call| call["arguments"].as_str())
        .collect();
    assert_eq!(
        serde_json::from_str::<Value>(&joined).expect("JSON"),
        arguments
    );
    let body = whole(reply.into(), "/v1/chat/completions", ASK).await;
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(body["choices"][0]["message"]["content"], Value::Null);
}

#[tokio::test]
async fn answers_legacy_completions() {
    let body = whole(
        Play::words(["a", "b"]),
        "/v1/completions",
        r#"{"model":"m","prompt":"x"}"#,
    )
    .await;
    assert_eq!(
        (&body["object"], &body["choices"][0]["text"]),
        (&json!("text_completion"), &json!("ab"))
    );
    let provider = Provider::always(Play::words(["a", "b"])).await;
    let ask = r#"{"model":"m","prompt":"x","stream":true}"#;
    let answer = converse(
        connect(&provider).await,
        &post("/v1/completions", ask, false),
    )
    .await
    .expect("an answer");
    let chunks = payloads(&answer);
    assert_eq!(chunks.len(), 4);
    assert!(chunks[0].contains("\"text\":\"a\""), "{}", chunks[0]);
}

#[tokio::test]
async fn answers_an_embedding_for_each_input() {
    let body = whole(
        Play::chat(""),
        "/v1/embeddings",
        r#"{"model":"m","input":["a","b"]}"#,
    )
    .await;
    assert_eq!(body["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(body["usage"]["prompt_tokens"], 10);
}

#[tokio::test]
async fn encodes_an_embedding_as_the_official_libraries_ask() {
    let ask = r#"{"model":"m","input":"a","encoding_format":"base64"}"#;
    let body = whole(Play::chat(""), "/v1/embeddings", ask).await;
    assert_eq!(body["data"][0]["embedding"], "AACAPgAAAL8AAIA/");
}

#[tokio::test]
async fn answers_404_where_a_server_has_nothing() {
    let body = whole(Play::shape(Shape::Vllm), "/v1/nothing", "{}").await;
    assert_eq!(body["object"], "error");
}
