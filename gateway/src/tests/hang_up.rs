//! Whenever a caller hangs up, everything that its request had comes back at once, and whoever comes next is served.

use std::time::Duration;

use fairlead_faults::{Moment, Play, Provider};
use serde_json::Value;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Held, World, millis, seconds, settled, streamed, whole};

const ONE_AT_A_TIME: &str = "concurrency: {maxInFlight: 1, queue: {wait: 60s}}, timeouts: {connect: 60s, firstToken: 60s, firstByte: 60s, idle: 60s}";

/// A provider that treats a first request so and answers the others.
fn first(play: Play) -> Provider {
    Provider::in_process(move |seen| {
        if seen.sequence == 0 {
            play.clone()
        } else {
            Play::chat("A.")
        }
    })
}

/// Hangs up on such a provider after a while, and sees that nothing is left of the request and that another is served at once.
async fn leaves_nothing(a: Provider, body: &Value, after: Duration) {
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{ONE_AT_A_TIME}, retries: {{backoff: {{initial: 30s, max: 30s}}}}"),
        ),
        caller(),
        chain("chat", &["a"], ""),
    ]);
    world.ask_and_leave_after(after, body).await;
    assert_eq!(world.held(), Held::default(), "{body}");
    assert_eq!(world.ended().unwrap().error, Some("client_gone"), "{body}");
    assert_eq!(world.breaker("a", "chat"), "closed");
    let next = world.ask(body).await;
    assert_eq!((next.status, next.took()), (200, seconds(0)), "{body}");
}

#[tokio::test(start_paused = true)]
async fn while_an_answer_is_awaited() {
    for body in [whole("chat"), streamed("chat")] {
        for moment in [
            Moment::Start,
            Moment::WithinHead,
            Moment::Head,
            Moment::Opening,
        ] {
            let a = first(Play::chat("A.").hang_at(moment));
            leaves_nothing(a, &body, seconds(5)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_middle_of_an_answer() {
    for body in [whole("chat"), streamed("chat")] {
        for moment in [Moment::Content, Moment::Percent(50)] {
            let a = first(Play::words(["A", "B", "C"]).hang_at(moment));
            leaves_nothing(a, &body, seconds(5)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_head_of_a_stream_that_has_brought_comments_only() {
    leaves_nothing(first(Play::silent()), &streamed("chat"), seconds(20)).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_named_time_is_waited_for() {
    let a = first(Play::status(429).header("retry-after", "4"));
    let world = World::serve(&[
        provider("a", &a.base_url(), ONE_AT_A_TIME),
        caller(),
        chain("chat", &["a"], ""),
    ]);
    world.ask_and_leave_after(seconds(2), &whole("chat")).await;
    assert_eq!(world.held(), Held::default());
    assert_eq!(world.ask(&whole("chat")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn while_the_words_of_an_error_are_awaited() {
    let play = Play::status(500).hang_at(Moment::Head);
    leaves_nothing(first(play), &whole("chat"), millis(500)).await;
}

#[tokio::test(start_paused = true)]
async fn while_two_targets_are_raced() {
    let (a, b) = (first(Play::silent()), first(Play::silent()));
    let world = World::serve(&[
        provider("a", &a.base_url(), ONE_AT_A_TIME),
        provider("b", &b.base_url(), ONE_AT_A_TIME),
        caller(),
        chain("chat", &["a", "b"], "hedge: {delay: 2s, maxPercent: 100}"),
    ]);
    for body in [whole("chat"), streamed("chat")] {
        if a.requests() == 0 {
            world.ask_and_leave_after(seconds(5), &body).await;
            assert_eq!((a.abandoned(), b.abandoned()), (1, 1));
            assert_eq!(world.held(), Held::default());
        }
        let next = world.ask(&body).await;
        assert_eq!(
            (next.attempts().as_str(), next.took()),
            ("a=ok", seconds(0))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_connection_is_awaited() {
    let a = Provider::builder()
        .accepts_after(seconds(10))
        .in_process(|_| Play::chat("A."));
    let world = World::serve(&[
        provider("a", &a.base_url(), ONE_AT_A_TIME),
        caller(),
        chain("chat", &["a"], ""),
    ]);
    world.ask_and_leave_after(seconds(5), &whole("chat")).await;
    assert_eq!((world.held(), a.connections()), (Held::default(), 0));
    let next = world.ask(&whole("chat")).await;
    assert_eq!((next.status, next.took()), (200, seconds(10)));
    settled().await;
    assert_eq!(world.held(), Held::default());
}
