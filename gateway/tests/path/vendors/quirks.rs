//! What agents say of themselves, at compatible vendors of whom is known what they take and what they refuse.

use serde_json::{Value, json};

use super::{of_type, polyglot};
use crate::harness::yaml::{KEY, caller, chain};
use crate::harness::{Answer, Gateway, serve};

/// `model` is served by a vendor of this type.
async fn before(host: &str, kinds: &[(&str, &str)]) -> Gateway {
    let documents = kinds.iter().map(|(model, kind)| {
        let provider = of_type(model, kind, host, "");
        provider + &chain(model, &[model], "")
    });
    serve([documents.collect(), caller()]).await
}

/// Codex names a key of the cache and how much is said in each of its requests.
#[tokio::test]
async fn who_refuses_what_it_does_not_know_is_not_sent_it() {
    let provider = polyglot().await;
    let host = format!("http://{}", provider.address());
    let kinds = [("groq", "Groq"), ("mistral", "Mistral"), ("other", "XAI")];
    let gateway = before(&host, &kinds).await;
    for (model, sent, told) in [
        ("groq", json!([null, null, "high"]), "prompt_cache_key"),
        ("mistral", json!(["k", null, "xhigh"]), "verbosity"),
        ("other", json!(["k", "low", "xhigh"]), ""),
    ] {
        let body = json!({"model": model, "input": "Hi.", "prompt_cache_key": "k", "text": {"verbosity": "low"}, "reasoning": {"effort": "xhigh"}, "store": false});
        let answer = gateway.ask_at("/v1/responses", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = provider.seen().pop().unwrap().json();
        let of = |name: &str| body.get(name).cloned().unwrap_or_default();
        let found = json!([
            of("prompt_cache_key"),
            of("verbosity"),
            of("reasoning_effort")
        ]);
        assert_eq!(found, sent, "{model}: {body}");
        let warning = answer.header("warning");
        assert!(warning.contains(told), "{model}: {warning}");
        assert_eq!(warning.is_empty(), told.is_empty(), "{model}: {warning}");
    }
}

/// Gemini's command line names a `topK` in each of its requests.
#[tokio::test]
async fn servers_of_open_models_sample_as_they_are_asked() {
    let provider = polyglot().await;
    let host = format!("http://{}", provider.address());
    let gateway = before(&host, &[("vllm", "VLLM"), ("groq", "Groq")]).await;
    let ask = async |model: &str| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}], "generationConfig": {"topK": 64, "topP": 0.95}});
        let request = gateway.post(&format!("/v1beta/models/{model}:generateContent"));
        let request = request.header("x-goog-api-key", KEY);
        Answer::to(request.body(body.to_string())).await
    };
    let answer = ask("vllm").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent: Value = provider.seen().pop().unwrap().json();
    assert_eq!((&sent["top_k"], &sent["top_p"]), (&json!(64), &json!(0.95)));
    // Who has no such thing is not asked for something else.
    let answer = ask("groq").await;
    assert_eq!(
        (answer.status, provider.requests()),
        (400, 1),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("top_k"), "{}", answer.text());
}
