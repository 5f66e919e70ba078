//! Rules that follow what is measured: who has lately been quickest, and who is least busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider, Reply};
use fairlead_route::ChosenBy;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, provider, rule};
use crate::harness::{World, always, millis, seconds, streamed, whole};

/// A rule for a model over `a` and `b`, with these weights.
fn over(model: &str, strategy: &str, weights: [u32; 2]) -> String {
    let [a, b] = weights;
    rule(
        model,
        &format!(
            "match: {{models: [{model}]}}, strategy: {{type: {strategy}}}, targets: [\
             {{name: a, providerRef: {{name: a}}, model: m, weight: {a}}}, \
             {{name: b, providerRef: {{name: b}}, model: m, weight: {b}}}]"
        ),
    )
}

fn world(a: &Provider, b: &Provider, more: &str) -> World {
    World::serve(&[
        provider("a", &a.base_url(), more),
        provider("b", &b.base_url(), more),
        caller(),
        over("quick", "LowestLatency", [1, 1]),
        over("idle", "LeastBusy", [1, 1]),
        over("fixed", "Weighted", [70, 30]),
    ])
}

/// A provider that begins to answer after a time that can be changed.
fn changing(first: Duration) -> (Provider, impl Fn(Duration)) {
    let pause = Arc::new(AtomicU64::new(0));
    let (set, read) = (Arc::clone(&pause), pause);
    let millis_of = |time: Duration| u64::try_from(time.as_millis()).unwrap();
    read.store(millis_of(first), Ordering::SeqCst);
    let play = move |_: &_| Play::chat("A.").after(millis(read.load(Ordering::SeqCst)));
    let set = move |time| set.store(millis_of(time), Ordering::SeqCst);
    (Provider::in_process(play), set)
}

/// How many of so many requests, one after the other, were answered by `a`.
async fn by_a(world: &World, body: &Value, times: usize) -> usize {
    let mut by_a = 0;
    for _ in 0..times {
        by_a += usize::from(world.ask(body).await.attempts() == "a=ok");
        tokio::time::sleep(millis(50)).await;
    }
    by_a
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_is_left_and_has_its_requests_back_once_it_is_mended() {
    for ask in [streamed, whole] {
        let (a, pace) = changing(millis(100));
        let b = always(Play::chat("B.").after(millis(200)));
        let world = world(&a, &b, "");
        let (quick, fixed) = (ask("quick"), ask("fixed"));
        // Each is tried once, for nobody knows them.
        let tried = by_a(&world, &quick, 2).await;
        assert_eq!(tried, 1, "{quick}");
        assert_eq!(by_a(&world, &quick, 40).await, 40, "{quick}");
        // The bystander has its split to the point, however quick who is.
        assert!(by_a(&world, &fixed, 100).await.abs_diff(70) <= 1);
        pace(seconds(3));
        let slow = by_a(&world, &quick, 40).await;
        assert!((1..=2).contains(&slow), "{slow} {quick}");
        assert!(by_a(&world, &fixed, 100).await.abs_diff(70) <= 1);
        pace(millis(100));
        tokio::time::sleep(seconds(10)).await;
        let found = by_a(&world, &quick, 40).await;
        assert!(found >= 18, "{found} {quick}");
        // One may find out how the other does.
        assert!(by_a(&world, &quick, 40).await >= 38, "{quick}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_says_what_has_put_the_target_there() {
    let (a, b) = (always(Play::chat("A.")), always(Play::chat("B.")));
    let world = world(&a, &b, "");
    for (model, expected) in [
        ("quick", ChosenBy::Exploration),
        ("quick", ChosenBy::Exploration),
        ("quick", ChosenBy::LowestLatency),
        ("idle", ChosenBy::LeastBusy),
        ("fixed", ChosenBy::Weighted),
        ("a/m", ChosenBy::Only),
    ] {
        world.ask(&whole(model)).await;
        assert_eq!(world.ended().unwrap().chosen_by, Some(expected), "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_fast_is_not_a_quick_one() {
    let a = always(Play::status(500));
    let b = always(Play::chat("B.").after(millis(500)));
    let world = world(&a, &b, ONCE);
    for _ in 0..100 {
        assert_eq!(world.ask(&streamed("quick")).await.status, 200);
    }
    assert!(a.requests() <= 10, "{}", a.requests());
}

#[tokio::test(start_paused = true)]
async fn a_target_at_which_callers_give_up_is_left() {
    let a = always(Play::silent());
    let b = always(Play::chat("B.").after(millis(500)));
    let world = world(&a, &b, "");
    for _ in 0..40 {
        let body = streamed("quick");
        let answer = world.ask(&body);
        let _ = tokio::time::timeout(seconds(3), answer).await;
    }
    // Once for it is new, and now and then for it might be mended.
    assert!((1..=4).contains(&a.requests()), "{}", a.requests());
    assert!(b.requests() >= 36);
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_does_not_make_a_slow_target() {
    // It begins after so long, and takes so long for each token: 10 of a short answer, 1,000 of a long one.
    let paced = |begins: u64, token: u64| {
        Provider::in_process(move |seen| {
            let is_long = seen.body.windows(4).any(|word| word == b"long");
            let tokens = if is_long { 1_000 } else { 10 };
            let reply = Reply::words(["Well."]).usage(10, 0, tokens);
            Play::from(reply).after(millis(begins + token * tokens))
        })
    };
    let asking =
        |what: &str| json!({"model": "quick", "messages": [{"role": "user", "content": what}]});
    for first in ["long", "short"] {
        let (a, b) = (paced(100, 5), paced(300, 40));
        let world = world(&a, &b, "");
        let second = if first == "long" { "short" } else { "long" };
        for what in [first, second] {
            world.ask(&asking(what)).await;
        }
        assert_eq!((a.requests(), b.requests()), (1, 1));
        for what in ["long", "short"].repeat(10) {
            world.ask(&asking(what)).await;
        }
        assert!(b.requests() <= 3, "{first} first: {}", b.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_slow_has_as_many_in_flight_as_another_and_no_more() {
    let a = always(Play::chat("A.").after(seconds(4)));
    let b = always(Play::chat("B.").after(seconds(1)));
    let world = world(&a, &b, "");
    let body = whole("idle");
    let ten_a_second = (0..400).map(|n| {
        let (world, body) = (&world, &body);
        async move {
            tokio::time::sleep(millis(n * 100)).await;
            world.ask(body).await.status
        }
    });
    assert!(
        join_all(ten_a_second)
            .await
            .iter()
            .all(|status| *status == 200)
    );
    // One of five is as busy with a fifth of the requests as the other with the rest.
    let share = a.requests();
    assert!((70..=95).contains(&share), "{share}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_spread_evenly_over_those_that_were_idle() {
    let slow = || always(Play::chat("A.").after(seconds(4)));
    let (a, b) = (slow(), slow());
    let world = world(&a, &b, "");
    let body = whole("idle");
    join_all((0..40).map(|_| world.ask(&body))).await;
    assert_eq!((a.requests(), b.requests()), (20, 20));
    assert_eq!(world.held(), crate::harness::Held::default());
}
