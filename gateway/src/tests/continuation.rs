//! `recovery: Continue`: when another target goes on with a stream that breaks, and what the caller hears meanwhile.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::Value;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Held, World, always, seconds, settled, streamed};

const WORDS: [&str; 4] = ["Hel", "lo", " wor", "ld."];
const RULE: &str = "stream: {recovery: Continue}";

fn world(a: &Provider, b: &Provider, more: &str) -> World {
    let continues = format!("continuation: AssistantPrefix, retries: {{maxRetries: 0}}, {more}");
    World::serve(&[
        provider("a", &a.base_url(), &continues),
        provider("b", &b.base_url(), &continues),
        caller(),
        chain("chat", &["a", "b"], RULE),
    ])
}

/// What a model says that goes on where the conversation's last message leaves off.
fn rest(seen: &Seen) -> Play {
    let body = seen.json();
    let last = body["messages"]
        .as_array()
        .and_then(|messages| messages.last());
    let said = last
        .filter(|last| last["role"] == "assistant")
        .map_or("", |last| last["content"].as_str().unwrap_or_default());
    let whole = WORDS.concat();
    Play::words(whole.strip_prefix(said).unwrap().split_inclusive(' '))
}

fn outcomes(world: &World) -> Vec<&'static str> {
    let entry = world.ended().unwrap();
    entry
        .attempts
        .iter()
        .map(crate::observe::record::Attempt::outcome)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_is_gone_on_with_after_the_idle_time() {
    let a = always(Play::words(WORDS).hang_after(3));
    let b = Provider::in_process(rest);
    let world = world(&a, &b, "timeouts: {idle: 5s}");
    let answer = world.ask(&streamed("chat")).await;
    assert!(answer.done(), "{}", answer.text());
    assert_eq!(
        (answer.content(), answer.took()),
        (WORDS.concat(), seconds(5))
    );
    settled().await;
    assert_eq!((a.abandoned(), world.held()), (1, Held::default()));
    assert_eq!(outcomes(&world), ["idle_timeout", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_is_gone_on_with_at_once() {
    for play in [
        Play::words(WORDS).cut_after(3),
        Play::words(WORDS).reset_after(3),
    ] {
        let (a, b) = (always(play), Provider::in_process(rest));
        let world = world(&a, &b, "");
        let answer = world.ask(&streamed("chat")).await;
        // A reset throws away what was not read: the first may have brought nothing then.
        assert_eq!(
            (answer.content(), answer.took()),
            (WORDS.concat(), seconds(0))
        );
        assert!(answer.done());
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_rest_is_awaited_there_is_a_comment_every_fifteen_seconds() {
    let a = always(Play::words(WORDS).cut_after(3));
    let b = Provider::in_process(|seen| rest(seen).after(seconds(50)));
    let world = world(&a, &b, "timeouts: {firstToken: 60s}");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(answer.times(": waiting"), [15, 30, 45].map(seconds));
    assert_eq!(
        (answer.content(), answer.took()),
        (WORDS.concat(), seconds(50))
    );
    assert!(answer.done());
}

#[tokio::test(start_paused = true)]
async fn where_the_next_does_not_go_on_in_time_the_first_is_asked_again() {
    let a = Provider::in_process(|seen| match seen.sequence {
        0 => Play::words(WORDS).cut_after(3),
        _ => rest(seen),
    });
    let b = always(Play::silent());
    let world = world(&a, &b, "timeouts: {firstToken: 7s}");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.content(), answer.took()),
        (WORDS.concat(), seconds(7))
    );
    assert_eq!(outcomes(&world), ["reset", "first_token_timeout", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_goes_on_the_caller_is_told_of_the_break() {
    let a = Provider::in_process(|seen| match seen.sequence {
        0 => Play::words(WORDS).cut_after(3),
        _ => Play::silent(),
    });
    let b = always(Play::silent());
    let world = world(&a, &b, "timeouts: {firstToken: 7s}");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.code().as_str(), answer.took()),
        ("provider_error", seconds(14))
    );
    assert!(!answer.done());
    assert_eq!(world.ended().unwrap().error, Some("reset"));
    settled().await;
    assert_eq!(world.held(), Held::default());
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_time_is_over_is_not_gone_on_with() {
    let a = always(Play::words(WORDS).hang_after(3));
    let b = Provider::in_process(rest);
    let world = world(&a, &b, "timeouts: {total: 10s, idle: 60s}");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.done(), answer.took(), b.requests()),
        (false, seconds(10), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_while_the_rest_is_awaited_leaves_nothing_behind() {
    let a = always(Play::words(WORDS).cut_after(3));
    let b = always(Play::silent());
    let world = world(
        &a,
        &b,
        "timeouts: {firstToken: 60s}, concurrency: {maxInFlight: 1}",
    );
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until(": waiting").await;
    drop(hearing);
    settled().await;
    assert_eq!((b.abandoned(), world.held()), (1, Held::default()));
    let entry = world.ended().unwrap();
    let ended: Option<Value> = entry.error.map(Into::into);
    assert_eq!(ended, Some("client_gone".into()));
}
