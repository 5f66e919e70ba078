//! One attempt: how long each part of an answer may take before the next target is asked.

use std::time::Duration;

use fairlead_faults::{Framing, Moment, Play, Provider, Step};
use serde_json::Value;

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{World, always, millis, seconds, settled, streamed, whole};

fn world(a: &Provider, more: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let world = World::serve(&[
        provider("a", &a.base_url(), &format!("{ONCE}, {more}")),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], ""),
    ]);
    (world, b)
}

/// How `a` ends that plays this, and after how long `b` has answered.
async fn outcome(play: Play, more: &str, body: &Value) -> (String, Duration) {
    let a = always(play);
    let (world, _b) = world(&a, more);
    let answer = world.ask(body).await;
    (answer.attempts(), answer.took())
}

fn left(class: &str, after: Duration) -> (String, Duration) {
    (format!("a={class}, b=ok"), after)
}

#[tokio::test(start_paused = true)]
async fn a_stream_must_bring_content_within_its_time_whatever_else_it_brings() {
    let comments = |pause: u64| {
        let mut steps = vec![Step::event_stream()];
        for _ in 0..20 {
            steps.push(Step::Comment("still here".to_owned()));
            steps.push(Step::Pause(millis(pause)));
        }
        steps.push(Step::Hang);
        Play::steps(steps)
    };
    for play in [
        Play::silent(),
        Play::silent_after_head(),
        Play::chat("A.").hang_at(Moment::WithinHead),
        Play::chat("A.").hang_at(Moment::Opening),
        Play::chat("A.").after(millis(3_100)),
        comments(1_000),
    ] {
        let outcome = outcome(play, "timeouts: {firstToken: 3s}", &streamed("chat")).await;
        assert_eq!(outcome, left("first_token_timeout", seconds(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_brings_content_just_in_time_is_waited_for() {
    let play = Play::chat("A.").after(millis(2_900));
    let outcome = outcome(play, "timeouts: {firstToken: 3s}", &streamed("chat")).await;
    assert_eq!(outcome, ("a=ok".to_owned(), millis(2_900)));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_must_begin_within_a_time_of_its_own() {
    let times = "timeouts: {firstToken: 1s, firstByte: 4s}";
    for play in [
        Play::silent(),
        Play::chat("A.").hang_at(Moment::WithinHead),
        Play::chat("A.").hang_at(Moment::Head),
    ] {
        let outcome = outcome(play, times, &whole("chat")).await;
        assert_eq!(outcome, left("first_token_timeout", seconds(4)));
    }
    let late = Play::chat("A.").after(millis(3_900));
    let outcome = outcome(late, times, &whole("chat")).await;
    assert_eq!(outcome, ("a=ok".to_owned(), millis(3_900)));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_may_pause_for_the_idle_time_and_no_longer() {
    let times = "timeouts: {idle: 2s}";
    let stalls = Play::chat("A.").hang_at(Moment::Percent(50));
    assert_eq!(
        outcome(stalls, times, &whole("chat")).await,
        left("idle_timeout", seconds(2))
    );
    // However long all of it takes.
    let body = br#"{"choices":[{"index":0,"message":{"role":"assistant","content":"A."},"finish_reason":"stop"}]}"#;
    let mut steps = vec![Step::head(
        200,
        &[("content-type", "application/json")],
        Framing::Length(body.len()),
    )];
    for piece in body.chunks(10) {
        steps.push(Step::Pause(millis(1_900)));
        steps.push(Step::Body(piece.to_vec().into()));
    }
    let pieces = u64::try_from(body.len().div_ceil(10)).unwrap();
    assert_eq!(
        outcome(Play::steps(steps), times, &whole("chat")).await,
        ("a=ok".to_owned(), millis(1_900 * pieces))
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_words_do_not_come_is_an_error_after_two_seconds() {
    let head = Step::head(
        500,
        &[("content-type", "application/json")],
        Framing::Length(100),
    );
    for body in [whole("chat"), streamed("chat")] {
        let play = Play::steps([head.clone(), Step::Hang]);
        assert_eq!(
            outcome(play, "", &body).await,
            left("server_error", seconds(2))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_request_ends_everything() {
    for body in [whole("chat"), streamed("chat")] {
        for play in [Play::silent(), Play::silent_after_head()] {
            let a = always(play);
            let (world, b) = world(
                &a,
                "timeouts: {total: 10s, firstToken: 60s, firstByte: 60s}",
            );
            let answer = world.ask(&body).await;
            assert_eq!(
                (answer.status, answer.attempts().as_str(), answer.took()),
                (504, "a=total_timeout", seconds(10))
            );
            settled().await;
            assert_eq!((b.requests(), a.abandoned()), (0, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_shorten_the_time_of_its_request_and_not_lengthen_it() {
    let a = always(Play::silent());
    let (world, _b) = world(&a, "timeouts: {total: 10s, firstByte: 60s}");
    for (wish, took) in [("1500", millis(1_500)), ("3600000", seconds(10))] {
        let headers = [("x-fairlead-timeout-ms", wish)];
        let answer = world.ask_with(&headers, &whole("chat")).await;
        assert_eq!((answer.status, answer.took()), (504, took));
    }
}

#[tokio::test(start_paused = true)]
async fn the_times_of_a_rule_go_before_those_of_its_providers() {
    let (a, b) = (always(Play::silent()), always(Play::silent()));
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{ONCE}, timeouts: {{firstByte: 60s}}"),
        ),
        provider(
            "b",
            &b.base_url(),
            &format!("{ONCE}, timeouts: {{firstByte: 90s}}"),
        ),
        caller(),
        chain("chat", &["a", "b"], "timeouts: {firstByte: 3s}"),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=first_token_timeout, b=first_token_timeout", seconds(6))
    );
}
