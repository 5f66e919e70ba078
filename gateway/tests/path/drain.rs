//! The end of a gateway: nobody who is being served notices.

use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen};
use tokio::net::TcpStream;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually, streamed, whole};

/// A stream of three seconds, a whole answer at once.
fn slow(seen: &Seen) -> Play {
    let words = Play::words(["a"; 10]);
    if seen.streamed() {
        words.every(Duration::from_millis(250))
    } else {
        words
    }
}

async fn gateway(a: &Provider, arguments: &[&str]) -> Gateway {
    let documents = [
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], ""),
    ];
    Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(arguments)
        .start()
        .await
}

/// A stream whose first content has come.
async fn begun(gateway: &Gateway) -> reqwest::Response {
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .body(streamed("chat").to_string());
    let mut response = request.send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    response
}

async fn refuses(gateway: &Gateway) {
    eventually("connections are refused", async || {
        TcpStream::connect(gateway.address)
            .await
            .is_err()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn sigterm_serves_on_for_a_while_and_finishes_what_is_in_flight() {
    let a = Provider::start(slow).await;
    let mut gateway = gateway(&a, &["--drain-delay", "1"]).await;
    let stream = begun(&gateway).await;
    gateway.signal("TERM").await;
    gateway
        .err
        .until(|line| line.contains("shutting down"))
        .await;
    // Load balancers are told, and callers who come all the same are served and asked to go elsewhere.
    eventually("it is not ready", async || {
        (gateway.admin("/readyz").send().await.unwrap().status() == 503).then_some(())
    })
    .await;
    assert_eq!(gateway.admin("/livez").send().await.unwrap().status(), 200);
    let late = gateway.ask(&whole("chat")).await;
    assert_eq!((late.status, late.header("connection")), (200, "close"));
    refuses(&gateway).await;
    let rest = Answer::of(stream).await;
    assert!(rest.done(), "the stream was cut: {}", rest.text());
    let status = gateway.end().await;
    assert_eq!(
        status.code(),
        Some(0),
        "{}",
        gateway.err.so_far().join("\n")
    );
    let lines = gateway.out.all().await;
    assert_eq!(
        lines.len(),
        2,
        "every request has its access line: {lines:?}"
    );
}

#[tokio::test]
async fn sigint_does_not_wait_for_load_balancers() {
    let a = Provider::start(slow).await;
    let mut gateway = gateway(&a, &["--drain-delay", "600"]).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    gateway.signal("INT").await;
    assert_eq!(gateway.end().await.code(), Some(0));
}

#[tokio::test]
async fn what_is_in_flight_for_too_long_is_cut() {
    let a = Provider::always(Play::words(["a", "b"]).hang_after(2)).await;
    let mut gateway = gateway(&a, &["--drain-delay", "0", "--drain-timeout", "0.3"]).await;
    let stream = begun(&gateway).await;
    gateway.signal("TERM").await;
    let rest = Answer::of(stream).await;
    assert!(!rest.text().contains("[DONE]"), "{}", rest.text());
    assert_eq!(gateway.end().await.code(), Some(0));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let a = Provider::start(slow).await;
    let mut gateway = gateway(&a, &["--drain-delay", "0"]).await;
    let _idle = TcpStream::connect(gateway.address).await.unwrap();
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    gateway.signal("TERM").await;
    assert_eq!(gateway.end().await.code(), Some(0));
}
