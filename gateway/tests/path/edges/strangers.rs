//! Connections that nobody has answered for yet: they have little time, and take nothing from those who have a key.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::setup;
use crate::harness::certificate::Certificate;
use crate::harness::raw::{closes, head};
use crate::harness::whole;

#[tokio::test]
async fn idle_sockets_leave_descriptors_for_everybody_else() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").descriptors(256).start().await;
    let mut idle = Vec::new();
    for _ in 0..230 {
        idle.push(TcpStream::connect(gateway.address).await.unwrap());
    }
    for _ in 0..20 {
        let soon = Duration::from_secs(3);
        let answer = tokio::time::timeout(soon, gateway.ask(&whole("chat"))).await;
        assert_eq!(answer.expect("no answer in time").status, 200);
        let live = tokio::time::timeout(soon, gateway.admin("/livez").send()).await;
        assert_eq!(
            live.expect("the admin port is stuck").unwrap().status(),
            200
        );
    }
    // The admin port has strangers of its own.
    for _ in 0..100 {
        idle.push(TcpStream::connect(gateway.admin).await.unwrap());
    }
    let live = gateway.admin("/livez").send();
    let live = tokio::time::timeout(Duration::from_secs(3), live).await;
    assert_eq!(
        live.expect("the admin port is stuck").unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_head_has_its_time_whatever_it_begins_with() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let (plain, certificate) = (setup(&a, ""), Certificate::loopback());
    let secure = setup(&a, "");
    secure.write("tls/tls.crt", &certificate.certificate);
    secure.write("tls/tls.key", &certificate.key);
    let time = ["--head-time", "1"];
    let plain = plain.arguments(&time).start().await;
    let secure = secure
        .arguments(&time)
        .arguments(&[
            "--tls-cert",
            "{}/tls/tls.crt",
            "--tls-key",
            "{}/tls/tls.key",
        ])
        .start()
        .await;
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let half = head(&plain, "x-more: ");
    let first = [
        (&plain, &b""[..], "nothing"),
        (&plain, b"P", "one byte"),
        (&plain, half.as_bytes(), "half a head"),
        (&plain, &settings[..], "an HTTP/2 preface"),
        (&secure, b"", "no handshake"),
        (&secure, b"\x16\x03\x01", "half a handshake"),
    ];
    for (gateway, text, what) in first {
        let began = Instant::now();
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(text).await.unwrap();
        assert!(
            closes(&mut socket, Duration::from_secs(6)).await,
            "{what} keeps its connection"
        );
        assert!(began.elapsed() > Duration::from_millis(700), "{what}");
    }
}

#[tokio::test]
async fn a_connection_may_rest_between_two_requests_for_longer_than_a_head_may_take() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "")
        .arguments(&["--head-time", "1", "--idle-time", "4"])
        .start()
        .await;
    let body = whole("chat").to_string();
    let request = head(
        &gateway,
        &format!("content-length: {}\r\n\r\n{body}", body.len()),
    );
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let mut seen = vec![0; 4096];
    for _ in 0..2 {
        use tokio::io::AsyncReadExt as _;
        socket.write_all(request.as_bytes()).await.unwrap();
        let length = socket.read(&mut seen).await.unwrap();
        assert!(seen[..length].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let began = Instant::now();
    // The head of the third has a second from its first byte.
    socket.write_all(&request.as_bytes()[..30]).await.unwrap();
    assert!(closes(&mut socket, Duration::from_secs(6)).await);
    assert!(began.elapsed() < Duration::from_millis(1_900));
}

#[tokio::test]
async fn unfinished_heads_take_no_more_than_a_part_of_the_memory() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "")
        .arguments(&["--max-memory-bytes", "100000000"])
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let before = gateway.resident();
    let text = head(&gateway, &format!("x-large: {}", "x".repeat(60_000)));
    let mut sockets = Vec::new();
    for _ in 0..1_000 {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        // Some are closed while they write.
        let _ = socket.write_all(text.as_bytes()).await;
        sockets.push(socket);
    }
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let grown = gateway.resident().saturating_sub(before) / (1024 * 1024);
    assert!(grown < 192, "{grown} MiB for 1,000 unfinished heads");
}
