//! Rules that look at how much is used, and at what a request will probably use.

use serde_json::{Value, json};

use fairlead_faults::Provider;

use crate::harness::yaml::{KEY, caller, chain, key, object, provider, rule};
use crate::harness::{OTHER, PRICE, World, always, seconds, two_cents, whole};

const FREE: &str = "price: {free: true}";

/// Requests for `chat` go to `a`, and to `b` when this holds.
fn serve(when: &str, a: &Provider, b: &Provider, others: &[String]) -> World {
    let elsewhere = format!(
        "priority: 1, match: {{models: [chat, dear], when: '{when}'}}, targets: [{{name: b, providerRef: {{name: b}}}}]"
    );
    let rules = [
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), FREE),
        rule("elsewhere", &elsewhere),
        chain("chat", &["a"], "priority: 2"),
        chain("dear", &["a"], "priority: 2"),
    ];
    World::serve(&[&rules, others].concat())
}

/// Who answers each of so many requests.
async fn asked(world: &World, times: usize) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.push(world.ask(&whole("chat")).await.attempts());
    }
    answers
}

fn saying(text: &str) -> Value {
    json!({"model": "chat", "messages": [{"role": "user", "content": text}]})
}

#[tokio::test(start_paused = true)]
async fn long_prompts_go_elsewhere() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let when = "request.estimate.inputTokens > 1000";
    let world = serve(when, &a, &b, &[caller()]);
    for (length, answers) in [
        (10, "a=ok"),
        (3_900, "a=ok"),
        (4_100, "b=ok"),
        (40_000, "b=ok"),
    ] {
        let answer = world.ask(&saying(&"x".repeat(length))).await;
        assert_eq!(answer.attempts(), answers, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_team_that_has_used_four_fifths_of_its_budget_goes_elsewhere() {
    for when in [
        "budget.team.usedPercent >= 80",
        r#"budget.team["day"].usedPercent >= 80"#,
        "has(budget.team.remainingUsd) && budget.team.remainingUsd < 0.03",
    ] {
        let (a, b) = (always(two_cents()), always(two_cents()));
        let budget = r#"budgets: [{name: day, amount: "0.10", period: Daily}]"#;
        let others = [
            object("Team", "research", budget),
            object("Team", "sales", budget),
            key("caller", KEY, "teamRef: {name: research}"),
            key("other", OTHER, "teamRef: {name: sales}"),
        ];
        let world = serve(when, &a, &b, &others);
        let answers = asked(&world, 7).await;
        assert_eq!(answers[..4], ["a=ok"; 4], "{when}");
        assert_eq!(answers[4..], ["b=ok"; 3], "{when}");
        // What one team has used is nothing to another.
        assert_eq!(
            world.ask_as(OTHER, &whole("chat")).await.attempts(),
            "a=ok",
            "{when}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_tightest_counts_of_those_that_the_request_counts_towards() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let budgets = r#"budgets: [
        {name: year, amount: "100", period: Yearly},
        {name: dear, amount: "0.02", period: Daily, models: [dear]},
        {name: there, amount: "0.02", period: Daily, providers: [{name: a}]},
        {name: day, amount: "0.10", period: Daily}]"#;
    let budgets = budgets.replace('\n', " ");
    let when = "budget.key.usedPercent >= 60";
    let world = serve(when, &a, &b, &[key("caller", KEY, &budgets)]);
    // The first uses up what there is for provider a alone, which refuses it from then on and moves nobody.
    let answers = asked(&world, 2).await;
    assert_eq!(answers, ["a=ok", "a=limited"]);
    let dear = world.ask(&whole("dear")).await;
    assert_eq!(dear.attempts(), "a=limited");
    // By its name each is read, whatever it counts.
    let when = r#"budget.key["there"].usedPercent >= 60 && budget.key["dear"].usedPercent == 0"#;
    let world = serve(when, &a, &b, &[key("caller", KEY, &budgets)]);
    assert_eq!(asked(&world, 2).await, ["a=ok", "b=ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_nearly_used_up_moves_requests_until_it_has_come_back() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let rates = "rateLimits: [{name: rpm, unit: Requests, limit: 5, per: 1m}]";
    let when = r#"rate.key["rpm"].remaining < 3"#;
    let world = serve(when, &a, &b, &[key("caller", KEY, rates)]);
    let answers = asked(&world, 5).await;
    assert_eq!(answers, ["a=ok", "a=ok", "a=ok", "b=ok", "b=ok"]);
    tokio::time::sleep(seconds(90)).await;
    assert_eq!(asked(&world, 2).await, ["a=ok", "a=ok"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_user_is_judged_by_what_that_user_has_used() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let rates = "rateLimits: [{name: rpm, unit: Requests, limit: 4, per: 1m, perUser: true}]";
    let when = "rate.key.usedPercent >= 50";
    let world = serve(when, &a, &b, &[key("caller", KEY, rates)]);
    for (user, answers) in [
        ("ada", "a=ok"),
        ("ada", "a=ok"),
        ("ada", "b=ok"),
        ("eve", "a=ok"),
    ] {
        let answer = world
            .ask_with(&[("x-fairlead-user", user)], &whole("chat"))
            .await;
        assert_eq!(answer.attempts(), answers, "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_costs_too_much_at_a_rule_goes_to_the_next() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), FREE),
        caller(),
        chain(
            "chat",
            &["a"],
            "priority: 1, match: {models: [chat], when: 'request.estimate.costUsd < 1'}",
        )
        .replacen("match: {models: [\"chat\"]}, ", "", 1),
        rule(
            "rest",
            "priority: 2, targets: [{name: b, providerRef: {name: b}}]",
        ),
    ]);
    let mut body = saying("Hi.");
    // Before anybody has seen an answer it is taken for a long one.
    assert_eq!(world.ask(&body).await.attempts(), "b=ok");
    body["max_tokens"] = 10.into();
    assert_eq!(world.ask(&body).await.attempts(), "a=ok");
    body["n"] = 30.into();
    assert_eq!(world.ask(&body).await.attempts(), "b=ok");
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_learned_where_a_budget_counts() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let budget = r#"budgets: [{name: day, amount: "1000", period: Daily}]"#;
    let when = "request.params.cheap != true && request.estimate.costUsd > 1";
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), FREE),
        key("caller", KEY, budget),
        rule(
            "dear",
            &format!(
                "priority: 1, match: {{when: '{when}'}}, targets: [{{name: dear, providerRef: {{name: a}}}}], fallbacks: [{{name: b, providerRef: {{name: b}}}}]"
            ),
        ),
        rule(
            "rest",
            "priority: 2, targets: [{name: cheap, providerRef: {name: a}}]",
        ),
    ]);
    let first = world.ask(&whole("chat")).await;
    assert_eq!(first.attempts(), "dear=ok");
    for _ in 0..8 {
        world.ask(&whole("chat")).await;
    }
    // Its answers have one token each.
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "cheap=ok");
}

#[tokio::test(start_paused = true)]
async fn a_cost_that_nobody_knows_is_null() {
    let a = always(two_cents());
    let target = "targets: [{name: a, providerRef: {name: a}}]";
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        caller(),
        rule(
            "unpriced",
            &format!("priority: 1, match: {{when: '!has(request.estimate.costUsd)'}}, {target}"),
        ),
        rule("rest", &format!("priority: 2, {target}")),
    ]);
    world.ask(&whole("chat")).await;
    let entry = world.ended().unwrap();
    assert_eq!(entry.rule.as_deref(), Some("default/unpriced"));
}

#[tokio::test(start_paused = true)]
async fn metrics_say_how_limits_stand_that_are_counted_and_nothing_of_others() {
    let a = always(two_cents());
    let limits = r#"budgets: [{name: day, amount: "0.10", period: Daily}], rateLimits: [{name: rpm, unit: Requests, limit: 60, per: 1m}, {name: each, unit: Requests, limit: 9, per: 1m, perUser: true}]"#;
    let documents = [
        provider("a", &a.base_url(), PRICE),
        object("Team", "research", limits),
        object("Team", "idle", limits),
        key("caller", KEY, "teamRef: {name: research}"),
        chain("chat", &["a"], ""),
    ];
    let world = World::serve(&documents);
    assert!(!world.metrics().contains("fairlead_limit_used{"));
    asked(&world, 3).await;
    tokio::time::sleep(seconds(2)).await;
    let line = |metric: &str, limit: &str, kind: &str, unit: &str| {
        format!(
            "\n{metric}{{level=\"team\",namespace=\"default\",name=\"research\",limit=\"{limit}\",kind=\"{kind}\",unit=\"{unit}\"}} "
        )
    };
    let expect = |text: &str| {
        for (metric, money, requests) in [
            ("fairlead_limit", "0.1", "60.0"),
            ("fairlead_limit_used", "0.06", "3.0"),
            ("fairlead_limit_remaining", "0.04", "57.0"),
        ] {
            let money = line(metric, "day", "budget", "usd") + money;
            let requests = line(metric, "rpm", "rate_limit", "requests") + requests;
            assert!(text.contains(&money), "{money}: {text}");
            assert!(text.contains(&requests), "{requests}: {text}");
        }
        assert_eq!(text.matches("\nfairlead_limit_used{").count(), 2, "{text}");
        assert!(text.contains("\nfairlead_limits_unshown 0"), "{text}");
    };
    expect(&world.metrics());
    // Who scrapes again at once is shown the same.
    asked(&world, 1).await;
    expect(&world.metrics());
    tokio::time::sleep(seconds(2)).await;
    let fourth = line("fairlead_limit_used", "rpm", "rate_limit", "requests") + "4.0";
    assert!(world.metrics().contains(&fourth));
    // Another configuration has limits of its own, on the same counters.
    world.edit(&documents);
    tokio::time::sleep(seconds(1)).await;
    assert!(world.metrics().contains(&fourth));
    // Of a rate nothing old is shown: where others count, the largest would be the oldest.
    tokio::time::sleep(seconds(90)).await;
    let text = world.metrics();
    assert!(!text.contains("kind=\"rate_limit\""), "{text}");
}
