//! As much of HTTP/1.1 as the upstream, the sink and our own load need: messages with a length, answers in chunks.

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request as it was read.
pub(crate) struct Request {
    /// The first line.
    pub(crate) line: Vec<u8>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Reads one request; none if the peer has gone.
pub(crate) async fn read_request(
    peer: &mut (impl AsyncRead + Unpin),
    unread: &mut BytesMut,
) -> Result<Option<Request>> {
    loop {
        if let Some(head) = end_of_head(unread) {
            let length = length_of(&unread[..head])?.unwrap_or(0);
            if unread.len() >= head + length {
                let end = memchr::memchr(b'\r', unread).unwrap_or_default();
                let line = unread[..end].to_vec();
                let body = unread[head..head + length].to_vec();
                unread.advance(head + length);
                return Ok(Some(Request { line, body }));
            }
            unread.reserve(head + length - unread.len());
        }
        if peer.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

/// Whether these bytes are one whole answer; an error if its status is not 200.
pub(crate) fn is_complete(answer: &[u8]) -> Result<bool> {
    let Some(head) = end_of_head(answer) else {
        return Ok(false);
    };
    ensure!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "an answer was not a 200: {}",
        String::from_utf8_lossy(answer)
    );
    let body = &answer[head..];
    Ok(match length_of(&answer[..head])? {
        Some(length) => body.len() >= length,
        // The next answer comes only when asked for, so the end of the buffer is the end of the answer.
        None => body.ends_with(b"\r\n0\r\n\r\n"),
    })
}

/// Asks for a page and returns its body.
pub(crate) async fn get(address: std::net::SocketAddr, path: &str) -> Result<String> {
    let mut tcp = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    tcp.write_all(request.as_bytes()).await?;
    let mut answer = BytesMut::new();
    while !is_complete(&answer)? {
        ensure!(
            tcp.read_buf(&mut answer).await? > 0,
            "the connection ended within an answer"
        );
    }
    let text = String::from_utf8_lossy(&answer);
    let (_, body) = text.split_once("\r\n\r\n").context("no head")?;
    Ok(body.to_owned())
}

fn end_of_head(message: &[u8]) -> Option<usize> {
    memchr::memmem::find(message, b"\r\n\r\n").map(|at| at + 4)
}

/// The length that a head tells; none if the body comes in chunks.
fn length_of(head: &[u8]) -> Result<Option<usize>> {
    let text = std::str::from_utf8(head)?;
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse();
            return Ok(Some(length.context("content-length is not a number")?));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if text.starts_with("HTTP/") {
                return Ok(None);
            }
            bail!("requests are read only if they have a length");
        }
    }
    Ok(Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_by_its_length_or_its_last_chunk() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert!(is_complete(whole).expect("an answer"));
        assert!(!is_complete(&whole[..whole.len() - 1]).expect("an answer"));
        let chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        assert!(is_complete(chunks).expect("an answer"));
        assert!(!is_complete(&chunks[..chunks.len() - 5]).expect("an answer"));
    }

    #[test]
    fn any_other_status_is_an_error() {
        let refused = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        assert!(is_complete(refused).is_err());
    }

    #[tokio::test]
    async fn reads_requests_one_by_one() {
        let mut peer: &[u8] =
            b"POST /a HTTP/1.1\r\ncontent-length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n";
        let mut unread = BytesMut::new();
        let first = read_request(&mut peer, &mut unread).await;
        let first = first.expect("a request").expect("the first");
        assert_eq!(
            (&first.line[..7], &first.body[..]),
            (&b"POST /a"[..], &b"hi"[..])
        );
        let second = read_request(&mut peer, &mut unread).await;
        let second = second.expect("a request").expect("the second");
        assert_eq!(&second.line[..6], b"GET /b");
        let none = read_request(&mut peer, &mut unread).await;
        assert!(none.expect("an end").is_none());
    }
}
