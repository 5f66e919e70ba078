//! `explain`: which rule and targets a request would get, and why every other rule does not take it.

use crate::harness::Setup;
use crate::harness::yaml::{caller, key, object, rule};

fn setup(request: &str) -> Setup {
    let target = "targets: [{name: a, providerRef: {name: a}, model: fast}], fallbacks: [{name: b, providerRef: {name: b}, onFailure: {classes: [RateLimited], statusCodes: [529]}}, {name: c, providerRef: {name: nobody}}]";
    let documents = [
        object(
            "LLMProvider",
            "a",
            "type: Simulated, models: [{name: fast, upstreamName: fast-2024}]",
        ),
        object("LLMProvider", "b", "type: Simulated"),
        caller(),
        rule(
            "gold",
            &format!(
                "{target}, priority: 1, match: {{when: 'request.headers[\"x-tier\"] == \"gold\"'}}"
            ),
        ),
        rule(
            "other",
            &format!("{target}, priority: 2, match: {{models: [other]}}"),
        ),
        rule(
            "chat",
            &format!("{target}, priority: 3, match: {{models: [chat]}}"),
        ),
        rule("late", &format!("{target}, priority: 4")),
        rule(
            "team",
            &format!("{target}, scope: {{type: Team, name: nobody}}"),
        ),
    ];
    let setup = Setup::new().file("all.yaml", &documents.concat());
    setup.write("request.yaml", request);
    setup
}

async fn explained(request: &str) -> (Option<i32>, String) {
    let setup = setup(request);
    let file = setup.path("request.yaml");
    let output = setup
        .run("explain", &["--request", file.to_str().unwrap()])
        .await;
    (
        output.status.code(),
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
    )
}

#[tokio::test]
async fn says_which_rule_takes_a_request_and_why_the_others_do_not() {
    let (code, text) = explained("key: default/caller\nbody: {model: chat, messages: []}\n").await;
    assert_eq!(code, Some(0), "{text}");
    let expected = [
        "rule default/gold: no: match.when is not true",
        "rule default/other: no: match.models does not include the model",
        "rule default/chat: matched",
        "rule default/late: would match, but an earlier rule has taken the request",
        "rule default/team: no: its scope does not include the key",
        "taken by rule default/chat",
        "1. a asks for fast-2024",
        "2. b asks for chat, as a fallback on rate_limited, 529",
        "3. c asks for chat, as a fallback: cannot be tried, its provider does not exist",
    ];
    for line in expected {
        assert!(
            text.lines().any(|found| found == line),
            "{line:?} is not in\n{text}"
        );
    }
}

#[tokio::test]
async fn takes_headers_into_account() {
    let (code, text) =
        explained("key: default/caller\nheaders: {X-Tier: gold}\nbody: {model: chat}\n").await;
    assert!(
        code == Some(0) && text.contains("taken by rule default/gold"),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_that_is_none_is_told_how_to_be_one() {
    for (request, says) in [
        ("key: default/caller\nbody: {}\n", "body.model"),
        (
            "key: default/nobody\nbody: {model: chat}\n",
            "default/nobody",
        ),
        ("body: {model: chat}\n", "NAMESPACE/NAME"),
    ] {
        let (code, text) = explained(request).await;
        assert!(code == Some(1) && text.contains(says), "{says}: {text}");
    }
}

#[tokio::test]
async fn a_key_that_has_expired_is_told_of() {
    let setup = setup("key: default/late-key\nbody: {model: chat}\n");
    let value = "sk-late-0123456789abcdef0123456789abc";
    setup.write(
        "config/late.yaml",
        &key("late-key", value, "expiresAt: \"2020-01-01T00:00:00Z\""),
    );
    let file = setup.path("request.yaml");
    let output = setup
        .run("explain", &["--request", file.to_str().unwrap()])
        .await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("expired"), "{text}");
    assert_ne!(output.status.code(), Some(0), "{text}");
}
