//! A second target beside a silent first: from when on, and what becomes of the one that is not needed.

use fairlead_faults::{Moment, Play, Provider};
use futures_util::future::join_all;

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Held, World, always, millis, seconds, settled, streamed, whole};
use crate::observe::otlp::spans::Form;
use crate::observe::otlp::tests::spans_of;
use crate::observe::trace::{Root, Sampler, Tracing};

const AFTER_TWO: &str = "hedge: {delay: 2s, maxPercent: 100}";

/// The series of fallbacks.
const FALLBACK: &str = "fairlead_fallbacks_total{";

fn documents(a: &Provider, b: &Provider, rule: &str) -> [String; 4] {
    [
        provider("a", &a.base_url(), ONCE),
        provider("b", &b.base_url(), ONCE),
        caller(),
        chain("chat", &["a", "b"], rule),
    ]
}

fn world(a: &Provider, b: &Provider, rule: &str) -> World {
    World::serve(&documents(a, b, rule))
}

fn traced(a: &Provider, b: &Provider, rule: &str) -> World {
    let sampler = Sampler {
        parent: true,
        root: Root::Always,
        slow: seconds(10),
    };
    World::serve_traced(Tracing::on(sampler), &documents(a, b, rule))
}

fn slow(text: &str, count: u64) -> Provider {
    always(Play::chat(text).after(seconds(count)))
}

#[tokio::test(start_paused = true)]
async fn the_second_is_asked_when_the_first_has_been_silent_for_the_delay() {
    for body in [whole("chat"), streamed("chat")] {
        for silence in [Play::silent(), Play::silent_after_head()] {
            let (a, b) = (always(silence), slow("B.", 3));
            let world = world(&a, &b, AFTER_TWO);
            let answer = world.ask(&body).await;
            assert_eq!(
                (answer.attempts().as_str(), answer.content().as_str()),
                ("a=hedged, b=ok", "B.")
            );
            assert_eq!(answer.took(), seconds(5));
            settled().await;
            assert_eq!((a.abandoned(), world.held()), (1, Held::default()));
            let metrics = world.metrics();
            let won = "fairlead_hedges_total{outcome=\"won\"} 1";
            assert!(metrics.contains(won), "{metrics}");
            assert!(!metrics.contains(FALLBACK), "{metrics}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_that_speaks_before_the_delay_is_alone() {
    let (a, b) = (always(Play::chat("A.").after(millis(1_900))), slow("B.", 0));
    let world = world(&a, &b, AFTER_TWO);
    for body in [whole("chat"), streamed("chat")] {
        assert_eq!(world.ask(&body).await.attempts(), "a=ok");
    }
    assert_eq!(b.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_that_speaks_before_the_second_wins_and_the_second_is_hung_up_on() {
    let (a, b) = (slow("A.", 6), slow("B.", 60));
    let world = traced(&a, &b, AFTER_TWO);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("b=hedged, a=ok", seconds(6))
    );
    settled().await;
    let took: Vec<_> = b
        .played()
        .iter()
        .map(|played| played.took.as_secs())
        .collect();
    assert_eq!((b.abandoned(), took), (1, vec![4]));
    // Nobody has fallen back: the one that was asked first has answered.
    let metrics = world.metrics();
    assert!(!metrics.contains(FALLBACK), "{metrics}");
    let spans = spans_of(&world.told().unwrap(), Form::default()).to_string();
    let no = r#"{"key":"fairlead.fallback","value":{"boolValue":false}}"#;
    assert!(spans.contains(no), "{spans}");
}

#[tokio::test(start_paused = true)]
async fn a_first_that_fails_before_the_delay_is_followed_at_once() {
    let (a, b) = (always(Play::status(500).after(seconds(1))), slow("B.", 1));
    let answer = world(&a, &b, AFTER_TWO).ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=server_error, b=ok", seconds(2))
    );
}

#[tokio::test(start_paused = true)]
async fn if_one_fails_the_other_is_waited_for() {
    let failing = |count| always(Play::status(500).after(seconds(count)));
    let (a, b) = (failing(3), slow("B.", 4));
    let world_of_both = world(&a, &b, AFTER_TWO);
    let answer = world_of_both.ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=server_error, b=ok", seconds(6))
    );
    let fallback = "fairlead_fallbacks_total{provider=\"default/b\",after=\"server_error\"} 1";
    assert!(world_of_both.metrics().contains(fallback));
    let (a, b) = (slow("A.", 9), failing(1));
    let answer = world(&a, &b, AFTER_TWO).ask(&whole("chat")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("b=server_error, a=ok", seconds(9))
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_than_its_share_of_requests_is_hedged() {
    let (a, b) = (slow("A.", 5), slow("B.", 1));
    let world = world(&a, &b, "hedge: {delay: 2s, maxPercent: 10}");
    let body = whole("chat");
    let answers = join_all((0..50).map(|_| world.ask(&body))).await;
    let hedged = answers
        .iter()
        .filter(|answer| answer.attempts() == "a=hedged, b=ok");
    assert_eq!((hedged.count(), b.requests()), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_loser_says_nothing_of_the_health_of_its_target() {
    let (a, b) = (always(Play::silent()), slow("B.", 0));
    let world = World::serve(&[
        provider("a", &a.base_url(), "health: {consecutiveFailures: 1}"),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], AFTER_TWO),
    ]);
    for _ in 0..5 {
        assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=hedged, b=ok");
    }
    assert_eq!(world.breaker("a", "chat"), "closed");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_brought_content_is_not_raced_any_more() {
    let first = Play::words(["A", "B"]).every(millis(1_500));
    let (a, b) = (always(first.hang_at(Moment::Content)), slow("B.", 0));
    let world = world(
        &a,
        &b,
        "hedge: {delay: 4s, maxPercent: 100}, timeouts: {idle: 30s}",
    );
    let answer = world.ask(&streamed("chat")).await;
    assert!(!answer.done());
    assert_eq!(b.requests(), 0);
}
