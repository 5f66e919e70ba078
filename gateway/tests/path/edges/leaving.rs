//! The end of a gateway, and of its callers' connections.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::setup;
use crate::harness::raw::head;
use crate::harness::{KEY, whole};

#[tokio::test]
async fn whatever_is_answered_while_leaving_asks_to_go_elsewhere() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut gateway = setup(&a, "")
        .arguments(&["--drain-delay", "2"])
        .start()
        .await;
    gateway.signal("TERM").await;
    gateway
        .err
        .until(|line| line.contains("shutting down"))
        .await;
    for (answer, status) in [
        (gateway.get_as(KEY, "/v1/models").await, 200),
        (gateway.get_as(KEY, "/nowhere").await, 404),
        (gateway.get_as(KEY, "/v1/chat/completions").await, 405),
        (gateway.ask(&whole("chat")).await, 200),
    ] {
        assert_eq!(
            (answer.status, answer.header("connection")),
            (status, "close")
        );
    }
    assert_eq!(gateway.end().await.code(), Some(0));
}

#[tokio::test]
async fn an_access_log_that_nobody_reads_does_not_hold_up_the_end() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let setup = setup(&a, "").arguments(&["--drain-delay", "0"]);
    let mut gateway = setup.start_unread().await;
    // More lines than a pipe takes.
    for _ in 0..200 {
        assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    }
    let began = Instant::now();
    for _ in 0..3 {
        gateway.signal("TERM").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(gateway.end().await.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_caller_that_sends_nothing_more_still_gets_its_answer() {
    let a = Provider::start(|_| Play::chat("Hello.").after(Duration::from_millis(500))).await;
    let gateway = setup(&a, "").start().await;
    let body = whole("chat").to_string();
    let more = format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket
        .write_all(head(&gateway, &more).as_bytes())
        .await
        .unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.contains("200 OK") && answer.contains("Hello."),
        "{answer}"
    );
}
