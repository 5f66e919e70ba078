//! Targets that are left alone because they fail: from when, for how long, and how they come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{World, always, seconds, whole};

const HEALTH: &str =
    "retries: {maxRetries: 0}, health: {consecutiveFailures: 3, probeInterval: 10s, rampUp: 20s}";

/// A provider that can be broken and mended, and one that is always well.
struct Stage {
    world: World,
    a: Provider,
    _b: Provider,
    broken: Arc<AtomicBool>,
}

impl Stage {
    fn set(failure: Play) -> Self {
        let broken = Arc::new(AtomicBool::new(true));
        let is_broken = Arc::clone(&broken);
        let a = Provider::in_process(move |_| {
            if is_broken.load(Ordering::SeqCst) {
                failure.clone()
            } else {
                Play::chat("A.")
            }
        });
        let b = always(Play::chat("B."));
        let world = World::serve(&[
            provider("a", &a.base_url(), HEALTH),
            provider("b", &b.base_url(), ""),
            caller(),
            chain("chat", &["a", "b"], ""),
            chain("alone", &["a"], ""),
        ]);
        Self {
            world,
            a,
            _b: b,
            broken,
        }
    }

    fn mend(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }

    async fn attempts(&self) -> String {
        self.world.ask(&whole("chat")).await.attempts()
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_in_a_row_is_left_alone_but_for_one_request_an_interval() {
    let stage = Stage::set(Play::status(503));
    for _ in 0..3 {
        assert_eq!(stage.attempts().await, "a=overloaded, b=ok");
    }
    assert_eq!(stage.world.breaker("a", "chat"), "open");
    // For 60 s ten requests a second: six of them find out.
    for _ in 0..600 {
        let attempts = stage.attempts().await;
        assert!(attempts == "a=unhealthy, b=ok" || attempts == "a=overloaded, b=ok");
        tokio::time::sleep(seconds(1) / 10).await;
    }
    let probes = stage.a.requests() - 3;
    assert!((5..=6).contains(&probes), "{probes} probes");
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_by_one_probe_and_a_share_that_grows_to_the_whole() {
    let stage = Stage::set(Play::status(503));
    for _ in 0..3 {
        stage.attempts().await;
    }
    stage.mend();
    tokio::time::sleep(seconds(9)).await;
    assert_eq!(stage.attempts().await, "a=unhealthy, b=ok", "not yet");
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(stage.attempts().await, "a=ok", "the probe");
    let mut shares = Vec::new();
    for _ in 0..4 {
        let before = stage.a.requests();
        for _ in 0..50 {
            stage.attempts().await;
            tokio::time::sleep(seconds(1) / 10).await;
        }
        shares.push(stage.a.requests() - before);
    }
    // Over 20 s from nothing to the whole: an eighth of the first 5 s, seven eighths of the last.
    for (share, about) in shares.iter().zip([6, 19, 31, 44]) {
        assert!(share.abs_diff(about) <= 4, "{shares:?}");
    }
    tokio::time::sleep(seconds(1)).await;
    stage.attempts().await;
    assert_eq!(stage.world.breaker("a", "chat"), "closed");
}

#[tokio::test(start_paused = true)]
async fn while_a_probe_is_out_all_others_go_elsewhere_at_once() {
    let stage = Stage::set(Play::status(503).after(seconds(2)));
    for _ in 0..3 {
        stage.attempts().await;
    }
    tokio::time::sleep(seconds(10)).await;
    let body = whole("chat");
    let (probe, other) = tokio::join!(stage.world.ask(&body), stage.world.ask(&body));
    assert_eq!(
        (probe.attempts().as_str(), other.attempts().as_str()),
        ("a=overloaded, b=ok", "a=unhealthy, b=ok")
    );
    assert_eq!((probe.took(), other.took()), (seconds(2), seconds(0)));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_else_is_left_the_caller_is_told_when_the_next_request_finds_out() {
    let stage = Stage::set(Play::status(503));
    for _ in 0..3 {
        stage.world.ask(&whole("alone")).await;
    }
    tokio::time::sleep(seconds(4)).await;
    let answer = stage.world.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.took()),
        (503, "6", seconds(0))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_known_outlives_an_edit_of_the_configuration() {
    let stage = Stage::set(Play::status(503));
    for _ in 0..3 {
        stage.attempts().await;
    }
    let b = always(Play::chat("B."));
    stage.world.edit(&[
        provider("a", &stage.a.base_url(), HEALTH),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], "priority: 7"),
    ]);
    assert_eq!(stage.attempts().await, "a=unhealthy, b=ok");
}
