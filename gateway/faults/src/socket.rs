//! One accepted connection, plain, TLS or within the process: the bytes not read yet, and the three ways to end it.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::wire::Wire;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    InProcess(Wire),
}

/// A connection and what has been received on it but not used.
pub(crate) struct Socket {
    stream: Stream,
    pub(crate) unread: BytesMut,
    written: u64,
}

impl Socket {
    /// Takes over an accepted connection.
    pub(crate) fn plain(tcp: TcpStream) -> io::Result<Self> {
        // Without it Nagle's algorithm would join steps that a script wants apart.
        tcp.set_nodelay(true)?;
        Ok(Self::new(Stream::Plain(tcp)))
    }

    /// Takes over an accepted connection after its TLS handshake.
    pub(crate) async fn tls(tcp: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let tls = acceptor.accept(tcp).await?;
        Ok(Self::new(Stream::Tls(Box::new(tls))))
    }

    /// Takes over an accepted connection of this process.
    pub(crate) fn in_process(wire: Wire) -> Self {
        Self::new(Stream::InProcess(wire))
    }

    fn new(stream: Stream) -> Self {
        Self {
            stream,
            unread: BytesMut::new(),
            written: 0,
        }
    }

    /// How many bytes have been written, before TLS.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Reads what has come into `unread`; 0 bytes mean that the peer will send no more.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        let reader: &mut (dyn AsyncRead + Send + Unpin) = match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.as_mut(),
            Stream::InProcess(wire) => wire,
        };
        reader.read_buf(&mut self.unread).await
    }

    /// Writes all of it and flushes, so that it leaves as a segment of its own.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let writer: &mut (dyn AsyncWrite + Send + Unpin) = match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.as_mut(),
            Stream::InProcess(wire) => wire,
        };
        writer.write_all(bytes).await?;
        writer.flush().await?;
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Ends in order: TLS close, FIN.
    pub(crate) async fn close(mut self) {
        self.end().await;
    }

    /// Says that nothing more will be written, in order: TLS close, FIN.
    pub(crate) async fn end(&mut self) {
        // A peer that has already gone is the end we wanted.
        let _ = match &mut self.stream {
            Stream::Plain(tcp) => tcp.shutdown().await,
            Stream::Tls(tls) => tls.shutdown().await,
            Stream::InProcess(wire) => wire.shutdown().await,
        };
    }

    /// Ends with RST: what was not delivered is thrown away.
    pub(crate) fn reset(self) {
        match self.stream {
            Stream::Plain(tcp) => reset(&tcp),
            Stream::Tls(tls) => reset(tls.get_ref().0),
            Stream::InProcess(wire) => wire.reset(),
        }
    }
}

/// Makes the drop of this connection send RST instead of FIN.
pub(crate) fn reset(tcp: &TcpStream) {
    // It fails only on a socket that is gone, and then there is nothing left to reset.
    let _ = tcp.set_zero_linger();
}
