//! A load that costs little, on connections that are kept, and a provider that costs less; and the CPU time that a gateway took for it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fleet::value;
use crate::harness::Gateway;

const CONNECTIONS: usize = 8;

/// A provider that says the same to everybody.
pub(super) struct Upstream {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut peers = JoinSet::new();
            while let Ok((peer, _)) = listener.accept().await {
                peers.spawn(answer(peer));
            }
        });
        Self {
            address,
            _accepting: accepting,
        }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

async fn answer(mut peer: TcpStream) {
    let usage = json!({"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79});
    let message =
        json!({"role": "assistant", "content": "Nine words are what is said here, always."});
    let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage});
    let said = http("HTTP/1.1 200 OK", &body.to_string());
    let mut read = Vec::new();
    while take(&mut peer, &mut read).await {
        if peer.write_all(&said).await.is_err() {
            return;
        }
    }
}

fn http(first: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{first}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Reads a message with a length to its end; false if there is none.
async fn take(peer: &mut TcpStream, read: &mut Vec<u8>) -> bool {
    read.clear();
    let mut whole = usize::MAX;
    while read.len() < whole {
        if !matches!(peer.read_buf(read).await, Ok(1..)) {
            return false;
        }
        if whole == usize::MAX
            && let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
            let length = text.split("content-length: ").nth(1).unwrap();
            whole = head + 4 + length.lines().next().unwrap().parse::<usize>().unwrap();
        }
    }
    true
}

/// The CPU time that a gateway takes for a request, in microseconds.
pub(super) async fn turn(gateway: &Gateway, key: &str, bytes: usize, time: Duration) -> f64 {
    let content = "lorem ".repeat(bytes / 6);
    let body = json!({"model": key, "messages": [{"role": "user", "content": content}]});
    let first = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}",
        value(key)
    );
    let request = http(&first, &body.to_string());
    let (before, end) = (spent(gateway.id()), Instant::now() + time);
    let mut crowd = JoinSet::new();
    for _ in 0..CONNECTIONS {
        crowd.spawn(ask(gateway.address, request.clone(), end));
    }
    let asked: u32 = crowd.join_all().await.iter().sum();
    (spent(gateway.id()) - before).as_secs_f64() * 1e6 / f64::from(asked)
}

async fn ask(address: SocketAddr, request: Vec<u8>, end: Instant) -> u32 {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.set_nodelay(true).unwrap();
    let (mut read, mut asked) = (Vec::new(), 0);
    while Instant::now() < end {
        peer.write_all(&request).await.unwrap();
        assert!(take(&mut peer, &mut read).await, "the connection ended");
        assert!(
            read.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&read)
        );
        asked += 1;
    }
    asked
}

/// What all threads of a process have run so far (proc_pid_schedstat: nanoseconds come first).
fn spent(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
