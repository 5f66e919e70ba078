//! A request that is refused before its body has come: its caller sees the answer, whatever it is writing at that moment.

use fairlead_faults::{Play, Provider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::setup;
use crate::harness::http2::over_http_2;
use crate::harness::raw::converse;
use crate::harness::{Gateway, KEY};

const TRIES: usize = 20;

/// As most clients do: all of the request, then the answer. What it sees; empty if it sees nothing.
async fn write_all_then_read(gateway: &Gateway, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let request = format!(
        "{head}host: {}\r\ncontent-length: {}\r\n\r\n",
        gateway.address,
        body.len()
    );
    let mut answer = Vec::new();
    if socket.write_all(request.as_bytes()).await.is_ok() && socket.write_all(body).await.is_ok() {
        let _ = socket.read_to_end(&mut answer).await;
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_caller_that_is_still_writing_sees_why_it_is_refused() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let key = format!("authorization: Bearer {KEY}\r\n");
    let chat = "POST /v1/chat/completions HTTP/1.1\r\n";
    let (five, forty) = (vec![b'a'; 5 << 20], vec![b'a'; 40 << 20]);
    for (what, head, body, tries, status) in [
        ("no key", chat.to_owned(), &five, TRIES, 401),
        (
            "no such path",
            format!("POST /nowhere HTTP/1.1\r\n{key}"),
            &five,
            TRIES,
            404,
        ),
        (
            "compressed",
            format!("{chat}{key}content-encoding: gzip\r\n"),
            &five,
            TRIES,
            415,
        ),
        ("too large", format!("{chat}{key}"), &forty, 5, 413),
    ] {
        for attempt in 0..tries {
            let answer = write_all_then_read(&gateway, &head, body).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}"))
                    && answer.contains("connection: close"),
                "{what}, {attempt}: {answer:?}"
            );
        }
    }
    assert_eq!(a.requests(), 0);
}

#[tokio::test]
async fn a_small_refused_body_costs_its_caller_no_connection() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let body = "x".repeat(1_000);
    let once = format!(
        "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n",
        body.len()
    );
    let text = format!("{once}\r\n{body}{once}connection: close\r\n\r\n{body}");
    let answer = converse(&gateway, &text).await;
    assert_eq!(answer.matches("HTTP/1.1 404").count(), 2, "{answer}");
}

#[tokio::test]
async fn over_http_2_the_answer_comes_before_the_body_has_gone() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    for attempt in 0..TRIES {
        let (status, body) = over_http_2(&gateway, &[], vec![b'a'; 5 << 20]).await;
        assert!(
            status == 401 && body.contains("missing_key"),
            "{attempt}: {status} {body}"
        );
    }
}
