//! Claude on Vertex AI: counted where its publisher counts, and asked by the flags and the version that are known there.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};

use super::{of_type, polyglot};
use crate::harness::yaml::{KEY, caller, chain, rule};
use crate::harness::{Answer, Gateway, serve};

/// Where the publishers of the project are.
const BELOW: &str = "/v1/projects/acme/locations/eu/publishers";
/// A model by its name with a version, as Vertex AI has them.
const DATED: &str = "claude-sonnet-4-5@20250929";

/// Names, and what they are at Vertex AI; at `anthropic` the first is the same by its own name.
const MODELS: [(&str, &str, &str); 3] = [
    ("claude", "vertex", DATED),
    ("gemini", "vertex", "gemini-2.5-pro"),
    ("direct", "anthropic", "claude-sonnet-4-5"),
];

async fn before(provider: &Provider) -> Gateway {
    let host = format!("http://{}", provider.address());
    let vertex = ", vertexAI: {project: acme, location: eu}";
    let rules = MODELS.map(|(name, provider, model)| {
        let target = format!("{{name: t, providerRef: {{name: {provider}}}, model: \"{model}\"}}");
        rule(
            name,
            &format!("match: {{models: [{name}]}}, targets: [{target}]"),
        )
    });
    serve([
        of_type("vertex", "VertexAI", &host, vertex),
        of_type("anthropic", "Anthropic", &host, ""),
        rules.concat(),
        caller(),
    ])
    .await
}

async fn ask_at(gateway: &Gateway, path: &str, flags: Option<&str>, body: &Value) -> Answer {
    let mut request = gateway.post(path).header("x-api-key", KEY);
    if let Some(flags) = flags {
        request = request.header("anthropic-beta", flags);
    }
    Answer::to(request.body(body.to_string())).await
}

fn asking(model: &str) -> Value {
    json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]})
}

#[tokio::test]
async fn tokens_of_claude_are_counted_where_its_publisher_counts_them() {
    let provider = Provider::start(|seen: &Seen| {
        if seen.path.ends_with(":countTokens") {
            Play::json(200, &json!({"totalTokens": 7}))
        } else {
            Play::json(200, &json!({"input_tokens": 42}))
        }
    })
    .await;
    let gateway = before(&provider).await;
    let path = "/v1/messages/count_tokens";
    let mut body = asking("claude");
    body.as_object_mut().unwrap().remove("max_tokens");
    let answer = ask_at(&gateway, path, None, &body).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"input_tokens": 42})),
        "{}",
        answer.text()
    );
    let seen = provider.seen().pop().unwrap();
    assert_eq!(
        seen.path,
        format!("{BELOW}/anthropic/models/count-tokens:rawPredict")
    );
    // The path names no model, and a version behind the name is refused there.
    let sent = seen.json();
    assert_eq!(sent["model"], "claude-sonnet-4-5", "{sent}");
    assert_eq!(sent["anthropic_version"], "vertex-2023-10-16", "{sent}");
    assert_eq!(sent["messages"], body["messages"]);

    // Neither publisher counts for the other.
    let asked = provider.requests();
    body["model"] = "gemini".into();
    let answer = ask_at(&gateway, path, None, &body).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
    let body = json!({"contents": [{"parts": [{"text": "Hi."}]}]});
    let counted = async |model: &str| {
        let path = format!("/v1beta/models/{model}:countTokens");
        let request = gateway.post(&path).header("x-goog-api-key", KEY);
        Answer::to(request.body(body.to_string())).await
    };
    let answer = counted("claude").await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(provider.requests(), asked);
    let answer = counted("gemini").await;
    assert_eq!(answer.json()["totalTokens"], 7, "{}", answer.text());
    let seen = provider.seen().pop().unwrap();
    assert_eq!(
        seen.path,
        format!("{BELOW}/google/models/gemini-2.5-pro:countTokens")
    );
}

