//! One connection: request after request until a play, the peer or a fault ends it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::builder::{Early, Watch};
use super::greeting::{self, Greeting};
use super::log::{Arrival, Log};
use crate::ask::{self, Unreadable};
use crate::perform::{Ending, perform};
use crate::socket::Socket;
use crate::wire::Wire;
use crate::{Play, Seen};

const UNREADABLE: &[u8] =
    b"HTTP/1.1 400 Unreadable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What all connections of a provider share.
pub(super) struct Host {
    pub(super) script: Box<dyn Fn(&Seen) -> Play + Send + Sync>,
    pub(super) early: Option<Early>,
    pub(super) watch: Option<Watch>,
    pub(super) greeting: Greeting,
    pub(super) reset_first: usize,
    pub(super) log: Arc<Log>,
}

/// A connection that has come about.
pub(super) enum Accepted {
    Tcp(TcpStream),
    InProcess(Wire),
}

/// Serves the `connection`th connection to its end.
pub(super) async fn serve(accepted: Accepted, connection: usize, host: Arc<Host>) {
    let resets = connection < host.reset_first;
    let socket = match accepted {
        Accepted::Tcp(tcp) if resets => return greeting::reset(&tcp),
        Accepted::InProcess(wire) if resets => return wire.reset(),
        Accepted::Tcp(tcp) => host.greeting.receive(tcp).await,
        Accepted::InProcess(wire) => Some(Socket::in_process(wire)),
    };
    let Some(mut socket) = socket else {
        return;
    };
    for nth in 0.. {
        match host.exchange(&mut socket, connection, nth).await {
            Ok(Ending::KeptAlive) => {}
            Ok(Ending::Closed) => break,
            Ok(Ending::Reset) => return socket.reset(),
            Ok(Ending::Abandoned) | Err(Unreadable::Gone) => return,
            Err(Unreadable::Malformed) => {
                // Whoever sends such a thing may be gone already.
                let _ = socket.write(UNREADABLE).await;
                break;
            }
        }
    }
    socket.close().await;
}

impl Host {
    /// One request and what is played to it.
    async fn exchange(
        &self,
        socket: &mut Socket,
        connection: usize,
        nth: usize,
    ) -> Result<Ending, Unreadable> {
        let head = ask::head(socket).await?;
        let arrival = Arrival {
            connection,
            nth,
            head_at: self.log.now(),
        };
        let early = |early: &Early| early(&arrival.seen(0, &head, &Bytes::new(), arrival.head_at));
        let (seen, ending) = if let Some(play) = self.early.as_ref().and_then(early) {
            let seen = self.log.record(&arrival, &head, &Bytes::new());
            let ending = self.play(&play, &seen, socket).await;
            // The request is still on its way; the next one begins behind it.
            if ending == Ending::KeptAlive {
                ask::body(socket, &head).await?;
            }
            (seen, ending)
        } else {
            let body = ask::body(socket, &head).await?;
            let seen = self.log.record(&arrival, &head, &body);
            let ending = self.play(&(self.script)(&seen), &seen, socket).await;
            (seen, ending)
        };
        let last = ending == Ending::KeptAlive && seen.closes();
        Ok(if last { Ending::Closed } else { ending })
    }

    async fn play(&self, play: &Play, seen: &Seen, socket: &mut Socket) -> Ending {
        let (began, before) = (self.log.now(), socket.written());
        let ending = perform(&play.resolve(seen), socket).await;
        let bytes = socket.written() - before;
        let played = self.log.play(seen.sequence, began, bytes, ending);
        if let Some(watch) = &self.watch {
            watch(seen, &played);
        }
        ending
    }
}
