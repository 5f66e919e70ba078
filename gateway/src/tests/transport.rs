//! How a request gets to a provider: new connections, kept ones, and how long either may take.

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{World, always, seconds, settled, streamed, whole};

/// A provider whose connections take so long to come about.
fn slow_to_accept(count: u64) -> Provider {
    Provider::builder()
        .accepts_after(seconds(count))
        .in_process(|_| Play::chat("A."))
}

fn world(a: &Provider, more: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let world = World::serve(&[
        provider("a", &a.base_url(), more),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], ""),
    ]);
    (world, b)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_about_is_given_up_after_five_seconds() {
    let a = slow_to_accept(3_600);
    let (world, _b) = world(&a, "");
    for body in [whole("chat"), streamed("chat")] {
        let answer = world.ask(&body).await;
        assert_eq!(
            (answer.attempts().as_str(), answer.took()),
            ("a=connect, b=ok", seconds(5))
        );
    }
    assert_eq!(a.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_says_itself_how_long_a_connection_may_take() {
    let a = slow_to_accept(8);
    let (patient, _b) = world(&a, "timeouts: {connect: 9s}");
    let answer = patient.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=ok", seconds(8))
    );
    let (hasty, _b) = world(&a, "timeouts: {connect: 7s}");
    let answer = hasty.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=connect, b=ok", seconds(7))
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_nothing_is_waited_for() {
    let gone = always(Play::chat("A."));
    let (world, _b) = world(&gone, ONCE);
    drop(gone);
    settled().await;
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=connect, b=ok", seconds(0))
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_caller_ends_the_wait_for_a_connection_and_nobody_else_is_asked() {
    let a = slow_to_accept(3_600);
    let (world, b) = world(&a, "");
    let answer = world
        .ask_with(&[("x-fairlead-timeout-ms", "2000")], &whole("chat"))
        .await;
    assert_eq!(
        (answer.status, answer.attempts().as_str(), answer.took()),
        (504, "a=total_timeout", seconds(2))
    );
    assert_eq!(b.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_less_than_a_minute() {
    for body in [whole("chat"), streamed("chat")] {
        let a = always(Play::chat("A."));
        let (world, _b) = world(&a, "");
        for (pause, connections) in [(0, 1), (0, 1), (50, 1), (50, 1), (56, 2), (50, 2)] {
            // The end of an answer may come a moment after the last of its content.
            settled().await;
            tokio::time::sleep(seconds(pause)).await;
            assert_eq!(world.ask(&body).await.attempts(), "a=ok");
            assert_eq!(a.connections(), connections, "after {pause} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_was_not_heard_to_the_end_is_closed() {
    let a = always(Play::words(["A", "B", "C"]).every(seconds(1)));
    let (world, _b) = world(&a, "");
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("\"A\"").await;
    drop(hearing);
    settled().await;
    assert_eq!(a.abandoned(), 1, "the provider sees that nobody listens");
    assert!(world.ask(&streamed("chat")).await.done());
    assert_eq!(a.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_at_the_same_time_have_a_connection_each() {
    let a = always(Play::chat("A.").after(seconds(1)));
    let (world, _b) = world(&a, "");
    let body = whole("chat");
    let (one, two) = tokio::join!(world.ask(&body), world.ask(&body));
    assert_eq!((one.took(), two.took()), (seconds(1), seconds(1)));
    assert_eq!(a.connections(), 2);
    tokio::join!(world.ask(&body), world.ask(&body));
    assert_eq!(a.connections(), 2, "both were kept");
}
