//! HTTP/2 callers: one who behaves, and one whose frames are written by hand.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Gateway, KEY};

/// The types of frames (RFC 9113, 6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A POST over an HTTP/2 connection of its own: the status and the body of the answer.
pub(crate) async fn over_http_2(
    gateway: &Gateway,
    fields: &[(String, String)],
    body: Vec<u8>,
) -> (u16, String) {
    let socket = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .unwrap();
    let mut request = http::Request::post(gateway.url("/v1/chat/completions"));
    for (name, value) in fields {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let answer = async {
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (
            head.status.as_u16(),
            String::from_utf8_lossy(&body).into_owned(),
        )
    };
    tokio::select! {
        answer = answer => answer,
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

/// An HTTP/2 connection that takes `window` bytes of each answer and gives no more (RFC 9113; header fields are literal, RFC 7541, 6.2.2).
pub(crate) struct Shut {
    socket: TcpStream,
    next: u32,
    /// Streams that have ended, whole or reset.
    ended: usize,
}

impl Shut {
    pub(crate) async fn open(gateway: &Gateway, window: u32) -> Self {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let mut text = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let initial_window = [&[0, 4][..], &window.to_be_bytes()].concat();
        text.extend(frame(SETTINGS, 0, 0, &initial_window));
        socket.write_all(&text).await.unwrap();
        Self {
            socket,
            next: 1,
            ended: 0,
        }
    }

    /// Asks, with the usual key.
    pub(crate) async fn ask(&mut self, body: &str) {
        self.ask_as("", body).await;
    }

    /// The same as a user agent of this name.
    pub(crate) async fn ask_as(&mut self, agent: &str, body: &str) {
        let text = self.request(agent, body.as_bytes());
        self.try_send(&text).await.unwrap();
    }

    /// The frames of the next request.
    pub(crate) fn request(&mut self, agent: &str, body: &[u8]) -> Vec<u8> {
        let mut text = self.head(agent);
        text.extend(frame(DATA, END_STREAM, self.next, body));
        self.next += 2;
        text
    }

    /// The HEADERS of the next request.
    pub(crate) fn head(&self, agent: &str) -> Vec<u8> {
        let mut fields = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/v1/chat/completions"),
            (":authority", "gateway"),
            ("authorization", &format!("Bearer {KEY}")),
            ("user-agent", agent),
        ] {
            fields.push(0);
            for text in [name, value] {
                fields.push(u8::try_from(text.len()).unwrap());
                fields.extend_from_slice(text.as_bytes());
            }
        }
        frame(HEADERS, END_HEADERS, self.next, &fields)
    }

    /// Sends frames, as long as they are taken.
    pub(crate) async fn try_send(&mut self, frames: &[u8]) -> std::io::Result<()> {
        self.socket.write_all(frames).await
    }

    /// Reads until a frame of this type has come.
    pub(crate) async fn until(&mut self, wanted: u8) -> Vec<u8> {
        loop {
            let (kind, payload) = self.read().await;
            if kind == wanted {
                return payload;
            }
        }
    }

    /// Reads until all streams have ended, whole or reset.
    pub(crate) async fn until_all_ended(&mut self) {
        let asked = usize::try_from(self.next / 2).unwrap();
        while self.ended < asked {
            self.read().await;
        }
    }

    async fn read(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).await.unwrap();
        let [_, _, _, kind, flags, ..] = head;
        let last = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
        self.ended += usize::from(last || kind == RST_STREAM);
        (kind, payload)
    }
}

/// A frame, with its head.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}
