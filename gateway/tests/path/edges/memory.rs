//! Memory belongs to those who use it: what is announced reserves nothing, and what waits for its caller is counted until it has left.

use fairlead_faults::{Play, Provider};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::setup;
use crate::harness::raw::head;
use crate::harness::yaml::key;
use crate::harness::{eventually, whole};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn an_upload_that_is_only_announced_takes_no_memory() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let before = gateway.resident();
    let mut uploads = Vec::new();
    for _ in 0..400 {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let text = head(
            &gateway,
            "content-length: 33000000\r\n\r\n{\"model\": \"chat\",",
        );
        socket.write_all(text.as_bytes()).await.unwrap();
        // The second piece is what room used to be made for.
        socket.write_all(b"   ").await.unwrap();
        uploads.push(socket);
    }
    for socket in &mut uploads {
        socket.write_all(b"   ").await.unwrap();
    }
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let grown = gateway.resident().saturating_sub(before);
    assert!(
        grown < 128 * MIB,
        "{} MiB for 400 uploads of nothing",
        grown / MIB
    );
}

#[tokio::test]
async fn what_a_configuration_was_made_with_is_given_back_though_nobody_asks_for_anything() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let keys =
        (0..2000).map(|number| key(&format!("key-{number}"), &format!("sk-{number:032}"), ""));
    let setup = setup(&a, "").file("keys.yaml", &keys.collect::<String>());
    let gateway = setup.start().await;
    eventually("4 MiB are given back", async || {
        let given_back = gateway.most_resident().saturating_sub(gateway.resident());
        (given_back > 4 * MIB).then_some(())
    })
    .await;
}

/// An answer of `bytes` bytes.
fn large(bytes: usize) -> Play {
    let body = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "a".repeat(bytes)}}],
    });
    Play::json(200, &body)
}

#[tokio::test]
async fn an_answer_counts_until_its_caller_has_taken_it() {
    let a = Provider::start(|seen| {
        if seen.model() == "large" {
            large(3 * MIB)
        } else {
            Play::chat("Hello.")
        }
    })
    .await;
    let gateway = setup(&a, "")
        .arguments(&["--max-memory-bytes", &(32 * MIB).to_string()])
        .start()
        .await;
    let body =
        json!({"model": "a/large", "messages": [{"role": "user", "content": "Hi."}]}).to_string();
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let before = gateway.resident();
    let mut callers = Vec::new();
    for _ in 0..30 {
        // A small receive buffer: nearly all of an answer stays here.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut socket = socket.connect(gateway.address).await.unwrap();
        let more = format!("content-length: {}\r\n\r\n{body}", body.len());
        socket
            .write_all(head(&gateway, &more).as_bytes())
            .await
            .unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.unwrap();
        callers.push((socket, String::from_utf8_lossy(&status).into_owned()));
    }
    let refused = callers
        .iter()
        .filter(|(_, status)| status.ends_with("503"))
        .count();
    assert!(refused >= 15, "{refused} of 30 were refused for memory");
    let used = gateway.resident().saturating_sub(before);
    assert!(used < (32 + 128) * MIB, "{} MiB", used / MIB);
    drop(callers);
    eventually("the memory is free again", async || {
        (gateway
            .ask(&json!({"model": "a/large", "messages": []}))
            .await
            .status
            == 200)
            .then_some(())
    })
    .await;
}
