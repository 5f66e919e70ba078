//! What is known of models, and what is done with it.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, object, rule, secret};
use crate::harness::{Gateway, serve, whole};

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
    assert!(refused.message().contains("images (this model takes none)"));
}
