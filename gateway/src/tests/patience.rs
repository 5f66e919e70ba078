//! How long a target is waited for, and asked again, where nobody has said so; and what the gateway's own want of memory means.

use std::sync::atomic::{AtomicUsize, Ordering};

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Held, World, always, seconds, settled, streamed, whole};

fn world(a: &Provider, b: &Provider, more: &str, rule: &str) -> World {
    World::serve(&[
        provider("a", &a.base_url(), more),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], rule),
        chain("o3-mini", &["a", "b"], rule),
        chain("alone", &["a"], rule),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_waited_for_half_a_minute_and_one_that_reasons_for_five() {
    let (a, b) = (always(Play::silent()), always(Play::chat("B.")));
    let world = world(&a, &b, ONCE, "");
    for (model, wait) in [("chat", 30), ("o3-mini", 300)] {
        let answer = world.ask(&streamed(model)).await;
        assert_eq!(
            (answer.attempts().as_str(), answer.took()),
            ("a=first_token_timeout, b=ok", seconds(wait)),
            "{model}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_usual_bounds_the_wait_only_where_somebody_else_can_be_asked() {
    let asked = AtomicUsize::new(0);
    let a = Provider::in_process(move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) < 40 {
            Play::chat("A.").after(seconds(4))
        } else {
            Play::silent()
        }
    });
    let b = always(Play::chat("B."));
    let world = world(&a, &b, ONCE, "");
    for _ in 0..20 {
        for model in ["chat", "alone"] {
            assert_eq!(world.ask(&streamed(model)).await.attempts(), "a=ok");
        }
    }
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(answer.attempts(), "a=first_token_timeout, b=ok");
    // Four times four seconds, as exactly as the histogram knows them.
    assert!(
        answer.took() > seconds(13) && answer.took() < seconds(19),
        "{:?}",
        answer.took()
    );
    let answer = world.ask(&streamed("alone")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=first_token_timeout", seconds(30))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_held_and_breaks_after_long_comes_from_another_target() {
    let broken = Play::words(["A", "B", "C"])
        .every(seconds(13))
        .reset_after(3);
    let (a, b) = (always(broken), always(Play::chat("B.")));
    let world = world(&a, &b, "", "stream: {commit: Complete}");
    for model in ["chat", "o3-mini"] {
        let answer = world.ask(&streamed(model)).await;
        assert_eq!(
            (answer.attempts().as_str(), answer.content().as_str()),
            ("a=reset, b=ok", "B."),
            "{model}"
        );
        assert!(answer.took() < seconds(60), "{:?}", answer.took());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_held_is_counted_until_its_caller_has_taken_it() {
    let word = "word ".repeat(20_000);
    let (a, b) = (
        always(Play::words([word.as_str(); 4])),
        always(Play::chat("B.")),
    );
    let world = world(&a, &b, "", "stream: {commit: Complete}");
    let hearing = world.begin(&streamed("chat")).await;
    settled().await;
    assert!(world.held().bytes >= 400_000, "{:?}", world.held());
    assert!(hearing.rest().await.done());
    settled().await;
    assert_eq!(world.held(), Held::default());
}

#[tokio::test(start_paused = true)]
async fn without_memory_for_an_answer_nobody_else_is_asked_and_nobody_is_to_blame() {
    let large = Play::chat(&"a".repeat(3 << 20));
    let (a, b) = (always(large), always(Play::chat("B.")));
    let world = world(&a, &b, ONCE, "");
    let others = world.memory_but(1 << 20);
    for body in [whole("chat"), whole("alone")] {
        for _ in 0..10 {
            let answer = world.ask(&body).await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
        }
    }
    assert_eq!(
        (b.requests(), world.breaker("a", "chat").as_str()),
        (0, "closed")
    );
    drop(others);
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
}
