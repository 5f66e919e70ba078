//! What is known of models, and what is done with it.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, ONCE, caller, object, rule, secret};
use crate::harness::{Answer, Gateway, serve, whole};

/// A provider of Anthropic's.
async fn claude() -> Provider {
    Provider::always(Play::json(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Hello."}],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }),
    ))
    .await
}

/// An `LLMProvider` of a type; `more` are further fields.
fn of_type(kind: &str, name: &str, provider: &Provider, more: &str) -> String {
    let spec = format!(
        "type: {kind}, baseURL: \"{}\", allowPrivateNetwork: true, credentials: [{{name: main, secretRef: {{name: {name}-key}}}}], {ONCE}{more}",
        provider.base_url()
    );
    let value = "apiKey: key-0123456789abcdef";
    object("LLMProvider", name, &spec) + &secret(&format!("{name}-key"), "credential", value)
}

/// A rule for one name, whose targets are these models of providers, in this order.
fn to(name: &str, targets: &[(&str, &str)]) -> String {
    let target = |(at, (provider, model)): (usize, &(&str, &str))| {
        format!("{{name: t{at}, providerRef: {{name: {provider}}}, model: \"{model}\"}}")
    };
    let mut targets = targets.iter().enumerate().map(target);
    let first = targets.next().unwrap();
    let others: Vec<String> = targets.collect();
    let spec = format!(
        "match: {{models: [{name}]}}, targets: [{first}], fallbacks: [{}]",
        others.join(", ")
    );
    rule(name, &spec)
}

/// What a provider was sent last.
fn sent(provider: &Provider) -> Value {
    provider.seen().pop().unwrap().json()
}

