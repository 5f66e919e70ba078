//! Types of providers: where each is asked, how it is shown its key, and what is changed in its requests.

mod azure;
mod cohere;
mod quirks;
mod vertex;

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, ONCE, caller, chain, object, rule, secret};
use crate::harness::{Answer, Gateway, serve, whole};

/// The value of every credential.
const CREDENTIAL: &str = "key-0123456789abcdef";

/// A provider that answers in the words of whoever asks there.
async fn polyglot() -> Provider {
    Provider::start(|seen: &Seen| {
        if seen.path.contains("enerateContent") {
            Play::json(
                200,
                &json!({
                    "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP"}],
                    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
                }),
            )
        } else if seen.path.contains("/messages") || seen.path.contains("awPredict") {
            Play::json(
                200,
                &json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                    "content": [{"type": "text", "text": "Hello."}],
                    "stop_reason": "end_turn", "stop_sequence": null,
                    "usage": {"input_tokens": 3, "output_tokens": 2},
                }),
            )
        } else {
            Play::chat("Hello.")
        }
    })
    .await
}

/// An `LLMProvider` of a type with the credential; `more` are further fields.
fn of_type(name: &str, kind: &str, base_url: &str, more: &str) -> String {
    let spec = format!(
        "type: {kind}, baseURL: \"{base_url}\", allowPrivateNetwork: true, credentials: [{{name: main, secretRef: {{name: {name}-key}}}}], {ONCE}{more}"
    );
    let value = format!("apiKey: {CREDENTIAL}");
    object("LLMProvider", name, &spec) + &secret(&format!("{name}-key"), "credential", &value)
}

async fn ask(gateway: &Gateway, body: &Value) -> Answer {
    let answer = gateway.ask(body).await;
    assert_eq!(
        (answer.status, answer.content().as_str()),
        (200, "Hello."),
        "{}",
        answer.text()
    );
    answer
}

/// A fixture a vendor: its type and more of it, the path it is asked at below its host, and the header of its key.
#[rustfmt::skip]
const VENDORS: &[(&str, &str, &str, &str)] = &[
    ("OpenAI", "", "/chat/completions", "authorization"),
    ("Anthropic", "", "/v1/messages", "x-api-key"),
    ("Gemini", "", "/v1beta/models/m:generateContent", "x-goog-api-key"),
    ("AzureOpenAI", "", "/openai/v1/chat/completions", "api-key"),
    ("AzureOpenAI", ", azureOpenAI: {apiVersion: \"2024-10-21\"}", "/openai/deployments/m/chat/completions?api-version=2024-10-21", "api-key"),
    ("VertexAI", ", vertexAI: {project: acme, location: eu}", "/v1/projects/acme/locations/eu/publishers/google/models/m:generateContent", "x-goog-api-key"),
    ("Cohere", "", "/compatibility/v1/chat/completions", "authorization"),
    ("Groq", "", "/openai/v1/chat/completions", "authorization"),
    ("Mistral", "", "/v1/chat/completions", "authorization"),
    ("DeepSeek", "", "/v1/chat/completions", "authorization"),
    ("XAI", "", "/v1/chat/completions", "authorization"),
    ("Together", "", "/v1/chat/completions", "authorization"),
    ("Fireworks", "", "/inference/v1/chat/completions", "authorization"),
    ("OpenRouter", "", "/api/v1/chat/completions", "authorization"),
    ("Perplexity", "", "/chat/completions", "authorization"),
    ("Cerebras", "", "/v1/chat/completions", "authorization"),
    ("Nebius", "", "/v1/chat/completions", "authorization"),
    ("HuggingFace", "", "/v1/chat/completions", "authorization"),
    ("NvidiaNIM", "", "/v1/chat/completions", "authorization"),
    ("Cloudflare", "", "/chat/completions", "authorization"),
    ("Databricks", "", "/serving-endpoints/chat/completions", "authorization"),
    ("Ollama", "", "/v1/chat/completions", "authorization"),
    ("VLLM", "", "/v1/chat/completions", "authorization"),
    ("SGLang", "", "/v1/chat/completions", "authorization"),
    ("LlamaCpp", "", "/v1/chat/completions", "authorization"),
    ("LMStudio", "", "/v1/chat/completions", "authorization"),
];

#[tokio::test]
async fn every_vendor_is_asked_where_it_is_and_shown_its_key_as_it_wants_it() {
    let provider = polyglot().await;
    let host = format!("http://{}", provider.address());
    let mut documents = vec![caller()];
    for (at, (kind, more, ..)) in VENDORS.iter().enumerate() {
        let name = format!("p{at}");
        documents.push(of_type(&name, kind, &host, more));
        let targets = format!("targets: [{{name: it, providerRef: {{name: {name}}}, model: m}}]");
        documents.push(rule(
            &name,
            &format!("match: {{models: [{name}]}}, {targets}"),
        ));
    }
    let gateway = serve([documents.concat()]).await;
    for (at, (kind, _, path, header)) in VENDORS.iter().enumerate() {
        ask(&gateway, &whole(&format!("p{at}"))).await;
        let seen = provider.seen().pop().unwrap();
        assert_eq!(seen.path, *path, "{kind}");
        for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key"] {
            let expected = match name {
                _ if name != *header => None,
                "authorization" => Some(format!("Bearer {CREDENTIAL}")),
                _ => Some(CREDENTIAL.to_owned()),
            };
            assert_eq!(seen.header(name), expected.as_deref(), "{kind}");
        }
    }
}

