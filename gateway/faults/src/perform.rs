//! Writes the steps of a play to a socket and says what may follow on that connection.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::socket::Socket;
use crate::{Framing, Step};

/// What a play did to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A complete answer: the connection can carry another request.
    KeptAlive,
    /// An answer that ends with the connection, or was cut.
    Closed,
    /// RST.
    Reset,
    /// The peer went away before the play was over.
    Abandoned,
}

impl Ending {
    /// As a log shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeptAlive => "kept_alive",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Writes the steps in order.
pub(crate) async fn perform(steps: &[Step], socket: &mut Socket) -> Ending {
    let mut body = Body {
        framing: None,
        written: 0,
        ended: false,
    };
    for step in steps {
        let outcome = match step {
            Step::Reset => return Ending::Reset,
            Step::Close => return Ending::Closed,
            Step::Hang => {
                stay(socket, None).await;
                return Ending::Abandoned;
            }
            Step::HalfClose => {
                socket.end().await;
                stay(socket, None).await;
                return Ending::Abandoned;
            }
            Step::Pause(pause) => stay(socket, Some(*pause)).await,
            Step::Head {
                status,
                headers,
                framing,
            } => {
                body.framing = Some(*framing);
                socket
                    .write(&head(*status, headers, *framing))
                    .await
                    .is_ok()
            }
            Step::Raw(bytes) => socket.write(bytes).await.is_ok(),
            Step::Body(bytes) => body.write(socket, bytes).await.is_ok(),
            Step::Event(data) => body
                .write(socket, format!("data: {data}\n\n").as_bytes())
                .await
                .is_ok(),
            Step::Comment(text) => body
                .write(socket, format!(": {text}\n\n").as_bytes())
                .await
                .is_ok(),
            Step::End => body.end(socket).await.is_ok(),
        };
        if !outcome {
            return Ending::Abandoned;
        }
    }
    if body.is_complete() {
        Ending::KeptAlive
    } else {
        Ending::Closed
    }
}

/// Waits that long, or for ever; false if the peer went away meanwhile. What it sends early is kept for the next request.
async fn stay(socket: &mut Socket, pause: Option<Duration>) -> bool {
    let end = pause.map(|pause| Instant::now() + pause);
    loop {
        let filled = match end {
            Some(end) => timeout_at(end, socket.fill()).await,
            None => Ok(socket.fill().await),
        };
        match filled {
            Err(_elapsed) => return true,
            Ok(Ok(0) | Err(_)) => return false,
            Ok(Ok(_)) => {}
        }
    }
}

fn head(status: u16, headers: &[(String, String)], framing: Framing) -> Vec<u8> {
    let reason = if status == 200 { "OK" } else { "Scripted" };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match framing {
        Framing::Length(length) => head.push_str(&format!("content-length: {length}\r\n")),
        Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
        Framing::Close => head.push_str("connection: close\r\n"),
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// How much of a body has been written, and under which framing.
struct Body {
    framing: Option<Framing>,
    written: usize,
    ended: bool,
}

impl Body {
    async fn write(&mut self, socket: &mut Socket, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        if self.framing != Some(Framing::Chunked) {
            return socket.write(bytes).await;
        }
        // One write, so that a chunk is one segment and not three.
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        socket.write(&chunk).await
    }

    async fn end(&mut self, socket: &mut Socket) -> io::Result<()> {
        self.ended = true;
        match self.framing {
            Some(Framing::Chunked) => socket.write(b"0\r\n\r\n").await,
            Some(Framing::Length(_) | Framing::Close) | None => Ok(()),
        }
    }

    fn is_complete(&self) -> bool {
        match self.framing {
            Some(Framing::Length(length)) => self.written == length,
            Some(Framing::Chunked) => self.ended,
            Some(Framing::Close) | None => false,
        }
    }
}
