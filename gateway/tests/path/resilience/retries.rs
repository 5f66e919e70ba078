//! Attempts repeated at the same provider.

use std::time::{Duration, SystemTime};

use fairlead_faults::{Play, Provider, Step};
use serde_json::json;
use tokio::time::Instant;

use super::in_turn;
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, serve, streamed, whole};

/// Retries as by default, but without the pauses, and no breaker.
const SWIFT: &str = "retries: {backoff: {initial: 1ms, max: 2ms}}, health: {consecutiveFailures: 0, errorPercent: 0}";

async fn gateway(a: &Provider, of_provider: &str, of_rule: &str) -> (Gateway, Provider) {
    let spare = Provider::always(Play::chat("Spare.")).await;
    let gateway = serve([
        provider("a", &a.base_url(), of_provider),
        provider("spare", &spare.base_url(), SWIFT),
        caller(),
        chain("chat", &["a", "spare"], of_rule),
        chain("alone", &["a"], of_rule),
    ])
    .await;
    (gateway, spare)
}

fn throttled(header: &str, value: &str) -> Play {
    let error = json!({"error": {"message": "Slow down.", "type": "requests", "param": null, "code": "rate_limit_exceeded"}});
    Play::json(429, &error).header(header, value)
}

#[tokio::test]
async fn a_reset_and_a_server_error_are_tried_again() {
    for (play, class) in [
        (Play::status(500), "server_error"),
        (Play::reset(), "reset"),
    ] {
        for body in [whole("chat"), streamed("chat")] {
            let a = in_turn([play.clone(), play.clone(), Play::chat("A.")]).await;
            let (gateway, spare) = gateway(&a, SWIFT, "").await;
            let answer = gateway.ask(&body).await;
            assert_eq!(
                (answer.content().as_str(), answer.attempts().to_owned()),
                ("A.", format!("a={class}, a={class}, a=ok"))
            );
            assert_eq!(spare.requests(), 0);
            let metrics = gateway.metrics().await;
            let counted = "fairlead_retries_total{provider=\"default/a\"} 2";
            assert!(metrics.contains(counted), "{metrics}");
        }
    }
}

#[tokio::test]
async fn no_more_often_than_is_configured_and_the_rule_goes_first() {
    for (of_provider, of_rule, attempts) in [
        ("retries: {maxRetries: 0}", "", 1),
        ("retries: {maxRetries: 1, backoff: {initial: 1ms}}", "", 2),
        (SWIFT, "", 3),
        (SWIFT, "retries: {maxRetries: 0}", 1),
        (
            "retries: {maxRetries: 0, backoff: {initial: 1ms}}",
            "retries: {maxRetries: 1}",
            2,
        ),
    ] {
        let a = Provider::always(Play::status(500)).await;
        let (gateway, _spare) = gateway(&a, of_provider, of_rule).await;
        assert_eq!(gateway.ask(&whole("chat")).await.content(), "Spare.");
        assert_eq!(a.requests(), attempts, "{of_provider} {of_rule}");
    }
}

#[tokio::test]
async fn other_failures_go_on_to_the_next_target_at_once() {
    for (play, class) in [
        (Play::status(503), "overloaded"),
        (Play::status(529), "overloaded"),
        (Play::garbage(), "protocol_error"),
        (throttled("x-nothing", "0"), "rate_limited"),
        (throttled("retry-after", "3600"), "rate_limited"),
        (Play::status(404), "unavailable"),
    ] {
        let a = Provider::always(play).await;
        let (gateway, _spare) = gateway(&a, SWIFT, "").await;
        let answer = gateway.ask(&whole("chat")).await;
        assert_eq!(answer.attempts(), format!("a={class}, spare=ok"));
    }
}

