//! Rules after which matching goes on: what they leave behind in what is sent.

use fairlead_faults::Play;
use serde_json::json;

use crate::harness::yaml::{KEY, caller, chain, key, provider, rule};
use crate::harness::{PRICE, World, always, seconds, two_cents, whole};

const ALIAS: &str = "continue: true, match: {models: [chat]}, changes: {model: gpt-4o}";

#[tokio::test(start_paused = true)]
async fn an_alias_is_matched_asked_for_and_told() {
    let a = always(Play::chat("A."));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        caller(),
        rule("alias", ALIAS),
        chain("gpt-4o", &["a"], ""),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.header("x-fairlead-rule")),
        ("a=ok", "default/gpt-4o")
    );
    assert_eq!(a.seen()[0].model(), "gpt-4o");
    let entry = world.ended().unwrap();
    assert_eq!(
        (entry.model.as_deref(), entry.through.len()),
        (Some("chat"), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_nothing_says_which_rule_gave_the_name() {
    let a = always(Play::chat("A."));
    let world = World::serve(&[
        provider("a", &a.base_url(), "models: [{name: m}]"),
        caller(),
        rule("alias", ALIAS),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "unknown_model")
    );
    let text = answer.text();
    assert!(
        text.contains("default/alias") && text.contains("gpt-4o"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn changes_hold_for_targets_fallbacks_and_bare_names() {
    let (a, b) = (always(Play::status(500)), always(Play::chat("B.")));
    let changes = "changes: {parameters: {overrides: {max_tokens: 5}, remove: [seed]}, headers: {set: [{name: x-env, value: prod}]}}";
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), "models: [{name: bare}]"),
        caller(),
        rule(
            "all",
            &format!(
                "precedence: Override, scope: {{type: Global}}, continue: true, retries: {{maxRetries: 0}}, {changes}"
            ),
        ),
        rule(
            "chat",
            "match: {models: [chat]}, targets: [{name: a, providerRef: {name: a}, parameters: {overrides: {max_tokens: 99, top_p: 1}}}], fallbacks: [{name: b, providerRef: {name: b}, model: bare}]",
        ),
    ]);
    let body = |model: &str| json!({"model": model, "seed": 1, "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi."}]});
    let answer = world.ask(&body("chat")).await;
    assert_eq!(answer.attempts(), "a=server_error, b=ok");
    let bare = world.ask(&body("bare")).await;
    assert_eq!(bare.header("x-fairlead-rule"), "default/all");
    for seen in a.seen().iter().chain(&b.seen()) {
        let sent = seen.json();
        assert_eq!((&sent["max_tokens"], sent.get("seed")), (&json!(5), None));
        assert_eq!(seen.header("x-env"), Some("prod"));
    }
    assert_eq!(a.seen()[0].json()["top_p"], 1);
    assert_eq!((a.requests(), b.requests()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn its_times_and_its_most_cost_hold_and_are_told_as_its_own() {
    let a = always(Play::silent());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        caller(),
        rule(
            "a-hurry",
            "continue: true, match: {models: [chat]}, timeouts: {total: 7s}",
        ),
        chain(
            "chat",
            &["a"],
            "timeouts: {total: 100s}, retries: {maxRetries: 0}",
        ),
        rule(
            "a-spare",
            "continue: true, match: {models: [dear]}, maxCostPerRequest: \"0.01\"",
        ),
        chain("dear", &["a"], "maxCostPerRequest: \"100\""),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!((answer.status, answer.took()), (504, seconds(7)));
    let refused = world.ask(&whole("dear")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "max_cost_exceeded")
    );
    assert!(
        refused
            .text()
            .contains("RoutingRule default/a-spare is 0.01"),
        "{}",
        refused.text()
    );
}

#[tokio::test(start_paused = true)]
async fn thresholds_of_what_is_left_move_requests_step_by_step_and_back_when_the_window_turns() {
    let (a, b, c) = (
        always(two_cents()),
        always(two_cents()),
        always(two_cents()),
    );
    let budget = "budgets: [{name: hour, amount: \"0.10\", period: Duration, every: 1h}]";
    let step = |name: &str, priority: u32, left: &str, target: &str| {
        rule(
            name,
            &format!(
                "priority: {priority}, match: {{models: [chat], when: 'has(budget.key[\"hour\"].remainingUsd) && budget.key[\"hour\"].remainingUsd < {left}'}}, targets: [{{name: {target}, providerRef: {{name: {target}}}}}]"
            ),
        )
    };
    let cheap = r#"price: {inputPerMillion: "100", outputPerMillion: "1000"}"#;
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), cheap),
        provider("c", &c.base_url(), "price: {free: true}"),
        key("caller", KEY, budget),
        step("last", 1, "0.045", "c"),
        step("less", 2, "0.07", "b"),
        chain("chat", &["a"], "priority: 3"),
    ]);
    let mut answers = Vec::new();
    for _ in 0..24 {
        answers.push(world.ask(&whole("chat")).await.attempts());
    }
    // Two at two cents, then at two tenths of a cent until four and a half are left, then for nothing.
    let at = |who: &str| answers.iter().filter(|answer| *answer == who).count();
    assert_eq!(
        (at("a=ok"), at("b=ok"), at("c=ok")),
        (2, 8, 14),
        "{answers:?}"
    );
    assert!(answers.is_sorted());
    tokio::time::sleep(seconds(3600)).await;
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
}
