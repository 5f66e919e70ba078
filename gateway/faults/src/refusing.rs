//! An upstream that is not there.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// An address at which nothing listens and nothing will: connecting to it is refused as long as this lives.
#[derive(Debug)]
pub struct Refusing {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Refusing {
    /// Takes a loopback port without listening on it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without a loopback port"
    )]
    pub fn bind() -> Self {
        let socket = TcpSocket::new_v4().expect("no socket");
        socket
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("no free loopback port");
        Self {
            address: socket.local_addr().expect("a bound socket has an address"),
            _socket: socket,
        }
    }

    /// What a client is configured with: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}
