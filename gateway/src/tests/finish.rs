//! `onClientGone`: what becomes of an answer whose caller has hung up.

use fairlead_faults::{Ending, Play, Provider};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Held, World, always, seconds, settled, streamed};

const FINISH: &str = "stream: {onClientGone: Finish}";

fn world(a: &Provider, rule: &str) -> World {
    World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{ONCE}, timeouts: {{firstToken: 200s}}, concurrency: {{maxInFlight: 4}}"),
        ),
        caller(),
        chain("chat", &["a"], rule),
    ])
}

/// Says five words, one every so many seconds.
fn speaking(pause: u64) -> Provider {
    always(Play::words(["A", "B", "C", "D", "E"]).every(seconds(pause)))
}

/// How the only play ended, and after how many seconds.
fn played(a: &Provider) -> (Ending, u64) {
    let played = a.played();
    assert_eq!(played.len(), 1);
    (played[0].ending, played[0].took.as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_hung_up_on_with_the_caller_where_no_rule_says_otherwise() {
    let a = speaking(2);
    let world = world(&a, "");
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("\"B\"").await;
    drop(hearing);
    settled().await;
    assert_eq!(played(&a).0, Ending::Abandoned);
    assert_eq!(world.held(), Held::default());
    let entry = world.ended().unwrap();
    assert_eq!(
        (entry.error, entry.complete, entry.usage.is_some()),
        (Some("client_gone"), false, false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_to_its_end_for_its_usage_where_the_rule_wants_that() {
    let a = speaking(2);
    let world = world(&a, FINISH);
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("\"B\"").await;
    drop(hearing);
    settled().await;
    assert_eq!((world.held().tasks, world.held().places), (1, 1));
    tokio::time::sleep(seconds(30)).await;
    assert_eq!(played(&a).0, Ending::KeptAlive);
    assert_eq!(world.held(), Held::default());
    let entry = world.ended().unwrap();
    assert_eq!((entry.error, entry.complete), (Some("client_gone"), false));
    assert_eq!(entry.usage.unwrap().output_tokens, Some(5));
}

#[tokio::test(start_paused = true)]
async fn it_is_read_on_for_a_minute_at_most() {
    let a = speaking(30);
    let world = world(&a, FINISH);
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("\"A\"").await;
    let before = a.seen().len();
    let began = tokio::time::Instant::now();
    drop(hearing);
    tokio::time::sleep(seconds(59)).await;
    assert_eq!((a.played().len(), world.held().places), (0, 1));
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(
        (a.abandoned(), world.held()),
        (1, Held::default()),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(a.seen().len(), before);
    assert_eq!(world.ended().unwrap().error, Some("client_gone"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_brought_nothing_yet_is_read_to_its_end_too() {
    for patience in [1, 16] {
        let a = always(Play::words(["A", "B"]).after(seconds(20)));
        let world = world(&a, FINISH);
        world
            .ask_and_leave_after(seconds(patience), &streamed("chat"))
            .await;
        tokio::time::sleep(seconds(30)).await;
        assert_eq!(played(&a).0, Ending::KeptAlive, "left after {patience} s");
        assert_eq!(world.held(), Held::default());
        let entry = world.ended().unwrap();
        assert_eq!(
            (entry.error, entry.usage.is_some()),
            (Some("client_gone"), true)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_waited_for_a_minute_at_most_too() {
    let a = always(Play::silent());
    let world = world(&a, FINISH);
    world
        .ask_and_leave_after(seconds(10), &streamed("chat"))
        .await;
    tokio::time::sleep(seconds(61)).await;
    assert_eq!(
        (played(&a), world.held()),
        ((Ending::Abandoned, 70), Held::default())
    );
}