#[tokio::test]
async fn claude_on_vertex_ai_is_asked_below_its_publisher_in_its_own_words() {
    let provider = polyglot().await;
    let host = format!("http://{}", provider.address());
    let vertex = ", vertexAI: {project: acme, location: eu}";
    let gateway = serve([
        of_type("vertex", "VertexAI", &host, vertex),
        chain("claude-x", &["vertex"], ""),
        chain("gemini-x", &["vertex"], ""),
        caller(),
    ])
    .await;
    let below = "/v1/projects/acme/locations/eu/publishers";
    ask(&gateway, &whole("claude-x")).await;
    let claude = provider.seen().pop().unwrap();
    assert_eq!(
        claude.path,
        format!("{below}/anthropic/models/claude-x:rawPredict")
    );
    let sent = claude.json();
    assert_eq!(sent["anthropic_version"], "vertex-2023-10-16", "{sent}");
    assert_eq!(sent.get("model"), None, "{sent}");
    // Bytes that pass through are changed in the same way.
    let native = json!({"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]});
    let request = gateway.post("/v1/messages").header("x-api-key", KEY);
    let answer = Answer::to(request.body(native.to_string())).await;
    assert_eq!(
        answer.json()["content"][0]["text"],
        "Hello.",
        "{}",
        answer.text()
    );
    let sent = provider.seen().pop().unwrap().json();
    assert_eq!(sent["anthropic_version"], "vertex-2023-10-16", "{sent}");
    assert_eq!(sent.get("model"), None, "{sent}");
    ask(&gateway, &whole("gemini-x")).await;
    let gemini = provider.seen().pop().unwrap();
    assert_eq!(
        gemini.path,
        format!("{below}/google/models/gemini-x:generateContent")
    );
}

#[tokio::test]
async fn parameters_and_headers_are_changed_by_the_target_before_its_provider() {
    let provider = polyglot().await;
    let base = provider.base_url();
    let amended = ", parameters: {defaults: {seed: 7, top_p: 0.5}, overrides: {temperature: 0, store: false}, remove: [user]}, headers: {set: [{name: x-team, value: provider}, {name: x-kept, value: \"yes\"}], remove: [openai-beta]}";
    let claude = ", parameters: {overrides: {service_tier: standard_only}}";
    let target = "match: {models: [amended]}, targets: [{name: it, providerRef: {name: openai}, model: m, parameters: {overrides: {temperature: 1}}, headers: {set: [{name: x-team, value: target}]}}]";
    let gateway = serve([
        of_type("openai", "OpenAI", &base, amended),
        of_type("claude", "Anthropic", &base, claude),
        of_type("bystander", "OpenAI", &base, ""),
        rule("amended", target),
        chain("by-provider", &["openai"], ""),
        chain("translated", &["claude"], "onUnsupported: Drop"),
        chain("untouched", &["bystander"], ""),
        caller(),
    ])
    .await;
    let asked = |model: &str| {
        let mut body = whole(model);
        body["user"] = json!("me");
        body["seed"] = json!(1);
        body["temperature"] = json!(0.3);
        body
    };
    let sent = async |model: &str| {
        let request = gateway
            .post("/v1/chat/completions")
            .header("authorization", format!("Bearer {KEY}"))
            .header("openai-beta", "x=1");
        let answer = Answer::to(request.body(asked(model).to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        provider.seen().pop().unwrap()
    };
    let by_target = sent("amended").await;
    let body = by_target.json();
    assert_eq!(body["temperature"], 1, "{body}");
    assert_eq!(
        (&body["seed"], &body["top_p"], &body["store"]),
        (&json!(1), &json!(0.5), &json!(false))
    );
    assert_eq!(
        (body.get("user"), &body["model"]),
        (None, &json!("m")),
        "{body}"
    );
    assert_eq!(by_target.header("x-team"), Some("target"));
    assert_eq!(by_target.header("x-kept"), Some("yes"));
    assert_eq!(by_target.header("openai-beta"), None);
    let by_provider = sent("by-provider").await;
    assert_eq!(by_provider.json()["temperature"], 0);
    assert_eq!(by_provider.header("x-team"), Some("provider"));
    let translated = sent("translated").await.json();
    assert_eq!(translated["service_tier"], "standard_only", "{translated}");
    let untouched = sent("untouched").await;
    assert_eq!(untouched.json(), asked("untouched"));
    assert_eq!(untouched.header("x-team"), None);
    assert_eq!(untouched.header("openai-beta"), Some("x=1"));
}

#[tokio::test]
async fn ids_fit_a_server_of_mistrals_wherever_it_is_and_pass_elsewhere() {
    let provider = polyglot().await;
    let gateway = serve([
        of_type("local", "Mistral", &provider.base_url(), ""),
        of_type("other", "VLLM", &provider.base_url(), ""),
        caller(),
        chain("local", &["local"], ""),
        chain("other", &["other"], ""),
    ])
    .await;
    let id = "call_0123456789abcdef";
    for (model, fits) in [("local", true), ("other", false)] {
        let call =
            json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let body = json!({"model": model, "messages": [
            {"role": "user", "content": "Go."},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id, "content": "Done."},
        ]});
        ask(&gateway, &body).await;
        let messages = provider.seen().pop().unwrap().json()["messages"].clone();
        let sent = messages[1]["tool_calls"][0]["id"].as_str().unwrap();
        assert_eq!(messages[2]["tool_call_id"], sent, "{model}");
        let nine = sent.len() == 9 && sent.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert_eq!((nine, sent == id), (fits, !fits), "{model}: {sent}");
    }
}