async fn answered(gateway: &Gateway, body: &Value) {
    let answer = gateway.ask(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn where_a_limit_is_demanded_and_none_is_named_it_is_the_longest_answer_of_the_model() {
    let a = claude().await;
    let gateway = serve([
        of_type("Anthropic", "a", &a, ""),
        caller(),
        to("known", &[("a", "claude-sonnet-4-5-20250929")]),
        to("unknown", &[("a", "my-own")]),
    ])
    .await;
    for (name, most) in [("known", 64_000), ("unknown", 4096)] {
        answered(&gateway, &whole(name)).await;
        assert_eq!(sent(&a)["max_tokens"], most, "{name}");
    }
    let mut named = whole("known");
    named["max_tokens"] = json!(7);
    answered(&gateway, &named).await;
    assert_eq!(sent(&a)["max_tokens"], 7);
}

/// A question with a picture.
fn with_image(model: &str) -> Value {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    json!({"model": model, "messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]})
}

#[tokio::test]
async fn a_target_that_sees_no_images_is_passed_over_for_a_request_with_one() {
    let blind = Provider::always(Play::chat("Blind.")).await;
    let seeing = Provider::always(Play::chat("Seeing.")).await;
    let gateway = serve([
        of_type("DeepSeek", "blind", &blind, ""),
        of_type("Groq", "seeing", &seeing, ""),
        caller(),
        to(
            "both",
            &[("blind", "deepseek-chat"), ("seeing", "nobody-knows-it")],
        ),
        to("one", &[("blind", "deepseek-chat")]),
    ])
    .await;
    let answer = gateway.ask(&with_image("both")).await;
    assert_eq!((answer.status, &*answer.content()), (200, "Seeing."));
    assert!(
        answer.attempts().contains("unsupported"),
        "{}",
        answer.attempts()
    );
    assert_eq!(blind.seen().len(), 0);
    let answer = gateway.ask(&whole("both")).await;
    assert_eq!((answer.status, &*answer.content()), (200, "Blind."));
    let refused = gateway.ask(&with_image("one")).await;
    assert_eq!(
        (refused.status, &*refused.code()),
        (400, "unsupported_by_target"),
        "{}",
        refused.text()
    );
    let told = refused.message();
    for part in [
        "\"deepseek-chat\" of the provider",
        "blind",
        "images",
        "supports",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("onUnsupported"), "{told}");
}

#[tokio::test]
async fn a_model_that_takes_no_temperature_is_sent_none() {
    let provider = Provider::always(Play::chat("Hello.")).await;
    let a = claude().await;
    let gateway = serve([
        of_type("Anthropic", "a", &a, ""),
        of_type("OpenAI", "b", &provider, ""),
        caller(),
        to("reasoning", &[("b", "o3-mini")]),
        to("other", &[("b", "my-own")]),
        to("then-a", &[("b", "o3-mini"), ("a", "my-own")]),
    ])
    .await;
    let ask = async |model: &str, temperature: f64| {
        let body = json!({"model": model, "max_tokens": 9, "temperature": temperature, "messages": [{"role": "user", "content": "Hi."}]});
        let request = gateway.post("/v1/messages").header("x-api-key", KEY);
        let request = request.header("anthropic-version", "2023-06-01");
        Answer::to(request.body(body.to_string())).await
    };
    let usual = ask("reasoning", 1.0).await;
    assert_eq!(usual.status, 200, "{}", usual.text());
    let body = sent(&provider);
    assert_eq!(
        (
            &body["temperature"],
            &body["max_tokens"],
            &body["max_completion_tokens"]
        ),
        (&Value::Null, &Value::Null, &json!(9))
    );
    assert_eq!(ask("other", 0.5).await.status, 200);
    let body = sent(&provider);
    assert_eq!(
        (&body["temperature"], &body["max_tokens"]),
        (&json!(0.5), &json!(9))
    );
    let refused = ask("reasoning", 0.5).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let passed = ask("then-a", 0.5).await;
    assert_eq!(
        (passed.status, sent(&a)["temperature"].clone()),
        (200, json!(0.5))
    );
}

#[tokio::test]
async fn a_list_of_models_tells_what_is_known_of_whom_they_lead_to() {
    let a = claude().await;
    let gateway = serve([
        of_type("Anthropic", "a", &a, ""),
        of_type("DeepSeek", "b", &a, ""),
        caller(),
        to("known", &[("a", "claude-sonnet-4-5"), ("b", "deepseek-chat")]),
        to("unknown", &[("a", "my-own")]),
        rule(
            "spread",
            "match: {models: [spread]}, targets: [{name: x, providerRef: {name: a}, model: claude-sonnet-4-5}, {name: y, providerRef: {name: b}, model: deepseek-chat}]",
        ),
    ])
    .await;
    let one = async |name: &str| {
        gateway
            .get_as(KEY, &format!("/v1/models/{name}"))
            .await
            .json()
    };
    let known = one("known").await;
    assert_eq!(
        (&known["context_window"], &known["max_output_tokens"]),
        (&json!(200_000), &json!(64_000))
    );
    assert_eq!(known["capabilities"]["images"], true);
    assert_eq!(known["capabilities"]["audio"], false);
    let unknown = one("unknown").await;
    for member in ["context_window", "max_output_tokens", "capabilities"] {
        assert_eq!(unknown.get(member), None, "{member}");
    }
    let spread = one("spread").await;
    assert_eq!(
        spread["context_window"], 131_072,
        "the least of all targets"
    );
    assert_eq!(spread["capabilities"]["tools"], true);
    assert_eq!(spread["capabilities"].get("images"), None, "they differ");
    let listed = gateway.get_as(KEY, "/v1/models").await.json();
    assert_eq!(listed["data"][0], known);
}

#[tokio::test]
async fn what_is_too_long_for_one_window_goes_to_a_larger_one() {
    let error = json!({"error": {"message": "Too long.", "type": "invalid_request_error", "code": "context_length_exceeded"}});
    let small = Provider::always(Play::json(400, &error)).await;
    let (same, large) = (Provider::always(Play::chat("No.")).await, claude().await);
    let gateway = serve([
        of_type("DeepSeek", "small", &small, ""),
        of_type("DeepSeek", "same", &same, ""),
        of_type("Anthropic", "large", &large, ""),
        caller(),
        to(
            "long",
            &[
                ("small", "deepseek-chat"),
                ("same", "deepseek-reasoner"),
                ("large", "claude-sonnet-4-5"),
            ],
        ),
    ])
    .await;
    answered(&gateway, &whole("long")).await;
    assert_eq!((small.seen().len(), same.seen().len()), (1, 0));
    assert_eq!(large.seen().len(), 1);
}
