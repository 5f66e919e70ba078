//! Claude on Bedrock for callers of every surface: where it is asked, which words of Anthropic's do not go there, and what an inference profile of
//! one's own can do.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use super::{bedrock, keys};
use crate::harness::yaml::{KEY, caller, rule, secret};
use crate::harness::{Answer, Gateway, serve};

const PROFILE: &str = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc";
const ESCAPED: &str =
    "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc";

/// `named` is the profile by the name of the model behind it, `bare` the profile alone.
async fn before(provider: &Provider) -> Gateway {
    let models = format!(", models: [{{name: claude-sonnet-4-5, upstreamName: \"{PROFILE}\"}}]");
    let named = bedrock("a", provider, "secretRef: {name: a-key}");
    let named = named.replace("type: Bedrock", &format!("type: Bedrock{models}"));
    let to = |name: &str, provider: &str, model: &str| {
        let target = format!("{{name: a, providerRef: {{name: {provider}}}, model: \"{model}\"}}");
        rule(
            name,
            &format!("match: {{models: [{name}]}}, targets: [{target}]"),
        )
    };
    serve([
        named,
        bedrock("b", provider, "secretRef: {name: a-key}"),
        secret("a-key", "credential", &keys(None)),
        to("named", "a", "claude-sonnet-4-5"),
        to("bare", "b", PROFILE),
        caller(),
    ])
    .await
}

async fn send(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    let request = gateway
        .post(path)
        .header("x-api-key", KEY)
        .header(
            "anthropic-beta",
            "context-1m-2025-08-07,oauth-2025-04-20,fast-mode-2026-02-01",
        )
        .header("anthropic-version", "2023-06-01");
    Answer::to(request.body(body.to_string())).await
}

/// A request of each surface for the same, by its path.
fn everywhere(model: &str) -> [(String, Value); 4] {
    let said = json!([{"role": "user", "content": "Hi."}]);
    [
        (
            "/v1/chat/completions".to_owned(),
            json!({"model": model, "messages": said}),
        ),
        (
            "/v1/responses".to_owned(),
            json!({"model": model, "input": "Hi."}),
        ),
        (
            "/v1/messages?beta=true".to_owned(),
            json!({"model": model, "max_tokens": 9, "messages": said, "anthropic_version": "2023-06-01"}),
        ),
        (
            format!("/v1beta/models/{model}:generateContent"),
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}),
        ),
    ]
}

#[tokio::test]
async fn a_profile_is_asked_at_one_path_by_callers_of_every_surface() {
    let provider = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = before(&provider).await;
    for model in ["named", "bare"] {
        for (path, body) in everywhere(model) {
            let answer = send(&gateway, &path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let seen = provider.seen().pop().unwrap();
            assert_eq!(seen.path, format!("/model/{ESCAPED}/converse"), "{path}");
        }
    }
}

/// Bedrock refuses a request for a flag that it does not know, and Converse has no version of Anthropic's API.
#[tokio::test]
async fn flags_and_versions_of_anthropics_do_not_go_to_bedrock() {
    let provider = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = before(&provider).await;
    for (path, body) in everywhere("named") {
        let answer = send(&gateway, &path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let seen = provider.seen().pop().unwrap();
        for header in ["anthropic-beta", "anthropic-version"] {
            assert_eq!(seen.header(header), None, "{path}");
        }
        let sent = seen.json().to_string();
        assert!(!sent.contains("anthropic_"), "{path}: {sent}");
    }
}

#[tokio::test]
async fn a_profile_that_is_called_by_its_model_can_do_what_that_model_can() {
    let provider = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = before(&provider).await;
    let mark = json!({"type": "ephemeral"});
    let asking = |model: &str| {
        json!({"model": model, "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi.", "cache_control": mark}]}]})
    };
    let answer = send(&gateway, "/v1/messages", &asking("named")).await;
    assert_eq!((answer.status, answer.header("warning")), (200, ""));
    let sent = provider.seen().pop().unwrap().json();
    assert_eq!(
        sent["additionalModelRequestFields"]["thinking"],
        json!({"type": "enabled", "budget_tokens": 2000}),
        "{sent}"
    );
    let point = &sent["messages"][0]["content"][1];
    assert_eq!(*point, json!({"cachePoint": {"type": "default"}}), "{sent}");
    // Nothing is guessed of one that is called by nothing but its address.
    let answer = send(&gateway, "/v1/messages", &asking("bare")).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (400, Some("unsupported_by_target")),
        "{}",
        answer.text()
    );
    assert_eq!(provider.requests(), 1);
}
