//! How much may be used: budgets, rates and places, each refused where it is used up and nowhere else.

use fairlead_faults::{Moment, Play, Provider, Reply};
use serde_json::json;

use crate::harness::yaml::{KEY, caller, chain, key, object, provider};
use crate::harness::{OTHER, PRICE, World, always, seconds, settled, streamed, two_cents, whole};

/// A tenth of the usual price.
const CHEAP: &str = r#"price: {inputPerMillion: "100", outputPerMillion: "1000"}"#;

fn budget(amount: &str, more: &str) -> String {
    format!("budgets: [{{name: day, amount: \"{amount}\", period: Daily{more}}}]")
}

fn limited(fields: &str) -> String {
    key("caller", KEY, fields)
}

async fn answered(world: &World, times: usize) -> usize {
    let mut answered = 0;
    for _ in 0..times {
        answered += usize::from(world.ask(&whole("chat")).await.status == 200);
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_used_up_to_the_last_cent_and_then_refuses() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        limited(&budget("0.10", "")),
        key("other", OTHER, ""),
        chain("chat", &["a"], ""),
    ]);
    assert_eq!(answered(&world, 5).await, 5);
    let refused = world.ask(&whole("chat")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "budget_exhausted")
    );
    let text = refused.text();
    assert!(
        text.contains(
            "the budget day of the VirtualKey default/caller is used up: 0.10 of 0.10 USD"
        ),
        "{text}"
    );
    assert!(text.contains("\"insufficient_quota\""), "{text}");
    assert_eq!(refused.header("x-should-retry"), "false");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 60);
    // The bystander notices nothing, and the breaker neither.
    let other = world.ask_as(OTHER, &whole("chat")).await;
    assert_eq!(other.status, 200);
    assert_eq!(world.breaker("a", "chat"), "closed");
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_what_it_has_cost() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        caller(),
        chain("chat", &["a"], ""),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(answer.header("x-fairlead-cost-usd"), "0.02");
    let cost = world.ended().unwrap().cost.unwrap();
    assert_eq!((cost.nanos, cost.estimated), (20_000_000, false));
    world.ask(&streamed("chat")).await;
    let cost = world.ended().unwrap().cost.unwrap();
    assert_eq!((cost.nanos, cost.estimated), (20_000_000, false));
}

