//! The fixed upstream: reads a request to its end and writes prepared bytes.
//!
//! One thread, no HTTP library: it must be cheaper than anything it is measured behind.

use std::io::Write;
use std::net::Ipv4Addr;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, yield_now};

use crate::answer::{Kind, Speech};

/// Every answer, with what asks for it.
type Answers = Vec<((Speech, Kind), Vec<Vec<u8>>)>;

/// Serves until it is killed. Prints its address, so that whoever started it knows where and when.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let all = Speech::ALL
        .into_iter()
        .flat_map(|speech| [Kind::Whole, Kind::Stream].map(|kind| (speech, kind)));
    let answers: Rc<Answers> = Rc::new(
        all.map(|(speech, kind)| ((speech, kind), speech.answer(kind)))
            .collect(),
    );
    let connections = LocalSet::new();
    connections
        .run_until(async {
            loop {
                let (tcp, _) = listener.accept().await?;
                connections.spawn_local(connection(tcp, Rc::clone(&answers)));
            }
        })
        .await
}

async fn connection(mut tcp: TcpStream, answers: Rc<Answers>) -> Result<()> {
    tcp.set_nodelay(true)?;
    let mut unread = BytesMut::with_capacity(16 * 1024);
    while let Some(asked) = read_request(&mut tcp, &mut unread).await? {
        let answer = answers.iter().find(|(what, _)| *what == asked);
        let (_, pieces) = answer.context("there is an answer to everything")?;
        for piece in pieces {
            tcp.write_all(piece).await?;
            // Gives the others a turn, so that pieces arrive one by one as tokens do.
            yield_now().await;
        }
    }
    Ok(())
}

/// Reads one request and says what it asks for; none if the peer has gone.
async fn read_request(
    tcp: &mut TcpStream,
    unread: &mut BytesMut,
) -> Result<Option<(Speech, Kind)>> {
    loop {
        if let Some(head) = unread
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|at| at + 4)
        {
            let length = content_length(&unread[..head])?;
            if unread.len() >= head + length {
                let asked = Speech::of(&unread[..head], &unread[head..head + length]);
                unread.advance(head + length);
                return Ok(Some(asked));
            }
        }
        if tcp.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let text = std::str::from_utf8(head)?;
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            return value
                .trim()
                .parse()
                .context("content-length is not a number");
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the upstream reads bodies with a length only");
        }
    }
    Ok(0)
}