#[tokio::test]
async fn the_version_of_the_first_party_is_replaced_and_what_it_alone_knows_goes() {
    let provider = polyglot().await;
    let gateway = before(&provider).await;
    let mut body = asking("claude");
    body["anthropic_version"] = "2023-06-01".into();
    body["speed"] = "fast".into();
    body["context_management"] = json!({"edits": []});
    let flags = "claude-code-20250219,context-management-2025-06-27,fast-mode-2026-02-01";
    let answer = ask_at(&gateway, "/v1/messages?beta=true", Some(flags), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = provider.seen().pop().unwrap();
    assert_eq!(
        seen.path,
        format!("{BELOW}/anthropic/models/{DATED}:rawPredict")
    );
    let sent = seen.json();
    assert_eq!(sent["anthropic_version"], "vertex-2023-10-16", "{sent}");
    assert_eq!(sent.get("model"), None, "{sent}");
    // A flag and its member go together, or stay here together.
    assert_eq!(
        seen.header("anthropic-beta"),
        Some("context-management-2025-06-27")
    );
    assert!(sent["context_management"].is_object(), "{sent}");
    assert_eq!(sent.get("speed"), None, "{sent}");

    // Anthropic itself gets all of it.
    body["model"] = "direct".into();
    let answer = ask_at(&gateway, "/v1/messages", Some(flags), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = provider.seen().pop().unwrap();
    assert_eq!(seen.header("anthropic-beta"), Some(flags));
    let sent = seen.json();
    assert_eq!(
        (&sent["speed"], &sent["anthropic_version"]),
        (&json!("fast"), &json!("2023-06-01"))
    );
}

#[tokio::test]
async fn no_flag_is_left_where_none_is_known() {
    let provider = polyglot().await;
    let gateway = before(&provider).await;
    let answer = ask_at(
        &gateway,
        "/v1/messages",
        Some("oauth-2025-04-20"),
        &asking("claude"),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = provider.seen().pop().unwrap();
    assert_eq!(seen.header("anthropic-beta"), None);
    assert_eq!(seen.json().get("anthropic_beta"), None);
}

/// Vectors, by whichever operation they are asked for.
fn vectors(seen: &Seen) -> Play {
    if seen.path.ends_with(":predict") {
        let instances = seen.json()["instances"].as_array().map_or(0, Vec::len);
        let told = json!({"embeddings": {"values": [0.5, 1], "statistics": {"token_count": 2}}});
        return Play::json(200, &json!({"predictions": vec![told; instances]}));
    }
    Play::json(200, &json!({"embedding": {"values": [0.25, 1]}}))
}

#[tokio::test]
async fn vectors_are_asked_for_as_google_has_them_there() {
    let provider = Provider::start(vectors).await;
    let host = format!("http://{}", provider.address());
    let vertex = ", vertexAI: {project: acme, location: eu}, models: [{name: old, upstreamName: text-embedding-005}, {name: new, upstreamName: gemini-embedding-2}]";
    let gateway = serve([
        of_type("vertex", "VertexAI", &host, vertex),
        chain("old", &["vertex"], ""),
        chain("new", &["vertex"], ""),
        caller(),
    ])
    .await;
    let embed = async |model: &str, input: Value| {
        let body = json!({"model": model, "input": input, "encoding_format": "float"});
        gateway.ask_at("/v1/embeddings", &body).await
    };
    let answer = embed("old", json!(["a", "b"])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["data"][1]["embedding"], json!([0.5, 1]), "{told}");
    assert_eq!(told["usage"]["prompt_tokens"], 4, "{told}");
    let seen = provider.seen().pop().unwrap();
    assert_eq!(
        (seen.path.strip_prefix(BELOW).unwrap(), seen.json()),
        (
            "/google/models/text-embedding-005:predict",
            json!({"instances": [{"content": "a"}, {"content": "b"}]})
        )
    );
    let answer = embed("new", json!("a")).await;
    assert_eq!(answer.json()["data"][0]["embedding"], json!([0.25, 1]));
    let seen = provider.seen().pop().unwrap();
    assert_eq!(
        (seen.path.strip_prefix(BELOW).unwrap(), seen.json()),
        (
            "/google/models/gemini-embedding-2:embedContent",
            json!({"content": {"parts": [{"text": "a"}]}})
        )
    );
    // It would answer with one vector for both.
    let asked = provider.requests();
    let answer = embed("new", json!(["a", "b"])).await;
    assert_eq!(
        (answer.status, answer.code().as_str(), provider.requests()),
        (400, "unsupported_by_target", asked),
        "{}",
        answer.text()
    );
    // Callers of Gemini's own words get the same.
    let body = json!({"requests": [{"content": {"parts": [{"text": "a"}]}}]});
    let request = gateway.post("/v1beta/models/old:batchEmbedContents");
    let request = request.header("x-goog-api-key", KEY).body(body.to_string());
    let told = Answer::to(request).await.json();
    assert_eq!(told["embeddings"][0]["values"], json!([0.5, 1]), "{told}");
    let seen = provider.seen().pop().unwrap();
    assert!(
        seen.path.ends_with("/text-embedding-005:predict"),
        "{}",
        seen.path
    );
}