#[tokio::test(start_paused = true)]
async fn all_levels_hold_and_the_one_that_refuses_is_named() {
    let a = always(two_cents());
    for (organization, team, own, answers, named) in [
        ("0.04", "0.08", "0.10", 2, "Organization default/company"),
        ("0.10", "0.06", "0.08", 3, "Team default/research"),
        ("0.10", "0.08", "0.02", 1, "VirtualKey default/caller"),
    ] {
        let world = World::serve(&[
            provider("a", &a.base_url(), PRICE),
            object(
                "Organization",
                "company",
                &format!("namespaceSelector: {{}}, {}", budget(organization, "")),
            ),
            object(
                "Team",
                "research",
                &format!("organizationRef: {{name: company}}, {}", budget(team, "")),
            ),
            limited(&format!("teamRef: {{name: research}}, {}", budget(own, ""))),
            chain("chat", &["a"], ""),
        ]);
        assert_eq!(answered(&world, 8).await, answers, "{named}");
        let refused = world.ask(&whole("chat")).await;
        assert!(refused.text().contains(named), "{}", refused.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_over_its_budget_is_passed_over() {
    let (a, b) = (always(two_cents()), always(Play::chat("B.")));
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{PRICE}, {}", budget("0.04", "")),
        ),
        provider("b", &b.base_url(), PRICE),
        caller(),
        chain("chat", &["a", "b"], ""),
    ]);
    for expected in ["a=ok", "a=ok", "a=limited, b=ok", "a=limited, b=ok"] {
        assert_eq!(world.ask(&whole("chat")).await.attempts(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_free_stays_usable_over_budget_unless_the_budget_says_otherwise() {
    for (more, status) in [("", 200), (", freeTargets: Reject", 429)] {
        let (a, b) = (always(two_cents()), always(two_cents()));
        let world = World::serve(&[
            provider("a", &a.base_url(), PRICE),
            provider("b", &b.base_url(), "price: {free: true}"),
            limited(&budget("0.02", more)),
            chain("chat", &["a", "b"], ""),
        ]);
        assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
        let second = world.ask(&whole("chat")).await;
        assert_eq!(second.status, status, "{}", second.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_may_move_requests_to_what_costs_less() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), CHEAP),
        limited(&budget("0.10", ", onExceeded: Fallback, softAtPercent: 40")),
        chain("chat", &["a", "b"], ""),
    ]);
    for _ in 0..2 {
        let answer = world.ask(&whole("chat")).await;
        assert_eq!(answer.attempts(), "a=ok");
        assert_eq!(answer.header("x-fairlead-budget"), "");
    }
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(answer.attempts(), "b=ok");
    assert_eq!(answer.header("x-fairlead-budget"), "key/default/caller/day");
}

#[tokio::test(start_paused = true)]
async fn where_a_budget_holds_an_unknown_price_refuses() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        limited(&budget("1.00", "")),
        key("other", OTHER, ""),
        chain("chat", &["a"], ""),
    ]);
    let refused = world.ask(&whole("chat")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "price_unknown")
    );
    let other = world.ask_as(OTHER, &whole("chat")).await;
    assert_eq!(other.status, 200);
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_once_however_many_attempts_they_take() {
    let (a, b) = (always(Play::status(500)), always(Play::chat("B.")));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), ""),
        limited("rateLimits: [{name: rpm, unit: Requests, limit: 3, per: 1m}]"),
        chain("chat", &["a", "b"], ""),
    ]);
    assert_eq!(answered(&world, 5).await, 3);
    let refused = world.ask(&whole("chat")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "rate_limited")
    );
    assert!(
        refused.text().contains("3 of 3 requests in 60 s"),
        "{}",
        refused.text()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_anything_is_sent_leaves_no_trace_of_the_request() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        limited(&format!(
            "{}, rateLimits: [{{name: rpm, unit: Requests, limit: 2, per: 1m}}]",
            r#"budgets: [{name: dear, amount: "0", period: Daily, models: ["dear"]}]"#
        )),
        chain("chat", &["a"], ""),
        chain("dear", &["a"], ""),
    ]);
    for _ in 0..4 {
        assert_eq!(world.ask(&whole("dear")).await.code(), "budget_exhausted");
    }
    assert_eq!(answered(&world, 4).await, 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_counted_as_they_were_used() {
    let a = always(Play::from(Reply::words(["A."]).usage(40, 0, 10)));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        limited("rateLimits: [{name: tpm, unit: Tokens, limit: 100, per: 1m}]"),
        chain("chat", &["a"], ""),
    ]);
    let body = json!({"model": "chat", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi."}]});
    for status in [200, 200, 429] {
        assert_eq!(world.ask(&body).await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn places_come_back_however_a_request_ends() {
    let a = Provider::in_process(|seen| match seen.sequence {
        0 => Play::words(["A", "B", "C"]).hang_at(Moment::Percent(50)),
        _ => Play::chat("A."),
    });
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        limited("concurrency: {maxInFlight: 1}"),
        chain("chat", &["a"], ""),
    ]);
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("A").await;
    let refused = world.ask(&whole("chat")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "rate_limited")
    );
    drop(hearing);
    settled().await;
    assert_eq!(answered(&world, 3).await, 3);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_owes_the_prompt_and_what_came_by() {
    let a = always(Play::words(["A", "B", "C", "D"]).hang_at(Moment::Percent(50)));
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        limited(&budget("1.00", "")),
        chain("chat", &["a"], ""),
    ]);
    world
        .ask_and_leave_after(seconds(1), &streamed("chat"))
        .await;
    let cost = world.ended().unwrap().cost.unwrap();
    assert!(cost.estimated && cost.nanos >= 20_000_000, "{cost:?}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_limit_keeps_what_was_used() {
    let a = always(two_cents());
    let documents = |amount: &str| {
        [
            provider("a", &a.base_url(), PRICE),
            limited(&budget(amount, "")),
            chain("chat", &["a"], ""),
        ]
    };
    let world = World::serve(&documents("0.10"));
    assert_eq!(answered(&world, 3).await, 3);
    world.edit(&documents("0.04"));
    assert_eq!(answered(&world, 1).await, 0);
    world.edit(&documents("0.08"));
    assert_eq!(answered(&world, 3).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_strict_budget_is_never_passed_and_cuts_the_last_answer_short() {
    // Whatever it is asked for, it says as much as it may.
    let a = Provider::in_process(|seen| {
        let most = seen.json()["max_tokens"].as_u64().unwrap_or(100_000);
        Play::from(Reply::words(["A."]).usage(100, 0, most))
    });
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        limited(&budget("10.00", ", strict: true")),
        chain("chat", &["a"], ""),
    ]);
    let body = json!({"model": "chat", "max_tokens": 400, "messages": [{"role": "user", "content": "Hi."}]});
    let (mut spent, mut clamped) = (0.0, 0);
    for _ in 0..8 {
        let answer = world.ask(&body).await;
        if answer.status == 200 {
            spent += answer.header("x-fairlead-cost-usd").parse::<f64>().unwrap();
            clamped += usize::from(!answer.header("x-fairlead-max-tokens").is_empty());
        } else {
            assert_eq!(answer.code(), "budget_exhausted", "{}", answer.text());
        }
    }
    assert!(spent <= 10.0 && spent > 8.0, "{spent}");
    assert_eq!(clamped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_strict_budget_refuses_what_cannot_be_bounded() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        limited(&budget("10.00", ", strict: true")),
        chain("chat", &["a"], ""),
    ]);
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": [image]}]});
    let refused = world.ask(&body).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "cost_unbounded")
    );
    assert_eq!(answered(&world, 1).await, 1);
}
