//! Reads one HTTP/1.1 request from a socket: request line, fields, body by length or in chunks.
//!
//! No more of RFC 9112 than a client of ours sends. What it cannot read is [`Unreadable`]; the connection then gets a 400 and ends.

use std::io;

use bytes::{Buf, Bytes};

use crate::socket::Socket;

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: Bytes,
}

/// Why no request could be read.
pub(crate) enum Unreadable {
    /// The peer went away, between two requests or within one.
    Gone,
    /// Not HTTP/1.1 as this reader knows it.
    Malformed,
}

impl From<io::Error> for Unreadable {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads the head of the next request.
pub(crate) async fn head(socket: &mut Socket) -> Result<Head, Unreadable> {
    let bytes = take_through(socket, b"\r\n\r\n").await?;
    parse(&bytes).ok_or(Unreadable::Malformed)
}

/// Reads what follows the head, with chunked encoding taken off.
pub(crate) async fn body(socket: &mut Socket, head: &Head) -> Result<Bytes, Unreadable> {
    let field = |name: &str| {
        head.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if field("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        socket.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    match (field("transfer-encoding"), field("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => read_chunks(socket).await,
        (Some(_), _) => Err(Unreadable::Malformed),
        (None, Some(length)) => {
            let length = length.parse().map_err(|_| Unreadable::Malformed)?;
            take(socket, length).await
        }
        (None, None) => Ok(Bytes::new()),
    }
}

fn parse(bytes: &Bytes) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
    let mut request = lines.next()?.split(' ');
    let (method, path, version) = (request.next()?, request.next()?, request.next()?);
    if version != "HTTP/1.1" || request.next().is_some() {
        return None;
    }
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some(Head {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.collect::<Option<_>>()?,
        bytes: bytes.clone(),
    })
}

async fn read_chunks(socket: &mut Socket) -> Result<Bytes, Unreadable> {
    let mut body = Vec::new();
    loop {
        let line = take_through(socket, b"\r\n").await?;
        let size = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| line.trim_end().split(';').next());
        let size = size
            .and_then(|size| usize::from_str_radix(size, 16).ok())
            .ok_or(Unreadable::Malformed)?;
        if size == 0 {
            // Trailers are read over: no client of ours sends any that matter.
            while take_through(socket, b"\r\n").await?.len() > 2 {}
            return Ok(body.into());
        }
        body.extend_from_slice(&take(socket, size).await?);
        if take(socket, 2).await? != "\r\n" {
            return Err(Unreadable::Malformed);
        }
    }
}

/// Takes the bytes up to and including the first `end`.
async fn take_through(socket: &mut Socket, end: &[u8]) -> Result<Bytes, Unreadable> {
    loop {
        if let Some(at) = socket
            .unread
            .windows(end.len())
            .position(|window| window == end)
        {
            return take(socket, at + end.len()).await;
        }
        more(socket).await?;
    }
}

async fn take(socket: &mut Socket, length: usize) -> Result<Bytes, Unreadable> {
    while socket.unread.remaining() < length {
        more(socket).await?;
    }
    Ok(socket.unread.split_to(length).freeze())
}

async fn more(socket: &mut Socket) -> Result<(), Unreadable> {
    match socket.fill().await? {
        0 => Err(Unreadable::Gone),
        _ => Ok(()),
    }
}