#[tokio::test]
async fn a_provider_that_says_when_is_asked_then() {
    let soon = SystemTime::now() + Duration::from_secs(2);
    let date = jiff::Timestamp::try_from(soon).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .unwrap();
    for (header, value, least) in [
        ("retry-after", "1", 1_000),
        ("retry-after-ms", "300", 300),
        // A date has whole seconds: what is left of two is more than one less the time it took to start.
        ("retry-after", date.as_str(), 1),
    ] {
        let a = in_turn([throttled(header, value), Play::chat("A.")]).await;
        let (gateway, _spare) = gateway(&a, SWIFT, "").await;
        let began = Instant::now();
        let answer = gateway.ask(&whole("chat")).await;
        assert_eq!(
            answer.attempts(),
            "a=rate_limited, a=ok",
            "{header}: {value}"
        );
        assert!(
            began.elapsed() >= Duration::from_millis(least),
            "{header}: {value}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_the_deadline_does_not_allow_is_not_begun() {
    let a = Provider::always(throttled("retry-after", "3")).await;
    let (gateway, _spare) = gateway(&a, SWIFT, "timeouts: {total: 2s}").await;
    let began = Instant::now();
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(answer.attempts(), "a=rate_limited, spare=ok");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn retries_are_a_fifth_of_the_requests_and_three_more() {
    let a = Provider::always(Play::status(500)).await;
    let (gateway, _spare) = gateway(&a, SWIFT, "").await;
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(gateway.ask(&whole("chat")).await.content(), "Spare.");
    }
    // The window of ten seconds moves on while a slow machine asks: each second gives back what it had taken.
    let moved = usize::try_from(began.elapsed().as_secs() / 10).unwrap();
    let retries = a.requests() - 100;
    assert!((3..=23 * (moved + 1)).contains(&retries), "{retries}");
}

#[tokio::test]
async fn a_caller_is_told_not_to_repeat_what_was_repeated() {
    let a = Provider::always(Play::status(500)).await;
    let (gateway, _spare) = gateway(&a, SWIFT, "").await;
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (
            answer.status,
            answer.attempts(),
            answer.header("x-should-retry")
        ),
        (
            500,
            "a=server_error, a=server_error, a=server_error",
            "false"
        ),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn no_request_is_sent_more_than_sixteen_times() {
    let names: Vec<String> = (0..6).map(|n| format!("a{n}")).collect();
    let a = Provider::always(Play::status(500)).await;
    let many = "retries: {maxRetries: 10, backoff: {initial: 1ms, max: 1ms}}, health: {consecutiveFailures: 0}";
    let providers: String = names
        .iter()
        .map(|name| provider(name, &a.base_url(), many))
        .collect();
    let targets: Vec<&str> = names.iter().map(String::as_str).collect();
    let gateway = serve([providers, caller(), chain("chat", &targets, "")]).await;
    let answer: Answer = gateway.ask(&whole("chat")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(a.requests(), 16, "{}", answer.attempts());
}

#[tokio::test]
async fn a_rate_limit_without_a_time_is_waited_for_where_nobody_else_can_be_asked() {
    let slow_down = || Play::status(429);
    let a = in_turn([slow_down(), slow_down(), Play::chat("A.")]).await;
    let (gateway, _spare) = gateway(&a, SWIFT, "").await;
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=rate_limited, a=rate_limited, a=ok")
    );
    let a = in_turn([slow_down(), Play::chat("A.")]).await;
    let (gateway, _spare) = self::gateway(&a, SWIFT, "").await;
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(answer.attempts(), "a=rate_limited, spare=ok");
}

#[tokio::test]
async fn an_attempt_that_has_used_much_of_its_time_goes_to_the_next_target() {
    for body in [whole("chat"), streamed("chat")] {
        let a = Provider::always(Play::reset().after(Duration::from_millis(1_200))).await;
        let timeouts = format!("{SWIFT}, timeouts: {{firstToken: 2s, firstByte: 2s}}");
        let (gateway, _spare) = gateway(&a, &timeouts, "").await;
        let answer = gateway.ask(&body).await;
        assert_eq!(answer.attempts(), "a=reset, spare=ok");
    }
}

#[tokio::test]
async fn what_may_have_been_worked_on_is_not_sent_again_on_the_quiet() {
    // The answer to the first leaves the connection open; the second is read, worked on and never answered.
    for ending in [Play::close(), Play::reset()] {
        let worked = ending.after(Duration::from_millis(50));
        let a = Provider::start(move |seen| {
            if seen.nth_on_connection == 0 {
                Play::chat("A.")
            } else {
                worked.clone()
            }
        })
        .await;
        let once = SWIFT.replace("backoff", "maxRetries: 0, backoff");
        let (gateway, spare) = gateway(&a, &once, "").await;
        for _ in 0..12 {
            let answer = gateway.ask(&whole("chat")).await;
            assert!(
                ["a=ok", "a=reset, spare=ok"].contains(&answer.attempts()),
                "{}",
                answer.attempts()
            );
        }
        assert_eq!(a.requests(), 12, "each once");
        assert!(spare.requests() > 0, "a connection was used again");
    }
}

/// What may have been worked on is asked again only as an attempt that counts, as far into its answer as it may have come.
#[tokio::test]
async fn a_connection_that_dies_when_it_is_used_again_has_cost_an_attempt() {
    let half_a_head = Step::Raw("HTTP/1.1 200 OK\r\ncontent-ty".into());
    let dying = [
        vec![Step::Close],
        vec![Step::Pause(Duration::from_millis(50)), Step::Close],
        vec![half_a_head.clone(), Step::Close],
        vec![half_a_head, Step::Reset],
    ];
    for steps in dying {
        let shown = format!("{steps:?}");
        let a = in_turn([Play::chat("A."), Play::steps(steps)]).await;
        let once = "retries: {maxRetries: 0}, health: {consecutiveFailures: 0, errorPercent: 0}";
        let (gateway, spare) = gateway(&a, once, "").await;
        assert_eq!(gateway.ask(&whole("chat")).await.content(), "A.");
        let answer = gateway.ask(&whole("chat")).await;
        assert_eq!(answer.attempts(), "a=reset, spare=ok", "{shown}");
        assert_eq!((a.requests(), spare.requests()), (2, 1), "{shown}");
    }
}
