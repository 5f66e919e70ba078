//! A collector of traces and metrics that takes everything and keeps nothing, in a process of its own.

use std::io::Write;
use std::net::Ipv4Addr;

use anyhow::Result;
use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::wire::read_request;

/// An empty message: all of it was taken (OTLP/HTTP, full success).
const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// Serves until it is killed. Prints its address.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let connections = LocalSet::new();
    connections
        .run_until(async {
            loop {
                let (tcp, _) = listener.accept().await?;
                connections.spawn_local(connection(tcp));
            }
        })
        .await
}

async fn connection(mut tcp: TcpStream) -> Result<()> {
    let mut unread = BytesMut::new();
    while read_request(&mut tcp, &mut unread).await?.is_some() {
        tcp.write_all(TAKEN).await?;
    }
    Ok(())
}
