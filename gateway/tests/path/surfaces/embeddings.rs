//! Embeddings and the counting of tokens in the words of OpenAI and of Gemini, of providers of both.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, ONCE, caller, chain, object, provider, secret};
use crate::harness::{Answer, Gateway, serve};

fn gemini(name: &str, base_url: &str) -> String {
    let spec = format!(
        "type: Gemini, baseURL: \"{base_url}\", allowPrivateNetwork: true, credentials: [{{name: main, secretRef: {{name: {name}-key}}}}], models: [{{name: vectors, upstreamName: gemini-embedding-001}}], {ONCE}"
    );
    object("LLMProvider", name, &spec)
        + &secret(
            &format!("{name}-key"),
            "credential",
            "apiKey: g-0123456789abcdef",
        )
}

/// What Google answers at each of its places.
fn google(seen: &Seen) -> Play {
    let vector = |at: usize| json!({"values": [0.25, -0.5, at]});
    let asked = seen.json();
    let answer = match seen.path.rsplit(':').next().unwrap_or_default() {
        "batchEmbedContents" => {
            let count = asked["requests"].as_array().map_or(0, Vec::len);
            json!({"embeddings": (0..count).map(vector).collect::<Vec<_>>()})
        }
        "embedContent" => json!({"embedding": vector(1)}),
        "countTokens" => json!({"totalTokens": 31}),
        _ => json!({}),
    };
    Play::json(200, &answer)
}

/// `google` and `openai` are asked by each rule; the rule is named like its first target.
async fn world() -> (Gateway, Provider, Provider) {
    let a = Provider::start(google).await;
    let b = Provider::always(Play::chat("Hi.")).await;
    let gateway = serve([
        gemini(
            "google",
            &format!("{}/v1beta", a.base_url().trim_end_matches("/v1")),
        ),
        provider("openai", &b.base_url(), ONCE),
        caller(),
        "".to_owned(),
        chain("gpt", &["openai"], ""),
        chain("loose", &["openai"], "onUnsupported: Drop"),
    ])
    .await;
    (gateway, a, b)
}

async fn ask_google(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    let request = gateway.post(path).header("x-goog-api-key", KEY);
    Answer::to(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_caller_of_openai_has_vectors_of_gemini() {
    let (gateway, google, _openai) = world().await;
    let body = json!({"model": "vectors", "input": ["a", "b"], "dimensions": 3});
    let got = gateway.ask_at("/v1/embeddings", &body).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let json = got.json();
    assert_eq!(
        json["data"][1],
        json!({"object": "embedding", "index": 1, "embedding": [0.25, -0.5, 1]})
    );
    assert_eq!(json["model"], "gemini-embedding-001");
    let seen = &google.seen()[0];
    assert_eq!(
        seen.path,
        "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    );
    assert_eq!(
        seen.json()["requests"][0],
        json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]}, "outputDimensionality": 3})
    );
    // The official libraries ask for base64.
    let body = json!({"model": "vectors", "input": "a", "encoding_format": "base64"});
    let got = gateway.ask_at("/openai/v1/embeddings", &body).await;
    assert_eq!(got.json()["data"][0]["embedding"], "AACAPgAAAL8AAAAA");
    // Tokens of one model are no text of another.
    let got = gateway
        .ask_at(
            "/v1/embeddings",
            &json!({"model": "vectors", "input": [1, 2]}),
        )
        .await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (400, "unsupported_by_target")
    );
    assert!(got.message().contains("tokens"), "{}", got.message());
    assert_eq!(google.requests(), 2);
}

#[tokio::test]
async fn a_caller_of_gemini_has_vectors_of_openai() {
    let (gateway, _google, openai) = world().await;
    let content = |text: &str| json!({"parts": [{"text": text}]});
    let body = json!({"content": content("a"), "outputDimensionality": 3});
    let got = ask_google(&gateway, "/v1beta/models/gpt:embedContent", &body).await;
    assert_eq!(
        (got.status, got.json()),
        (
            200,
            json!({"embedding": {"values": [0.25, -0.5, 1.0]}, "usageMetadata": {"promptTokenCount": 10}})
        )
    );
    assert_eq!(
        openai.seen()[0].json(),
        json!({"model": "gpt", "input": ["a"], "encoding_format": "float", "dimensions": 3})
    );
    let requests = json!({"requests": [{"model": "models/gpt", "content": content("a")}, {"model": "models/gpt", "content": content("b")}]});
    let got = ask_google(
        &gateway,
        "/gemini/v1beta/models/gpt:batchEmbedContents",
        &requests,
    )
    .await;
    assert_eq!(got.json()["embeddings"].as_array().unwrap().len(), 2);
    // What a vector is for changes it.
    let body = json!({"content": content("a"), "taskType": "RETRIEVAL_QUERY"});
    let got = ask_google(&gateway, "/v1beta/models/gpt:embedContent", &body).await;
    assert_eq!(got.status, 400);
    assert_eq!(
        got.json()["error"]["details"][0]["reason"],
        "unsupported_by_target"
    );
    let got = ask_google(&gateway, "/v1beta/models/loose:embedContent", &body).await;
    assert_eq!(got.status, 200);
    assert!(
        got.header("warning").contains("taskType"),
        "{}",
        got.header("warning")
    );
}

