//! Callers that hang up in the middle of a stream, and before its beginning: nobody is blamed, and nothing is left of them.

use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Gateway, KEY, eventually, serve, streamed, whole};
use crate::results;

/// Callers at the same time; as many as the provider may have in flight, so that a permit that leaks is missed.
const AT_ONCE: usize = 100;
/// Sockets that may stay open: what is idle in the pools, and the gateway's own.
const IDLE: usize = 80;
/// What allocators keep, in KiB.
const KEPT: usize = 96 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_hang_up_leave_nothing_behind() {
    hang_up("300 callers that hang up", 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute; make faults runs it, and make test runs that"]
async fn ten_thousand_callers_that_hang_up_leave_nothing_behind() {
    hang_up("10,000 callers that hang up", 10_000).await;
}

/// A word every 50 ms for half a minute, or nothing at all; a whole answer at once.
fn slowly(seen: &Seen) -> Play {
    match (seen.streamed(), seen.sequence % 4) {
        (false, _) => Play::chat("Still here."),
        (true, 0) => Play::silent_after_head(),
        (true, _) => Play::words(["word "; 600]).every(Duration::from_millis(50)),
    }
}

async fn hang_up(name: &str, callers: usize) {
    let a = Provider::start(slowly).await;
    let limits =
        format!("concurrency: {{maxInFlight: {AT_ONCE}, queue: {{length: {AT_ONCE}, wait: 20s}}}}");
    let gateway = serve([
        provider("a", &a.base_url(), &limits),
        chain("chat", &["a"], ""),
        caller(),
    ])
    .await;
    let (gateway, a) = (&gateway, &a);
    is_well(gateway).await;
    let (sockets, memory) = (gateway.open_files(), gateway.resident());
    futures_util::stream::iter(0..callers)
        .map(|_| hear_a_word(gateway))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
    let left = eventually("every socket is closed", async || {
        let gone = a.played().len() == a.requests();
        let left = gateway.open_files().saturating_sub(sockets);
        (gone && left <= IDLE).then_some(left)
    })
    .await;
    let figure = |what: &str| format!("{name}: {what}");
    let mut good = results::at_most(
        &figure("sockets left open"),
        results::count(left),
        "sockets",
        results::count(IDLE),
    );
    let grown = gateway.resident().saturating_sub(memory) / 1024;
    good &= results::at_most(
        &figure("memory kept"),
        results::count(grown),
        "KiB",
        results::count(KEPT),
    );
    assert!(good, "{left} sockets, {grown} KiB");
    // Every permit is back, and no breaker has opened: as many as may be in flight are answered by the first target.
    for _ in 0..AT_ONCE {
        is_well(gateway).await;
    }
}

async fn is_well(gateway: &Gateway) {
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=ok"),
        "{}",
        answer.text()
    );
}

/// Asks for a stream, waits for a word or a moment, and is gone.
async fn hear_a_word(gateway: &Gateway) {
    let body = streamed("chat").to_string();
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let word = async {
        while !heard.windows(4).any(|bytes| bytes == b"word") {
            assert_ne!(
                socket.read_buf(&mut heard).await.unwrap(),
                0,
                "{}",
                String::from_utf8_lossy(&heard)
            );
        }
    };
    // A quarter of the streams never bring one.
    let _ = tokio::time::timeout(Duration::from_millis(300), word).await;
}

impl Gateway {
    /// How many files and sockets the process has open.
    pub(super) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id()))
            .unwrap()
            .count()
    }
}
