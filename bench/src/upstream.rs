//! The fixed upstream: reads a request to its end and writes prepared bytes.
//!
//! One thread, no HTTP library: it must be cheaper than anything it is measured behind. Beneath `/flaky` every second request fails.

use std::cell::Cell;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, yield_now};
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_rustls::TlsAcceptor;

use crate::answer::{Kind, Speech, now, stamped};
use crate::ask::Pace;
use crate::tls;
use crate::wire::{Request, read_request};

/// How far apart the chunks of a paced stream are.
const PACE: Duration = Duration::from_millis(10);

/// Pieces of a held stream that come: its head, its beginning and some content, so that nothing in between holds it back.
const HELD_PIECES: usize = 6;

const FAILURE: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: 54\r\n\r\n\
{\"error\":{\"message\":\"as asked\",\"type\":\"server_error\"}}";

/// What peers ask before they send anything: which models there are. Anything else that is got is the same to them.
const MODELS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 87\r\n\r\n\
{\"object\":\"list\",\"data\":[{\"id\":\"chat\",\"object\":\"model\",\"created\":1,\"owned_by\":\"vllm\"}]}";

/// How many connections may wait to be accepted: all of those that are opened at once.
const BACKLOG: u32 = 16_384;

/// An answer in pieces, with what asks for it.
type Answer = ((Speech, Kind), Vec<Vec<u8>>);

struct Upstream {
    answers: Vec<Answer>,
    /// Requests beneath `/flaky` so far.
    flaky: Cell<u64>,
}

/// Serves until it is killed, plainly and over TLS. Prints both addresses, so that whoever started it knows where and when.
pub(crate) async fn serve(certificate: &Path, key: &Path) -> Result<()> {
    let acceptor = TlsAcceptor::from(tls::server(certificate, key)?);
    let (plain, secure) = (listener()?, listener()?);
    let addresses = (plain.local_addr()?, secure.local_addr()?);
    writeln!(std::io::stdout(), "{} {}", addresses.0, addresses.1)?;
    let all = Speech::ALL
        .into_iter()
        .flat_map(|speech| [Kind::Whole, Kind::Stream].map(|kind| (speech, kind)));
    let upstream = Rc::new(Upstream {
        answers: all
            .map(|(speech, kind)| ((speech, kind), speech.answer(kind)))
            .collect(),
        flaky: Cell::new(0),
    });
    let connections = LocalSet::new();
    connections
        .run_until(async {
            loop {
                tokio::select! {
                    accepted = plain.accept() => {
                        let tcp = undelayed(accepted?.0)?;
                        connections.spawn_local(connection(tcp, Rc::clone(&upstream)));
                    }
                    accepted = secure.accept() => {
                        let (tcp, upstream) = (undelayed(accepted?.0)?, Rc::clone(&upstream));
                        let acceptor = acceptor.clone();
                        connections.spawn_local(async move {
                            connection(acceptor.accept(tcp).await?, upstream).await
                        });
                    }
                }
            }
        })
        .await
}

fn listener() -> Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket.listen(BACKLOG)?)
}

fn undelayed(tcp: TcpStream) -> Result<TcpStream> {
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

async fn connection(
    mut peer: impl AsyncRead + AsyncWrite + Unpin,
    upstream: Rc<Upstream>,
) -> Result<()> {
    let mut unread = BytesMut::with_capacity(4 * 1024);
    while let Some(request) = read_request(&mut peer, &mut unread).await? {
        if request.line.starts_with(b"GET ") {
            peer.write_all(MODELS).await?;
        } else if upstream.fails(&request) {
            peer.write_all(FAILURE).await?;
        } else {
            let pieces = upstream.pieces(&request)?;
            answer(&mut peer, pieces, Pace::of(&request.body)).await?;
        }
        peer.flush().await?;
    }
    Ok(())
}

async fn answer(
    peer: &mut (impl AsyncRead + AsyncWrite + Unpin),
    pieces: &[Vec<u8>],
    pace: Pace,
) -> Result<()> {
    match pace {
        Pace::Burst => {
            for piece in pieces {
                peer.write_all(piece).await?;
                peer.flush().await?;
                // Gives the others a turn, so that pieces arrive one by one as tokens do.
                yield_now().await;
            }
        }
        Pace::Paced => paced(peer, pieces).await?,
        Pace::Held => {
            peer.write_all(&pieces[..HELD_PIECES].concat()).await?;
            peer.flush().await?;
            // Nothing more comes from a caller that waits, until it goes.
            let _ = peer.read_u8().await;
        }
    }
    Ok(())
}

async fn paced(peer: &mut (impl AsyncWrite + Unpin), pieces: &[Vec<u8>]) -> Result<()> {
    let mut ticks = interval_at(tokio::time::Instant::now() + PACE, PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for piece in pieces {
        if stamped(piece, 0).is_some() {
            ticks.tick().await;
        }
        match stamped(piece, now()) {
            Some(stamped) => peer.write_all(&stamped).await?,
            None => peer.write_all(piece).await?,
        }
        peer.flush().await?;
    }
    Ok(())
}

impl Upstream {
    /// Whether this is one of those that fail.
    fn fails(&self, request: &Request) -> bool {
        if !request.line.starts_with(b"POST /flaky/") {
            return false;
        }
        self.flaky.set(self.flaky.get() + 1);
        self.flaky.get().is_multiple_of(2)
    }

    fn pieces(&self, request: &Request) -> Result<&[Vec<u8>]> {
        let asked = Speech::of(&request.line, &request.body);
        let answer = self.answers.iter().find(|(what, _)| *what == asked);
        Ok(&answer.context("there is an answer to everything")?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_long_as_they_say() {
        for answer in [FAILURE, MODELS] {
            let text = std::str::from_utf8(answer).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a body");
            assert!(head.ends_with(&format!("content-length: {}", body.len())));
            serde_json::from_str::<serde_json::Value>(body).expect("JSON");
        }
    }
}
