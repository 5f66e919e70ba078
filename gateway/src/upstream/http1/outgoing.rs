//! A request on its way out: its head and the pieces of its body, none of them copied.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, Method, Request, Uri, header};
use smallvec::SmallVec;
use tokio::io::AsyncWrite as _;

use super::Io;
use crate::upstream::body::RequestBody;

/// So many pieces go in one write.
const AT_ONCE: usize = 16;
/// About as long is a head.
const HEAD: usize = 512;

/// What is still to be written of a request.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// None is empty.
    pieces: SmallVec<[Bytes; 5]>,
    /// The first that has not gone out whole.
    at: usize,
    /// Whether anything has gone out, or may have.
    begun: bool,
    /// Whether nothing has gone out of a write that fails.
    exact: bool,
    /// How far it is.
    stage: Stage,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There may be something to write.
    Writing,
    /// All of it has gone out.
    #[default]
    Out,
    /// Nothing more can be written. What the server has said may still be read.
    Failed,
}

impl Outgoing {
    /// `exact`: whether nothing has gone out of a write that fails.
    pub(super) fn new(request: Request<RequestBody>, exact: bool) -> Self {
        let (head, body) = request.into_parts();
        let length = body.left();
        let mut pieces = SmallVec::new();
        pieces.push(written(&head.method, &head.uri, &head.headers, length).into());
        pieces.extend(body.into_pieces().filter(|piece| !piece.is_empty()));
        Self {
            pieces,
            at: 0,
            begun: false,
            exact,
            stage: Stage::Writing,
        }
    }

    /// Writes as much as the connection takes.
    pub(super) fn write_on(&mut self, cx: &mut Context<'_>, io: &mut Box<dyn Io>) {
        if self.stage != Stage::Writing {
            return;
        }
        match self.poll_write(cx, io) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => self.stage = Stage::Out,
            Poll::Ready(Err(_)) => self.stage = Stage::Failed,
        }
        self.pieces = SmallVec::new();
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, io: &mut Box<dyn Io>) -> Poll<io::Result<()>> {
        while self.at < self.pieces.len() {
            let left = &self.pieces[self.at..];
            let mut slices = [IoSlice::new(&[]); AT_ONCE];
            for (slice, piece) in slices.iter_mut().zip(left) {
                *slice = IoSlice::new(piece);
            }
            let slices = &slices[..left.len().min(AT_ONCE)];
            self.begun |= !self.exact;
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(cx, slices))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.begun = true;
            self.advance(written);
        }
        Pin::new(io).poll_flush(cx)
    }

    fn advance(&mut self, mut written: usize) {
        for piece in &mut self.pieces[self.at..] {
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.at += 1;
        }
    }

    /// Whether all of it has gone out.
    pub(super) fn is_out(&self) -> bool {
        self.stage == Stage::Out
    }

    /// Whether any of it has gone out, or may have.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether nothing of it has gone out, nor will.
    pub(super) fn is_lost(&self) -> bool {
        self.stage == Stage::Failed && !self.begun
    }
}

/// The head of a request whose body is so long (RFC 9112, 3).
fn written(method: &Method, uri: &Uri, headers: &HeaderMap, length: u64) -> Vec<u8> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut head = Vec::with_capacity(HEAD);
    for part in [method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        // Both follow from the body.
        if *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING {
            continue;
        }
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    // A method that has no use for a body need not say that there is none (RFC 9110, 8.6).
    if length > 0 || !(*method == Method::GET || *method == Method::HEAD) {
        // Writing to memory does not fail.
        let _ = write!(head, "content-length: {length}\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use fairlead_wire::splice::Pieces;
    use http::HeaderValue;

    use super::*;

    fn head(method: Method, uri: &str, body: &'static str) -> String {
        let pieces = Pieces::from(Bytes::from_static(body.as_bytes()));
        let mut request = Request::new(RequestBody::new(pieces));
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("a.test"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("77"));
        headers.append("x", HeaderValue::from_static("1"));
        headers.append("x", HeaderValue::from_static("2"));
        let outgoing = Outgoing::new(request, true);
        String::from_utf8(outgoing.pieces.concat()).unwrap()
    }

    #[test]
    fn a_head_says_where_to_and_how_long_the_body_is() {
        assert_eq!(
            head(Method::POST, "/v1/chat?a=b", "{}"),
            "POST /v1/chat?a=b HTTP/1.1\r\nhost: a.test\r\nx: 1\r\nx: 2\r\ncontent-length: 2\r\n\r\n{}"
        );
        assert!(head(Method::POST, "/", "").ends_with("content-length: 0\r\n\r\n"));
        assert!(head(Method::DELETE, "/", "").ends_with("content-length: 0\r\n\r\n"));
        assert!(head(Method::GET, "/", "").ends_with("x: 2\r\n\r\n"));
        assert!(head(Method::GET, "/", "a").ends_with("content-length: 1\r\n\r\na"));
        assert!(head(Method::GET, "http://a.test/b", "").starts_with("GET /b HTTP/1.1\r\n"));
    }
}
