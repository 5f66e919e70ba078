//! Heads, and connections on which none ever ends.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stage::Stage;
use crate::harness::http2::over_http_2;
use crate::harness::raw::{converse, head};
use crate::harness::{Answer, KEY, whole};

pub(super) async fn heads_that_never_end(stage: &Stage) {
    let text = head(&stage.gateway, &format!("x-large: {}", "x".repeat(60_000)));
    for _ in 0..stage.sizes.many {
        let mut socket = stage.connect().await;
        // Some are closed while they write.
        let _ = socket.write_all(text.as_bytes()).await;
        stage.keep(socket);
    }
}

pub(super) async fn sockets_that_say_nothing(stage: &Stage) {
    for text in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01"] {
        for _ in 0..stage.sizes.many / 4 {
            let mut socket = stage.connect().await;
            let _ = socket.write_all(text.as_bytes()).await;
            stage.keep(socket);
        }
    }
}

pub(super) async fn heads_that_can_be_read_in_two_ways(stage: &Stage) {
    let line = format!("POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer {KEY}\r\n");
    let body = whole("chat").to_string();
    let length = body.len();
    let texts = [
        format!("{line}host: a\r\nhost: b\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("{line}content-length: {length}\r\n\r\n{body}"),
        format!("{line}host: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!(
            "{line}host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"
        ),
        format!("{line}host: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{body}"),
        format!("{line}host: a\r\ncontent-length: -1\r\n\r\n{body}"),
        format!("{line}host : a\r\n\r\n"),
        format!("{line}host: a\r\nx-{}\r\n\r\n", "\0"),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
    ];
    stage
        .again(async || {
            for text in &texts {
                let answer = converse(&stage.gateway, text).await;
                let status = answer.get(9..12).unwrap_or_default();
                assert!(
                    ["", "400", "501", "505"].contains(&status),
                    "{text}: {answer}"
                );
            }
        })
        .await;
}

pub(super) async fn more_header_fields_than_there_may_be(stage: &Stage) {
    let fields: Vec<_> = (0..400)
        .map(|at| (format!("x-{at}"), "1".to_owned()))
        .chain([("authorization".to_owned(), format!("Bearer {KEY}"))])
        .collect();
    let lines: String = (0..400).map(|at| format!("x-{at}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "x".repeat(100_000));
    stage
        .again(async || {
            let (status, _) = over_http_2(&stage.gateway, &fields, b"{}".to_vec()).await;
            assert_eq!(status, 431);
            for lines in [&lines, &long] {
                let text = head(&stage.gateway, &format!("{lines}\r\n"));
                let mut socket = stage.connect().await;
                let _ = socket.write_all(text.as_bytes()).await;
                let mut answer = Vec::new();
                let _ = socket.read_to_end(&mut answer).await;
            }
        })
        .await;
}

pub(super) async fn headers_of_ours_with_absurd_values(stage: &Stage) {
    let absurd = [
        "0",
        "-1",
        "1e9",
        "99999999999999999999999",
        "NaN",
        "\u{2068}",
        "",
    ];
    stage
        .again(async || {
            for value in absurd {
                for (name, refused) in [
                    ("x-fairlead-timeout-ms", true),
                    ("x-fairlead-attempts", false),
                    ("x-fairlead-provider", false),
                    ("traceparent", false),
                ] {
                    let request = stage.request("").header(name, value.as_bytes());
                    let answer = Answer::to(request.body(whole("chat").to_string())).await;
                    let expected = if refused { 400 } else { 200 };
                    assert_eq!(
                        answer.status,
                        expected,
                        "{name}: {value}: {}",
                        answer.text()
                    );
                }
            }
        })
        .await;
}

pub(super) async fn keys_that_nobody_has(stage: &Stage) {
    let large = "x".repeat(30_000);
    stage
        .again(async || {
            for key in ["sk-nobody", "", &large] {
                let answer = stage.gateway.ask_as(key, &whole("chat")).await;
                assert_eq!(answer.status, 401);
            }
        })
        .await;
}

pub(super) async fn preflights(stage: &Stage) {
    let url = stage.gateway.url("/v1/chat/completions");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    stage
        .again(async || {
            for (origin, status) in [("https://app.example", 204), ("https://evil.example", 405)] {
                let request = client
                    .request(reqwest::Method::OPTIONS, &url)
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "x, ".repeat(1_000));
                assert_eq!(Answer::to(request).await.status, status);
            }
        })
        .await;
}

pub(super) async fn paths_that_are_none(stage: &Stage) {
    stage
        .again(async || {
            for (path, status) in [
                ("/v1/models/%ff", 404),
                ("/v1/models/%2e%2e%2fchat", 404),
                ("/v1/chat/completions", 405),
                ("/v1/../admin", 404),
            ] {
                let answer = stage.gateway.get_as(KEY, path).await;
                assert_eq!(answer.status, status, "{path}: {}", answer.text());
            }
        })
        .await;
}

/// One after the other on one connection, and none of the answers read.
pub(super) async fn requests_that_are_piled_up(stage: &Stage) {
    let body = whole("chat").to_string();
    let length = body.len();
    let one = head(
        &stage.gateway,
        &format!("content-length: {length}\r\n\r\n{body}"),
    );
    for _ in 0..stage.sizes.many / 20 {
        let mut socket = stage.connect().await;
        socket.write_all(one.repeat(50).as_bytes()).await.unwrap();
        stage.keep(socket);
    }
}

pub(super) async fn callers_that_close_half_and_then_all(stage: &Stage) {
    let body = whole("chat").to_string();
    let length = body.len();
    let one = head(
        &stage.gateway,
        &format!("content-length: {length}\r\n\r\n{body}"),
    );
    stage
        .again(async || {
            let mut socket = stage.connect().await;
            socket.write_all(one.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains("HTTP/1.1 200"), "{answer}");
            // And one that resets it.
            let mut socket = stage.connect().await;
            socket.write_all(one.as_bytes()).await.unwrap();
            socket.set_zero_linger().unwrap();
        })
        .await;
}
