//! The load: so many connections, each asking again as soon as it is answered.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::exchange::Exchange;

/// What came of a turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Complete answers with status 200; anything else ends the load with an error.
    pub(crate) requests: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Half of the requests took no longer, in microseconds.
    pub(crate) p50: f64,
    /// 99 of 100 requests took no longer, in microseconds.
    pub(crate) p99: f64,
}

/// How long after its turn an answer may still be awaited.
const GRACE: Duration = Duration::from_secs(5);

/// Drives load for that long and prints the outcome as JSON.
pub(crate) async fn drive(
    address: SocketAddr,
    exchange: Exchange,
    connections: usize,
    turn: Duration,
) -> Result<()> {
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(timeout_at(
            started + turn + GRACE,
            ask_until(address, exchange, started + turn),
        ));
    }
    let mut latencies = Vec::new();
    while let Some(worker) = workers.join_next().await {
        latencies.extend(worker?.context("an answer did not end")??);
    }
    let outcome = outcome(&mut latencies, started.elapsed())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
    Ok(())
}

fn outcome(latencies: &mut [Duration], elapsed: Duration) -> Result<Outcome> {
    ensure!(!latencies.is_empty(), "no request was answered");
    latencies.sort_unstable();
    let at =
        |hundredths: usize| latencies[(latencies.len() - 1) * hundredths / 100].as_secs_f64() * 1e6;
    let requests = u64::try_from(latencies.len())?;
    Ok(Outcome {
        requests,
        seconds: elapsed.as_secs_f64(),
        p50: at(50),
        p99: at(99),
    })
}

/// Asks over one connection until the time has come; the latency of each answer.
async fn ask_until(address: SocketAddr, exchange: Exchange, end: Instant) -> Result<Vec<Duration>> {
    let mut tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let Exchange {
        surface,
        dialect,
        kind,
    } = exchange;
    let request = surface.request(kind, dialect.model());
    let mut answer = BytesMut::with_capacity(64 * 1024);
    let mut latencies = Vec::with_capacity(64 * 1024);
    while Instant::now() < end {
        let asked = Instant::now();
        tcp.write_all(&request).await?;
        answer.clear();
        while !is_complete(&answer)? {
            ensure!(
                tcp.read_buf(&mut answer).await? > 0,
                "the connection ended within an answer"
            );
        }
        latencies.push(asked.elapsed());
        let proof = surface.proof(kind).as_bytes();
        let proven = answer
            .windows(proof.len())
            .rev()
            .any(|window| window == proof);
        ensure!(
            proven,
            "an answer was not what the upstream sends: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(latencies)
}

/// Whether these bytes are one whole answer; an error if its status is not 200.
fn is_complete(answer: &[u8]) -> Result<bool> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    ensure!(
        text.starts_with("HTTP/1.1 200 "),
        "an answer was not a 200: {}",
        String::from_utf8_lossy(answer)
    );
    let body = &answer[head + 4..];
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(body.len() >= value.trim().parse::<usize>()?);
        }
    }
    // Chunked: the next answer comes only when asked for, so the end of the buffer is the end of the answer.
    Ok(body.ends_with(b"\r\n0\r\n\r\n"))
}
