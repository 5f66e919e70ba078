//! The same target asked again: after which pause, how often, and when not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{World, always, rounded, seconds, whole};

fn world(a: &Provider, more: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let world = World::serve(&[
        provider("a", &a.base_url(), more),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], ""),
        chain("alone", &["a"], ""),
        chain("well", &["a"], ""),
    ]);
    (world, b)
}

/// Fails so often, at every model but `well`, then answers.
fn failing(times: usize, play: Play) -> Provider {
    let failed = AtomicUsize::new(0);
    Provider::in_process(move |seen| {
        if seen.model() != "well" && failed.fetch_add(1, Ordering::SeqCst) < times {
            play.clone()
        } else {
            Play::chat("A.")
        }
    })
}

/// The pauses between the requests that a provider has seen.
fn pauses(a: &Provider) -> Vec<Duration> {
    let seen = a.seen();
    let seen = seen.iter().filter(|seen| seen.model() != "well");
    let times: Vec<Duration> = seen.map(|seen| seen.head_at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_after_a_pause_whose_limit_doubles() {
    for play in [Play::status(500), Play::reset(), Play::close()] {
        let a = failing(4, play);
        let (world, _b) = world(
            &a,
            "retries: {maxRetries: 4, backoff: {initial: 1s, max: 3s}}, health: {consecutiveFailures: 0, errorPercent: 0}",
        );
        // So many retries are within the budget of a provider that is busy.
        for _ in 0..5 {
            assert_eq!(world.ask(&whole("well")).await.status, 200);
        }
        let answer = world.ask(&whole("alone")).await;
        let pauses = pauses(&a);
        assert_eq!(pauses.len(), 4);
        for (pause, limit) in pauses.iter().zip([1, 2, 3, 3]) {
            assert!(*pause <= seconds(limit), "{pauses:?}");
        }
        let sum: Duration = pauses.iter().sum();
        assert_eq!(answer.took(), rounded(sum));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_that_the_provider_names_is_waited_for() {
    let a = failing(1, Play::status(429).header("retry-after", "3"));
    let (world, b) = world(&a, "");
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=rate_limited, a=ok", seconds(3))
    );
    assert_eq!(b.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_too_long_sends_the_request_to_the_next_target_at_once() {
    for (named, more) in [("6", ""), ("3", "retries: {maxRetryAfter: 2s}")] {
        let a = failing(1, Play::status(429).header("retry-after", named));
        let (world, _b) = world(&a, more);
        let answer = world.ask(&whole("chat")).await;
        assert_eq!(
            (answer.attempts().as_str(), answer.took()),
            ("a=rate_limited, b=ok", seconds(0))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_would_come_after_the_end_of_the_request_is_not_waited_for() {
    let a = failing(1, Play::status(429).header("retry-after", "3"));
    let (world, _b) = world(&a, "");
    let headers = [("x-fairlead-timeout-ms", "2500")];
    let answer = world.ask_with(&headers, &whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=rate_limited, b=ok", seconds(0))
    );
}

#[tokio::test(start_paused = true)]
async fn what_took_long_already_is_not_tried_again() {
    let a = failing(9, Play::silent());
    let (world, _b) = world(&a, "timeouts: {firstByte: 4s}");
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=first_token_timeout, b=ok", seconds(4))
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_everything_is_asked_again_within_its_budget() {
    let a = always(Play::status(500));
    let (world, _b) = world(
        &a,
        "retries: {maxRetries: 2, backoff: {initial: 1ms}}, health: {consecutiveFailures: 0, errorPercent: 0}",
    );
    for _ in 0..50 {
        assert!(world.ask(&whole("chat")).await.attempts().ends_with("b=ok"));
    }
    // A fifth more, and three to spare.
    assert_eq!(a.requests(), 50 + 50 / 5 + 3);
    tokio::time::sleep(seconds(11)).await;
    let attempts = world.ask(&whole("chat")).await.attempts();
    assert_eq!(
        attempts,
        "a=server_error, a=server_error, a=server_error, b=ok"
    );
}