#[tokio::test]
async fn gemini_is_asked_for_gemini_by_the_name_that_was_planned_and_no_other() {
    let (gateway, google, _openai) = world().await;
    let content = json!({"role": "user", "parts": [{"text": "Hi."}]});
    for (action, body, answer) in [
        (
            "countTokens",
            json!({"contents": [content]}),
            json!({"totalTokens": 31}),
        ),
        (
            "countTokens",
            json!({"generateContentRequest": {"model": "models/dearer", "contents": [content]}}),
            json!({"totalTokens": 31}),
        ),
        (
            "embedContent",
            json!({"model": "models/dearer", "content": content, "taskType": "RETRIEVAL_QUERY"}),
            json!({"embedding": {"values": [0.25, -0.5, 1]}}),
        ),
        (
            "batchEmbedContents",
            json!({"requests": [{"model": "models/dearer", "content": content}]}),
            json!({"embeddings": [{"values": [0.25, -0.5, 0]}]}),
        ),
    ] {
        let path = format!("/v1beta/models/vectors:{action}");
        let got = ask_google(&gateway, &path, &body).await;
        assert_eq!(
            (got.status, got.json()),
            (200, answer),
            "{action}: {}",
            got.text()
        );
        let seen = google.seen().pop().unwrap();
        assert_eq!(
            seen.path,
            format!("/v1beta/models/gemini-embedding-001:{action}")
        );
        let sent = String::from_utf8_lossy(&seen.body).into_owned();
        assert_eq!(
            sent,
            body.to_string().replace("dearer", "gemini-embedding-001")
        );
    }
    let got = ask_google(
        &gateway,
        "/v1beta/models/gpt:countTokens",
        &json!({"contents": []}),
    )
    .await;
    assert_eq!(got.status, 404);
    assert_eq!(
        got.json()["error"]["details"][0]["reason"],
        "unsupported_operation"
    );
}

/// An answer of OpenAI's form with so many of this vector.
fn vectors(vector: &Value, count: usize) -> Play {
    let entry = json!({"object": "embedding", "index": 0, "embedding": vector});
    Play::json(
        200,
        &json!({"object": "list", "data": vec![entry; count], "model": "e", "own": [1], "usage": {"prompt_tokens": 2, "total_tokens": 2}}),
    )
}

#[tokio::test]
async fn vectors_are_coded_as_asked_where_a_host_ignores_it() {
    let (numbers, base64) = (json!([0.25, -1.5]), json!("AACAPgAAwL8="));
    // More than is held of what passes as it comes.
    let many = 80_000;
    for (given, asked, got, count) in [
        (&numbers, Some("base64"), &base64, 2),
        (&base64, Some("float"), &numbers, 2),
        (&numbers, Some("base64"), &base64, many),
        (&numbers, Some("float"), &numbers, 2),
        (&base64, Some("base64"), &base64, 2),
        // What nobody has asked for, or in a host's own words, is as the host makes it.
        (&base64, None, &base64, 2),
        (&numbers, Some("int8"), &numbers, 2),
    ] {
        let host = Provider::always(vectors(given, count)).await;
        let gateway = serve([
            provider("openai", &host.base_url(), ONCE),
            caller(),
            chain("e", &["openai"], ""),
        ])
        .await;
        let mut body = json!({"model": "e", "input": ["a", "b"]});
        if let Some(asked) = asked {
            body["encoding_format"] = json!(asked);
        }
        let answer = gateway.ask_at("/v1/embeddings", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        let data = told["data"].as_array().unwrap();
        assert_eq!(data.len(), count);
        assert!(
            data.iter().all(|entry| entry["embedding"] == *got),
            "{asked:?}: {}",
            data[0]
        );
        assert_eq!(
            (&told["own"], &told["usage"]["prompt_tokens"]),
            (&json!([1]), &json!(2))
        );
        assert_eq!(host.seen()[0].json(), body);
    }
}
