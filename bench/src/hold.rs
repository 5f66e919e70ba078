//! Streams that are opened, have begun, and of which nothing more comes.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use crate::answer::stamp_of;

/// How many are opened at a time.
const AT_A_TIME: usize = 64;

/// How long one may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens that many streams, prints how many have begun, and holds them until it is killed.
pub(crate) async fn hold(address: SocketAddr, request: &Path, streams: usize) -> Result<()> {
    let request: &'static [u8] = std::fs::read(request)?.leak();
    let opening = LocalSet::new();
    let held = opening.run_until(async {
        let (mut held, mut under_way) = (Vec::with_capacity(streams), JoinSet::new());
        for number in 0..streams {
            under_way.spawn_local(timeout(PATIENCE, open(address, request)));
            if number >= AT_A_TIME
                && let Some(opened) = under_way.join_next().await
            {
                held.push(opened?.context("a stream did not begin")??);
            }
        }
        while let Some(opened) = under_way.join_next().await {
            held.push(opened?.context("a stream did not begin")??);
        }
        anyhow::Ok(held)
    });
    let held = held.await?;
    writeln!(std::io::stdout(), "{}", held.len())?;
    std::future::pending().await
}

async fn open(address: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let mut tcp = TcpStream::connect(address).await?;
    tcp.write_all(request).await?;
    let mut answer = BytesMut::new();
    while stamp_of(&answer).is_none() {
        ensure!(
            tcp.read_buf(&mut answer).await? > 0,
            "a stream ended: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    ensure!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "a stream was refused: {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(tcp)
}
