//! Requests as bytes, for what no client library sends.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Gateway, KEY};

/// The head of a request with the usual key, as far as `more`.
pub(crate) fn head(gateway: &Gateway, more: &str) -> String {
    let host = gateway.address;
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {KEY}\r\n{more}"
    )
}

/// Writes to the gateway and reads until it closes.
pub(crate) async fn converse(gateway: &Gateway, text: &str) -> String {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether the gateway has closed a connection, within a time.
pub(crate) async fn closes(socket: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(within, socket.read_to_end(&mut rest))
        .await
        .is_ok()
}
