//! What a model's name means where no rule takes the request, and the names that a key can use.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, chain, key, object, provider};
use crate::harness::{Answer, Gateway, KEY, serve, whole};

const NARROW: &str = "sk-narrow-0123456789abcdef0123456789";
const TENANT: &str = "sk-tenant-0123456789abcdef0123456789";

fn names(answer: &Answer) -> Vec<String> {
    let data = answer.json()["data"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut names: Vec<String> = data
        .iter()
        .filter_map(|model| model["id"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn provider_slash_model_picks_the_provider() {
    let (a, b) = (
        Provider::always(Play::chat("A.")).await,
        Provider::always(Play::chat("B.")).await,
    );
    let gateway = serve([
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), ""),
        caller(),
    ])
    .await;
    let answer = gateway.ask(&whole("b/anything")).await;
    assert_eq!(
        (
            answer.content().as_str(),
            answer.header("x-fairlead-provider"),
            answer.header("x-fairlead-model")
        ),
        ("B.", "default/b", "anything")
    );
    assert_eq!(answer.attempts(), "default/b=ok");
    assert_eq!(b.seen()[0].model(), "anything");
    // Only the first slash splits.
    assert_eq!(gateway.ask(&whole("a/meta/llama-3")).await.status, 200);
    assert_eq!(a.seen()[0].model(), "meta/llama-3");
}

/// Gemini's callers name the model in the path, where a slash divides.
#[tokio::test]
async fn a_provider_and_its_model_are_named_in_a_path_as_in_a_body() {
    let a = Provider::always(Play::chat("A.")).await;
    let gateway = serve([provider("a", &a.base_url(), ""), caller()]).await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}).to_string();
    for (path, model) in [
        (
            "/gemini/v1beta/models/a/anything:generateContent",
            "anything",
        ),
        ("/v1beta/models/a/anything:generateContent", "anything"),
        ("/v1beta/models/a%2Fanything:generateContent", "anything"),
        // Only the first slash splits.
        (
            "/gemini/v1beta/models/a/meta/llama-3:generateContent",
            "meta/llama-3",
        ),
        ("/v1beta/models/a/qwen:7b:generateContent", "qwen:7b"),
    ] {
        let request = gateway.post(path).header("x-goog-api-key", KEY);
        let answer = Answer::to(request.body(body.clone())).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let text = &answer.json()["candidates"][0]["content"]["parts"][0]["text"];
        assert_eq!(text, "A.", "{path}");
        assert_eq!(a.seen().pop().unwrap().model(), model, "{path}");
    }
}

#[tokio::test]
async fn an_offered_name_goes_before_a_split_at_its_slash() {
    let (a, meta) = (
        Provider::always(Play::chat("A.")).await,
        Provider::always(Play::chat("Meta.")).await,
    );
    let offers = "models: [{name: meta/llama-3}]";
    let gateway = serve([
        provider("a", &a.base_url(), offers),
        provider("meta", &meta.base_url(), ""),
        caller(),
    ])
    .await;
    assert_eq!(gateway.ask(&whole("meta/llama-3")).await.content(), "A.");
    assert_eq!(gateway.ask(&whole("meta/llama-2")).await.content(), "Meta.");
}

#[tokio::test]
async fn a_bare_model_goes_to_a_provider_that_offers_it_by_its_upstream_name() {
    let (a, b) = (
        Provider::always(Play::chat("A.")).await,
        Provider::always(Play::chat("B.")).await,
    );
    let offers = "models: [{name: fast, upstreamName: fast-2024-08-06}]";
    let gateway = serve([
        provider("a", &a.base_url(), offers),
        provider("b", &b.base_url(), ""),
        caller(),
    ])
    .await;
    let answer = gateway.ask(&whole("fast")).await;
    assert_eq!(
        (answer.status, answer.header("x-fairlead-model")),
        (200, "fast-2024-08-06")
    );
    assert_eq!(
        (a.seen()[0].model().as_str(), b.requests()),
        ("fast-2024-08-06", 0)
    );
}

