//! Azure's API by deployments: its version is in every request, and what a version lacks is not asked of it.

use serde_json::json;

use super::{of_type, polyglot};
use crate::harness::yaml::{caller, rule};
use crate::harness::{serve, whole};

#[tokio::test]
async fn a_version_before_schemas_is_not_asked_for_one_and_the_next_target_is() {
    let provider = polyglot().await;
    let host = format!("http://{}", provider.address());
    let version = |date: &str| format!(", azureOpenAI: {{apiVersion: \"{date}\"}}");
    let target =
        |name: &str| format!("{{name: {name}, providerRef: {{name: {name}}}, model: gpt-4o}}");
    let gateway = serve([
        of_type("old", "AzureOpenAI", &host, &version("2024-06-01")),
        of_type("new", "AzureOpenAI", &host, &version("2024-10-21")),
        rule(
            "both",
            &format!(
                "match: {{models: [both]}}, targets: [{}], fallbacks: [{}]",
                target("old"),
                target("new")
            ),
        ),
        rule(
            "old",
            &format!("match: {{models: [old]}}, targets: [{}]", target("old")),
        ),
        caller(),
    ])
    .await;
    let asking = |model: &str| {
        let mut body = whole(model);
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}});
        body
    };
    let answer = gateway.ask(&asking("both")).await;
    assert_eq!(answer.attempts(), "old=unsupported, new=ok");
    let seen = provider.seen().pop().unwrap();
    assert!(
        seen.path.ends_with("?api-version=2024-10-21"),
        "{}",
        seen.path
    );
    // As it was asked: no tool stands for it.
    let sent = seen.json();
    assert_eq!(sent["response_format"], asking("m")["response_format"]);
    assert_eq!(sent.get("tools"), None, "{sent}");
    let answer = gateway.ask(&asking("old")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "unsupported_by_target")
    );
    assert!(answer.message().contains("schema"), "{}", answer.message());
    assert_eq!(provider.requests(), 1);
    // All else is asked of it.
    assert_eq!(gateway.ask(&whole("old")).await.attempts(), "old=ok");
    let seen = provider.seen().pop().unwrap();
    assert!(
        seen.path.ends_with("?api-version=2024-06-01"),
        "{}",
        seen.path
    );
}
