//! A client as simple as the provider is wilful: bytes out, bytes in.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use fairlead_faults::Provider;

/// Connects to the provider.
pub(crate) async fn connect(provider: &Provider) -> TcpStream {
    TcpStream::connect(provider.address())
        .await
        .expect("the provider accepts")
}

/// A request with that body, to be the connection's last one unless `keep`.
pub(crate) fn post(path: &str, body: &str, keep: bool) -> String {
    let connection = if keep { "keep-alive" } else { "close" };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends bytes and reads what comes until the other side ends.
pub(crate) async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends bytes and reads until the answer ends with `end`.
pub(crate) async fn converse_until(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the provider reads");
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let read = stream
            .read_buf(&mut answer)
            .await
            .expect("the provider answers");
        assert_ne!(
            read,
            0,
            "the connection ended after {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    String::from_utf8(answer).expect("the answer is text")
}

/// Asks for a chat completion on a connection of its own.
pub(crate) async fn chat(provider: &Provider, body: &str) -> std::io::Result<String> {
    converse(
        connect(provider).await,
        &post("/v1/chat/completions", body, false),
    )
    .await
}

/// The data payloads of an event stream in chunked encoding, one event a chunk.
pub(crate) fn payloads(answer: &str) -> Vec<String> {
    answer
        .split("\r\n")
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| line.trim_end().to_owned())
        .collect()
}
