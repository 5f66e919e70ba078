//! What bounds copies: their number and length, and what others leave of places, memory and connections.

use fairlead_faults::Play;
use futures_util::future::join_all;
use serde_json::json;

use super::{has, mirroring, unsent, world};
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{COPIES, World, always, seconds, settled, streamed, whole};

#[tokio::test(start_paused = true)]
async fn copies_are_bounded_by_their_number_their_length_and_the_memory_that_others_leave() {
    let (a, b) = (always(Play::chat("A.")), always(Play::silent()));
    let world = world(&a, &b, "", ", maxInFlight: 2");
    for _ in 0..5 {
        assert_eq!(world.ask(&whole("chat")).await.status, 200);
    }
    settled().await;
    assert_eq!(b.requests(), 2);
    let long =
        json!({"model": "chat", "messages": [{"role": "user", "content": "x".repeat(1_100_000)}]});
    assert_eq!(world.ask(&long).await.status, 200);
    tokio::time::sleep(seconds(700)).await;
    let others = world.memory_but(500_000);
    assert_eq!(world.ask(&whole("chat")).await.status, 200);
    drop(others);
    settled().await;
    assert_eq!(b.requests(), 2);
    has(
        &world,
        &[
            &unsent("busy", 3),
            &unsent("too_large", 1),
            &unsent("memory", 1),
        ],
    );
    // The places are free again.
    world.ask(&whole("chat")).await;
    settled().await;
    assert_eq!(b.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_places_at_a_provider_are_left_to_who_is_waited_for() {
    let (a, b) = (
        always(Play::chat("A.")),
        always(Play::chat("B.").after(seconds(20))),
    );
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), "concurrency: {maxInFlight: 4}"),
        caller(),
        mirroring("", ""),
        chain("direct", &["b"], ""),
    ]);
    for _ in 0..5 {
        world.ask(&whole("chat")).await;
    }
    settled().await;
    assert_eq!(b.requests(), 2);
    let (one, other) = (whole("direct"), streamed("direct"));
    let (one, other) = tokio::join!(world.ask(&one), world.ask(&other));
    assert_eq!((one.took(), other.took()), (seconds(20), seconds(20)));
}

#[tokio::test(start_paused = true)]
async fn an_only_place_at_a_provider_is_left_to_who_is_waited_for() {
    let (a, b) = (
        always(Play::chat("A.")),
        always(Play::chat("B.").after(seconds(20))),
    );
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), "concurrency: {maxInFlight: 1}"),
        caller(),
        mirroring("", ""),
        chain("direct", &["b"], ""),
    ]);
    world.ask(&whole("chat")).await;
    settled().await;
    assert_eq!(b.requests(), 0);
    has(&world, &["outcome=\"full\",original=\"ok\"} 1"]);
    let direct = world.ask(&whole("direct")).await;
    assert_eq!((direct.status, direct.took()), (200, seconds(20)));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_finds_no_place_keeps_none_from_who_stands_in_line() {
    let (a, b) = (
        always(Play::chat("A.")),
        always(Play::chat("B.").after(seconds(20))),
    );
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider(
            "b",
            &b.base_url(),
            "concurrency: {maxInFlight: 2, queue: {wait: 60s}}",
        ),
        caller(),
        mirroring("", ""),
        chain("direct", &["b"], ""),
    ]);
    let ask = async |model: &str, time: u64| {
        tokio::time::sleep(seconds(time)).await;
        world.ask(&whole(model)).await.took()
    };
    let direct = [0, 10, 11].map(|time| ask("direct", time));
    let (took, _) = tokio::join!(join_all(direct), ask("chat", 12));
    // The third gets the place that the first has left.
    assert_eq!(took, [seconds(20), seconds(20), seconds(29)]);
    assert_eq!(b.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_copies_together_hold_so_many_connections() {
    let (a, b) = (always(Play::chat("A.")), always(Play::silent()));
    let world = world(&a, &b, "", ", maxInFlight: 1000");
    for _ in 0..COPIES + 3 {
        assert_eq!(world.ask(&whole("chat")).await.status, 200);
    }
    settled().await;
    assert_eq!(b.requests(), COPIES);
    has(&world, &[&unsent("busy", 3)]);
    tokio::time::sleep(seconds(700)).await;
    world.ask(&whole("chat")).await;
    settled().await;
    assert_eq!(b.requests(), COPIES + 1, "the places are free again");
}