/// Two providers that offer one model, of which the key gives one three times the weight.
async fn weighted(a: &Provider, b: &Provider) -> Gateway {
    let offers = &format!("models: [{{name: fast}}], {ONCE}");
    let weights = "allow: {providers: [{name: a, weight: 3}, {name: b, weight: 1}]}";
    serve([
        provider("a", &a.base_url(), offers),
        provider("b", &b.base_url(), offers),
        key("caller", KEY, weights),
    ])
    .await
}

#[tokio::test]
async fn a_bare_model_is_split_by_the_keys_weights() {
    let (a, b) = (
        Provider::always(Play::chat("A.")).await,
        Provider::always(Play::chat("B.")).await,
    );
    let gateway = weighted(&a, &b).await;
    for _ in 0..100 {
        assert_eq!(gateway.ask(&whole("fast")).await.status, 200);
    }
    assert!(
        a.requests().abs_diff(75) <= 2 && a.requests() + b.requests() == 100,
        "{} {}",
        a.requests(),
        b.requests()
    );
}

#[tokio::test]
async fn a_bare_model_falls_back_to_the_other_providers_that_offer_it() {
    let (a, b) = (
        Provider::always(Play::status(503)).await,
        Provider::always(Play::chat("B.")).await,
    );
    let gateway = weighted(&a, &b).await;
    for _ in 0..10 {
        let answer = gateway.ask(&whole("fast")).await;
        assert_eq!(answer.content(), "B.");
        assert!(
            ["default/a=overloaded, default/b=ok", "default/b=ok"].contains(&answer.attempts()),
            "{}",
            answer.attempts()
        );
    }
    assert!(a.requests() >= 5, "{}", a.requests());
}

#[tokio::test]
async fn the_models_are_those_that_the_key_can_use() {
    let documents = [
        object(
            "LLMProvider",
            "a",
            "type: Simulated, models: [{name: fast}, {name: smart}]",
        ),
        object(
            "LLMProvider",
            "b",
            "type: Simulated, models: [{name: huge}]",
        ),
        caller(),
        key(
            "narrow",
            NARROW,
            "allow: {models: [\"fa*\", chat], providers: [{name: a}]}",
        ),
        key("search/tenant", TENANT, ""),
        chain("chat", &["a"], ""),
        object(
            "RoutingRule",
            "open",
            "match: {models: [\"gpt-*\"]}, targets: [{name: a, providerRef: {name: a}, model: fast}]",
        ),
    ];
    let gateway = serve(documents).await;
    let all = gateway.get_as(KEY, "/v1/models").await;
    assert_eq!(
        (all.status, all.json()["object"].as_str()),
        (200, Some("list"))
    );
    assert_eq!(names(&all), ["chat", "fast", "huge", "smart"]);
    assert_eq!(
        names(&gateway.get_as(NARROW, "/v1/models").await),
        ["chat", "fast"]
    );
    assert_eq!(names(&gateway.get_as(TENANT, "/v1/models").await), [""; 0]);
    let one: Value = gateway.get_as(KEY, "/v1/models/fast").await.json();
    assert_eq!(
        (one["id"].as_str(), one["object"].as_str()),
        (Some("fast"), Some("model"))
    );
    assert_eq!(
        gateway.get_as(NARROW, "/v1/models/huge").await.code(),
        "unknown_model"
    );
}

#[tokio::test]
async fn a_provider_of_another_namespace_answers_only_those_it_admits() {
    let documents = [
        object(
            "LLMProvider",
            "open",
            "type: Simulated, models: [{name: fast}], access: {namespaces: {from: All}}",
        ),
        object(
            "LLMProvider",
            "closed",
            "type: Simulated, models: [{name: smart}]",
        ),
        key("search/tenant", TENANT, ""),
    ];
    let gateway = serve(documents).await;
    let status = async |model: &str| gateway.ask_as(TENANT, &whole(model)).await.status;
    assert_eq!(
        (status("fast").await, status("open/fast").await),
        (200, 200)
    );
    let refused = [status("smart").await, status("closed/smart").await];
    assert!(
        refused.iter().all(|status| [403, 404].contains(status)),
        "{refused:?}"
    );
}
