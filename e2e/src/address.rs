//! An address of this machine that others could reach.

use std::net::{SocketAddr, UdpSocket};

use anyhow::{Context as _, Result};

/// An address of this machine, with a port that means nothing: an API server takes no loopback address for an endpoint.
///
/// # Errors
/// When there is no network but loopback.
pub fn own_address() -> Result<SocketAddr> {
    // Nothing is sent; it only asks which address would be used (source: RFC 5737 for the other end's).
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket
        .connect("198.51.100.1:9")
        .context("this machine has no network but loopback, and an endpoint needs an address")?;
    Ok(socket.local_addr()?)
}
