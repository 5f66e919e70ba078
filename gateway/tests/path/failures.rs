//! Which failures go on to which fallback, and what the caller is told when nobody answers.

use fairlead_faults::{Play, Provider};
use serde_json::json;

use crate::harness::yaml::{ONCE, caller, provider, rule};
use crate::harness::{Answer, Gateway, serve, streamed, whole};

/// The first provider does what the model's name says; the second answers.
async fn gateway(a: &Provider, spare: &Provider, on_failure: &str) -> Gateway {
    let target = "targets: [{name: a, providerRef: {name: a}}]";
    let rules = [rule(
        "chat",
        &format!(
            "{target}, fallbacks: [{{name: spare, providerRef: {{name: spare}}{on_failure}}}]"
        ),
    )];
    serve([
        provider("a", &a.base_url(), ONCE),
        provider("spare", &spare.base_url(), ONCE),
        caller(),
        rules.concat(),
    ])
    .await
}

fn by_model(model: &str) -> Play {
    match model {
        "filtered" => Play::json(
            400,
            &json!({"error": {"message": "The prompt was filtered.", "type": "invalid_request_error", "code": "content_filter"}}),
        ),
        "too-long" => Play::json(
            400,
            &json!({"error": {"message": "Too long.", "type": "invalid_request_error", "code": "context_length_exceeded"}}),
        ),
        "reset" => Play::reset(),
        status => Play::status(status.parse().unwrap()),
    }
}

async fn answer(on_failure: &str, model: &str) -> Answer {
    let a = Provider::start(|seen| by_model(&seen.model())).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    gateway(&a, &spare, on_failure)
        .await
        .ask(&whole(model))
        .await
}

#[tokio::test]
async fn a_fallback_is_for_the_classes_and_status_codes_it_lists() {
    let table = [
        ("classes: [RateLimited]", "429", true),
        ("classes: [RateLimited]", "500", false),
        ("classes: [RateLimited]", "reset", false),
        ("classes: [Reset, ServerError]", "reset", true),
        ("statusCodes: [503]", "503", true),
        ("statusCodes: [503]", "429", false),
        ("statusCodes: [503]", "reset", false),
        ("classes: [RateLimited], statusCodes: [500]", "500", true),
        ("statusCodes: [400]", "400", true),
    ];
    for (on_failure, model, expected) in table {
        let answer = answer(&format!(", onFailure: {{{on_failure}}}"), model).await;
        assert_eq!(
            answer.content() == "Spare.",
            expected,
            "{on_failure} after {model}: {} {}",
            answer.status,
            answer.attempts()
        );
        assert_eq!(answer.attempts().contains("spare"), expected);
    }
}

#[tokio::test]
async fn a_fallback_that_is_passed_over_does_not_end_the_plan() {
    let (a, b, c) = (
        Provider::always(Play::status(500)).await,
        Provider::always(Play::chat("B.")).await,
        Provider::always(Play::chat("C.")).await,
    );
    let fallback =
        |name: &str, more: &str| format!("{{name: {name}, providerRef: {{name: {name}}}{more}}}");
    let spec = format!(
        "targets: [{}], fallbacks: [{}, {}]",
        fallback("a", ""),
        fallback("b", ", onFailure: {classes: [RateLimited]}"),
        fallback("c", "")
    );
    let providers = [
        provider("a", &a.base_url(), ONCE),
        provider("b", &b.base_url(), ONCE),
        provider("c", &c.base_url(), ONCE),
    ];
    let gateway = serve([providers.concat(), caller(), rule("chat", &spec)]).await;
    assert_eq!(
        gateway.ask(&whole("any")).await.attempts(),
        "a=server_error, c=ok"
    );
}

#[tokio::test]
async fn content_that_was_filtered_is_returned_as_it_came() {
    let answer = answer("", "filtered").await;
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.attempts()),
        (400, "content_filter", "a=content_filtered")
    );
    assert_eq!(
        answer.json(),
        json!({"error": {"message": "The prompt was filtered.", "type": "invalid_request_error", "code": "content_filter"}})
    );
}

#[tokio::test]
async fn content_that_was_filtered_falls_back_where_the_rule_says_so() {
    let answer = answer(", onFailure: {classes: [ContentFiltered]}", "filtered").await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=content_filtered, spare=ok")
    );
}

#[tokio::test]
async fn a_bad_request_is_returned_as_it_came_and_goes_nowhere_else() {
    for model in ["400", "422"] {
        let answer = answer("", model).await;
        assert_eq!(
            (answer.status.to_string().as_str(), answer.attempts()),
            (model, "a=bad_request"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), "false");
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_does_not_go_to_the_same_model_again() {
    let answer = answer("", "too-long").await;
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.attempts()),
        (400, "context_length_exceeded", "a=context_too_long"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_request_that_is_too_long_goes_to_another_model() {
    let a = Provider::start(|seen| {
        if seen.model() == "small" {
            by_model("too-long")
        } else {
            Play::chat("Large.")
        }
    })
    .await;
    let target = |name: &str, model: &str| {
        format!("{{name: {name}, providerRef: {{name: a}}, model: {model}}}")
    };
    let spec = format!(
        "targets: [{}], fallbacks: [{}, {}]",
        target("small", "small"),
        target("same", "small"),
        target("large", "large")
    );
    let gateway = serve([
        provider("a", &a.base_url(), ONCE),
        caller(),
        rule("chat", &spec),
    ])
    .await;
    let answer = gateway.ask(&whole("any")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "small=context_too_long, large=ok"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn when_everything_fails_the_caller_gets_the_first_targets_error_and_the_list_of_attempts() {
    let first = json!({"error": {"message": "Slow down.", "type": "requests", "param": null, "code": "rate_limit_exceeded"}});
    let a = Provider::always(Play::json(429, &first).header("retry-after", "7")).await;
    let spare = Provider::always(Play::status(500)).await;
    let gateway = gateway(&a, &spare, "").await;
    for body in [whole("any"), streamed("any")] {
        let answer = gateway.ask(&body).await;
        assert_eq!(
            (
                answer.status,
                answer.code().as_str(),
                answer.header("retry-after")
            ),
            (429, "rate_limited", "7")
        );
        assert!(!answer.text().contains("Slow down"), "{}", answer.text());
        assert_eq!(
            (answer.attempts(), answer.header("x-should-retry")),
            ("a=rate_limited, spare=server_error", "false")
        );
    }
}

#[tokio::test]
async fn a_failure_without_an_answer_is_told_in_the_gateways_words() {
    let table = [
        (Play::reset(), 502, "provider_error"),
        (Play::garbage(), 502, "provider_error"),
        (
            Play::answer(
                502,
                &[("content-type", "text/html")],
                "<h1>internal-host-17</h1>",
            ),
            502,
            "provider_error",
        ),
    ];
    for (play, status, code) in table {
        let a = Provider::always(play.clone()).await;
        let gateway = serve([provider("a", &a.base_url(), ONCE), caller()]).await;
        for body in [whole("a/any"), streamed("a/any")] {
            let answer = gateway.ask(&body).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (status, code),
                "{play:?}"
            );
            assert!(
                !answer.text().contains("internal-host"),
                "{}",
                answer.text()
            );
            assert_eq!(answer.header("x-should-retry"), "false");
        }
    }
}
