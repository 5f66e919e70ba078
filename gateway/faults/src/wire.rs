//! Connections within the process: what two ends of a TCP connection are to each other, without a socket, so that a test under paused time
//! moves on as soon as nobody has anything left to do.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// As many bytes may be on their way in either direction: about what a loopback socket takes.
const BUFFER: usize = 256 * 1024;

/// One end of a connection within the process. Dropping it ends the connection as closing a socket does.
#[derive(Debug)]
pub struct Wire {
    bytes: DuplexStream,
    /// Whether either end has reset the connection.
    reset: Arc<AtomicBool>,
}

impl Wire {
    /// Both ends of a new connection.
    #[must_use]
    pub fn pair() -> (Self, Self) {
        let (one, other) = tokio::io::duplex(BUFFER);
        let reset = Arc::new(AtomicBool::new(false));
        let end = |bytes| Self {
            bytes,
            reset: Arc::clone(&reset),
        };
        (end(one), end(other))
    }

    /// Ends the connection as RST does: what was not read yet is thrown away.
    pub fn reset(self) {
        self.reset.store(true, Ordering::Release);
        // Dropping this end wakes the other.
    }

    fn check(&self) -> io::Result<()> {
        if self.reset.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        ready!(Pin::new(&mut self.bytes).poll_read(cx, into))?;
        // The end of the stream may be that of a reset.
        Poll::Ready(self.check())
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.bytes).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}

/// Those who can be dialled, by their addresses.
static LISTENING: LazyLock<Mutex<HashMap<SocketAddr, Listening>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Clone)]
struct Listening {
    wires: UnboundedSender<Wire>,
    /// How long a connection takes to come about.
    accepts_after: Duration,
}

/// Where connections within the process arrive. Dropping it closes the address.
#[derive(Debug)]
pub(crate) struct WireListener {
    pub(crate) address: SocketAddr,
    wires: UnboundedReceiver<Wire>,
}

impl WireListener {
    /// Listens at an address that nobody else in the process has or had: one of those for documentation (RFC 5737), so that no packet can
    /// reach it.
    pub(crate) fn bind(accepts_after: Duration) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let address = SocketAddr::from(([192, 0, 2, 1], NEXT.fetch_add(1, Ordering::Relaxed)));
        let (sender, wires) = unbounded_channel();
        let listening = Listening {
            wires: sender,
            accepts_after,
        };
        LISTENING.lock().insert(address, listening);
        Self { address, wires }
    }

    pub(crate) async fn accept(&mut self) -> Option<Wire> {
        self.wires.recv().await
    }
}

impl Drop for WireListener {
    fn drop(&mut self) {
        LISTENING.lock().remove(&self.address);
    }
}

/// Connects to a provider of this process.
///
/// # Errors
/// Nobody listens there.
pub async fn dial(address: SocketAddr) -> io::Result<Wire> {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let found = LISTENING.lock().get(&address).cloned();
    let listening = found.ok_or_else(refused)?;
    tokio::time::sleep(listening.accepts_after).await;
    let (ours, theirs) = Wire::pair();
    listening.wires.send(theirs).map_err(|_| refused())?;
    Ok(ours)
}
