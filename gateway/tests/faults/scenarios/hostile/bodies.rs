//! Bodies: what they say, how much of it, and how they come.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::stage::Stage;
use crate::harness::raw::{converse, head};
use crate::harness::{Answer, whole};

async fn each(stage: &Stage, bodies: &[(&str, u16)]) {
    stage
        .again(async || {
            for (body, status) in bodies {
                let answer = stage.send("", (*body).to_owned()).await;
                assert_eq!(answer.status, *status, "{body:.200}: {}", answer.text());
            }
        })
        .await;
}

pub(super) async fn half_characters_and_numbers_without_bounds(stage: &Stage) {
    let bodies = [
        (
            r#"{"model":"chat","messages":[],"user":"insider\ud800"}"#,
            503,
        ),
        (r#"{"model":"chat","messages":[],"user":1e999}"#, 503),
        (
            r#"{"model":"chat","messages":[{"role":"user","content":"\udc00"}]}"#,
            200,
        ),
        (r#"{"model":"chat\ud800","messages":[]}"#, 400),
    ];
    each(stage, &bodies).await;
}

pub(super) async fn member_names_that_fold_to_others(stage: &Stage) {
    let bodies = [
        (r#"{"model":"chat","Model":"big-1","messages":[]}"#, 400),
        (
            r#"{"model":"chat","MOD\u0045L":"big-1","messages":[]}"#,
            400,
        ),
        (r#"{"model":"chat","model":"big-1","messages":[]}"#, 400),
        (r#"{"model":"chat","messages":[],"\u017ftream":true}"#, 400),
    ];
    each(stage, &bodies).await;
}

pub(super) async fn nesting_without_end(stage: &Stage) {
    let deep = "[".repeat(stage.sizes.body.min(1024 * 1024));
    let closed = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let deep = format!(r#"{{"model":"chat","messages":[],"tools":{deep}"#);
    let closed = format!(r#"{{"model":"chat","messages":[],"tools":{closed}}}"#);
    each(
        stage,
        &[(&deep, 400), (&closed, 400), ("", 400), ("{}x", 400)],
    )
    .await;
}

/// What a condition asks for, and 31 MiB of it.
pub(super) async fn a_parameter_of_millions_of_members(stage: &Stage) {
    let many = format!("[{}{{\"a\":0}}]", "{\"a\":0},".repeat(stage.sizes.body / 8));
    let mut body = whole("chat");
    body["metadata"] = json!("here");
    let body = bytes::Bytes::from(body.to_string().replace("\"here\"", &many));
    for _ in 0..2 {
        let answer = stage.send("bad", body.clone()).await;
        // The Override rule cannot be evaluated for so much of it.
        let unread = answer.code() == "rule_error";
        assert!(unread || answer.status == 400, "{}", answer.text());
    }
}

pub(super) async fn a_prompt_that_is_as_long_as_any(stage: &Stage) {
    let mut body = whole("chat");
    body["messages"][0]["content"] = Value::from("\\\"".repeat(stage.sizes.body / 4));
    let body = bytes::Bytes::from(body.to_string());
    for _ in 0..2 {
        let answer = stage.send("too-long", body.clone()).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

pub(super) async fn uploads_that_are_only_announced(stage: &Stage) {
    for _ in 0..stage.sizes.many {
        let mut socket = stage.connect().await;
        let text = head(
            &stage.gateway,
            "content-length: 33000000\r\n\r\n{\"model\": \"chat\",",
        );
        socket.write_all(text.as_bytes()).await.unwrap();
        stage.keep(socket);
    }
}

pub(super) async fn bodies_that_come_a_byte_at_a_time(stage: &Stage) {
    let mut sockets = Vec::new();
    for _ in 0..stage.sizes.many / 4 {
        let mut socket = stage.connect().await;
        let text = head(&stage.gateway, "transfer-encoding: chunked\r\n\r\n");
        socket.write_all(text.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    for _ in 0..8 {
        for socket in &mut sockets {
            let _ = socket.write_all(b"1\r\n \r\n").await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.keep(sockets);
}

pub(super) async fn chunks_of_one_byte_and_chunks_with_extensions(stage: &Stage) {
    let body = whole("chat").to_string();
    let bytes: String = body.chars().map(|one| format!("1\r\n{one}\r\n")).collect();
    let extended: String = body
        .chars()
        .map(|one| format!("1;{}\r\n{one}\r\n", "x".repeat(200)))
        .collect();
    let padded = format!("00000000000000{:x}\r\n{body}\r\n", body.len());
    stage
        .again(async || {
            for chunks in [&bytes, &extended, &padded] {
                let more = format!(
                    "connection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
                );
                let answer = converse(&stage.gateway, &head(&stage.gateway, &more)).await;
                let status = answer.get(9..12).unwrap_or_default();
                assert!(["200", "400"].contains(&status), "{answer}");
            }
        })
        .await;
}

pub(super) async fn five_mebibytes_that_are_refused_before_they_come(stage: &Stage) {
    let body = bytes::Bytes::from(vec![b'a'; 5 << 20]);
    let gateway = &stage.gateway;
    stage
        .again(async || {
            let stranger = gateway.post("/v1/chat/completions");
            let lost = gateway.post("/nowhere").bearer_auth(crate::harness::KEY);
            let packed = stage.request("").header("content-encoding", "gzip");
            for (request, status) in [(stranger, 401), (lost, 404), (packed, 415)] {
                let answer = Answer::to(request.body(body.clone())).await;
                assert_eq!(answer.status, status, "{}", answer.text());
            }
        })
        .await;
}

pub(super) async fn more_than_a_body_may_have(stage: &Stage) {
    for _ in 0..4 {
        let mut socket = stage.connect().await;
        let text = head(&stage.gateway, "content-length: 99999999999\r\n\r\n{");
        socket.write_all(text.as_bytes()).await.unwrap();
        stage.keep(socket);
    }
    let pieces = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
    let pieces = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = stage.send("", pieces).await;
    // What is left of the trick before may still hold the memory for it.
    assert!([413, 503].contains(&answer.status), "{}", answer.text());
}
