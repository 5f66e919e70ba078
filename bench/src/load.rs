//! The load that `oha` cannot be: with many keys, and with the delay of every chunk of a stream.
//!
//! So many connections, each asking again as soon as it is answered.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, timeout_at};

use crate::answer::{now, stamp_of};
use crate::key;
use crate::statistics::percentile;
use crate::wire::is_complete;

/// What came of a turn, whoever made the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Complete answers with status 200.
    pub(crate) requests: u64,
    /// All others, and requests without an answer.
    pub(crate) errors: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Times in milliseconds: `p50` and `p99` of requests, and what else the load can tell.
    pub(crate) times: BTreeMap<String, f64>,
}

/// What to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// Whom to ask.
    #[arg(long)]
    address: SocketAddr,
    /// The file with the request, as it goes over a connection.
    #[arg(long)]
    request: std::path::PathBuf,
    /// A text that only a complete answer has.
    #[arg(long)]
    proof: String,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    millis: u64,
    /// How many keys take turns.
    #[arg(long, default_value_t = 1)]
    keys: usize,
}

/// How long after its turn an answer may still be awaited.
const GRACE: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Seen {
    /// Milliseconds that each request took.
    requests: Vec<f64>,
    /// Milliseconds on the way, of the first chunk of each stream and of all the others.
    firsts: Vec<f64>,
    chunks: Vec<f64>,
}

/// Drives load for that long and prints the outcome as JSON.
pub(crate) async fn drive(load: Load) -> Result<()> {
    let request = Rc::new(std::fs::read(&load.request)?);
    let load = Rc::new(load);
    let started = Instant::now();
    let end = started + Duration::from_millis(load.millis);
    let connections = LocalSet::new();
    let seen = connections.run_until(async {
        let mut workers = JoinSet::new();
        for number in 0..load.connections {
            let worker = ask_until(Rc::clone(&load), Rc::clone(&request), number, end);
            workers.spawn_local(timeout_at(end + GRACE, worker));
        }
        let mut all = Seen::default();
        while let Some(worker) = workers.join_next().await {
            let one = worker?.context("an answer did not end")??;
            all.requests.extend(one.requests);
            all.firsts.extend(one.firsts);
            all.chunks.extend(one.chunks);
        }
        anyhow::Ok(all)
    });
    let outcome = seen.await?.outcome(started.elapsed())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
    Ok(())
}

impl Seen {
    fn outcome(mut self, elapsed: Duration) -> Result<Outcome> {
        ensure!(!self.requests.is_empty(), "no request was answered");
        let mut times = BTreeMap::new();
        let series = [
            ("", &mut self.requests),
            ("first_", &mut self.firsts),
            ("chunk_", &mut self.chunks),
        ];
        for (name, values) in series {
            values.sort_by(f64::total_cmp);
            for percent in [50, 99] {
                if let Some(value) = percentile(values, percent) {
                    times.insert(format!("{name}p{percent}"), value);
                }
            }
        }
        Ok(Outcome {
            requests: u64::try_from(self.requests.len())?,
            errors: 0,
            seconds: elapsed.as_secs_f64(),
            times,
        })
    }
}

/// Asks over one connection until the time has come.
async fn ask_until(
    load: Rc<Load>,
    request: Rc<Vec<u8>>,
    number: usize,
    end: Instant,
) -> Result<Seen> {
    let mut tcp = TcpStream::connect(load.address).await?;
    tcp.set_nodelay(true)?;
    let mut request = Request::new(&request, number, &load)?;
    let mut answer = BytesMut::with_capacity(64 * 1024);
    let mut seen = Seen::default();
    while Instant::now() < end {
        let asked = Instant::now();
        tcp.write_all(request.next()).await?;
        answer.clear();
        let (mut looked_at, mut is_first) = (0, true);
        while !is_complete(&answer)? {
            ensure!(
                tcp.read_buf(&mut answer).await? > 0,
                "the connection ended within an answer"
            );
            let now = now();
            while let Some((stamp, more)) = stamp_of(&answer[looked_at..]) {
                looked_at += more;
                if stamp > 0 {
                    let series = if is_first {
                        &mut seen.firsts
                    } else {
                        &mut seen.chunks
                    };
                    series.push(milliseconds(now.saturating_sub(stamp)));
                    is_first = false;
                }
            }
        }
        seen.requests.push(asked.elapsed().as_secs_f64() * 1e3);
        ensure!(
            memchr::memmem::rfind(&answer, load.proof.as_bytes()).is_some(),
            "an answer was not what the upstream sends: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(seen)
}

fn milliseconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64() * 1e3
}

/// The request, with the next key each time.
struct Request {
    bytes: Vec<u8>,
    key: std::ops::Range<usize>,
    number: usize,
    step: usize,
    keys: usize,
}

impl Request {
    fn new(bytes: &[u8], number: usize, load: &Load) -> Result<Self> {
        let first = key(0);
        let at = memchr::memmem::find(bytes, first.as_bytes()).context("no key in the request")?;
        Ok(Self {
            bytes: bytes.to_vec(),
            key: at..at + first.len(),
            number,
            step: load.connections,
            keys: load.keys,
        })
    }

    fn next(&mut self) -> &[u8] {
        if self.keys > 1 {
            self.bytes[self.key.clone()].copy_from_slice(key(self.number % self.keys).as_bytes());
            self.number += self.step;
        }
        &self.bytes
    }
}
