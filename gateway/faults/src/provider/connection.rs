//! One connection: request after request until a play, the peer or a fault ends it.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Script;
use super::log::Log;
use crate::ask::{self, Unreadable};
use crate::perform::{After, perform};
use crate::socket::{self, Socket};

const UNREADABLE: &[u8] =
    b"HTTP/1.1 400 Unreadable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What all connections of a provider share.
pub(super) struct Host {
    pub(super) script: Script,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) reset_first: usize,
    pub(super) log: Arc<Log>,
}

/// Serves the `connection`th connection to its end.
pub(super) async fn serve(tcp: TcpStream, connection: usize, host: Arc<Host>) {
    if connection < host.reset_first {
        return socket::reset(&tcp);
    }
    // A failed handshake is the client's to report.
    let Ok(mut socket) = Socket::accept(tcp, host.tls.as_ref()).await else {
        return;
    };
    for nth in 0.. {
        let ask = match ask::read(&mut socket).await {
            Ok(ask) => ask,
            Err(Unreadable::Gone) => return,
            Err(Unreadable::Malformed) => {
                let _ = socket.write(UNREADABLE).await;
                break;
            }
        };
        let seen = host.log.record(ask, connection, nth);
        match perform(&(host.script)(&seen).resolve(&seen), &mut socket).await {
            After::KeepAlive if !seen.closes() => {}
            After::KeepAlive | After::Close => break,
            After::Reset => return socket.reset(),
            After::Gone => return host.log.abandon(),
        }
    }
    socket.close().await;
}
