//! Callers over HTTP/2 that open no window: what they were to get holds no place, no memory and no shutdown.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use serde_json::json;
use tokio::time::Instant;

use super::setup;
use crate::harness::http2::{RST_STREAM, Shut, frame};
use crate::harness::{eventually, streamed, whole};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_window_that_stays_shut_holds_places_only_until_the_requests_time_is_over() {
    let a = Provider::always(Play::words(["Hel", "lo."])).await;
    let more = "timeouts: {total: 2s}, concurrency: {maxInFlight: 4}, retries: {maxRetries: 0}";
    let mut gateway = setup(&a, more)
        .arguments(&["--drain-delay", "0"])
        .start()
        .await;
    let mut shut = Shut::open(&gateway, 0).await;
    for _ in 0..4 {
        shut.ask(&streamed("chat").to_string()).await;
    }
    eventually("the provider is asked", async || {
        (a.requests() == 4).then_some(())
    })
    .await;
    let began = Instant::now();
    for _ in 0..4 {
        shut.until(RST_STREAM).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    // And none of it is in the way of the end.
    shut.ask(&streamed("chat").to_string()).await;
    eventually("the provider is asked", async || {
        (a.requests() == 6).then_some(())
    })
    .await;
    gateway.signal("TERM").await;
    assert_eq!(gateway.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_stream_that_is_not_taken_is_reset_after_a_while() {
    let a = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = setup(&a, "")
        .arguments(&["--write-stall", "1"])
        .start()
        .await;
    for window in [0, 10] {
        let mut shut = Shut::open(&gateway, window).await;
        shut.ask(&streamed("chat").to_string()).await;
        let began = Instant::now();
        let reset = tokio::time::timeout(Duration::from_secs(8), shut.until(RST_STREAM));
        assert_eq!(
            reset.await.expect("nobody resets it"),
            [0, 0, 0, 8],
            "CANCEL"
        );
        assert!(began.elapsed() > Duration::from_millis(800));
    }
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(line["error.type"], "client_gone");
}

#[tokio::test]
async fn answers_that_wait_for_a_window_are_counted_and_given_up() {
    let body = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "a".repeat(4 * MIB - 4096)}}],
    });
    let large = Play::json(200, &body);
    let a = Provider::start(move |seen| {
        if seen.model() == "large" {
            large.clone()
        } else {
            Play::chat("Hello.")
        }
    })
    .await;
    let cap = 64 * MIB;
    let gateway = setup(&a, "retries: {maxRetries: 0}")
        .arguments(&["--max-memory-bytes", &cap.to_string(), "--write-stall", "2"])
        // The allocator keeps what was freed for a second. What is asked here is what the gateway holds.
        .variable("MIMALLOC_PURGE_DELAY", "0")
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let before = gateway.resident();
    let ask = json!({"model": "a/large", "messages": []}).to_string();
    for window in [0, 1000] {
        let mut shut = Shut::open(&gateway, window).await;
        for _ in 0..100 {
            shut.ask(&ask).await;
        }
        // As many as there is memory for are held, the others are refused; in the end all are gone.
        shut.until(RST_STREAM).await;
        let used = gateway.resident().saturating_sub(before);
        assert!(
            used < cap + 128 * MIB,
            "window {window}: {} MiB",
            used / MIB
        );
        shut.until_all_ended().await;
        eventually("there is memory again", async || {
            (gateway
                .ask(&json!({"model": "a/large", "messages": []}))
                .await
                .status
                == 200)
                .then_some(())
        })
        .await;
    }
}

/// CVE-2019-9512, 9513, 9515, 9518.
#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_without_end_is_closed() {
    let a = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = setup(&a, "").start().await;
    let ping = frame(6, 0, 0, &[7; 8]);
    let settings = frame(4, 0, 0, &[]);
    let priority = frame(2, 0, 1, &[0, 0, 0, 3, 1]);
    let unknown = frame(200, 0, 0, b"?");
    for flood in [ping, settings, priority, unknown] {
        let mut shut = Shut::open(&gateway, 65_535).await;
        let _ = shut.try_send(&flood.repeat(50)).await;
        // What every client sends some of is in nobody's way.
        shut.ask(&streamed("chat").to_string()).await;
        shut.until_all_ended().await;
        eventually("the connection ends", async || {
            shut.try_send(&flood.repeat(50)).await.err()
        })
        .await;
    }
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
}
