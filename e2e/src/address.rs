//! An address of this machine that others could reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

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

/// Where addresses for tests are taken from (RFC 2544): nobody routes them.
const LENT: [u8; 3] = [198, 18, 0];

/// One more address of this machine, for as long as the value lives.
#[derive(Debug)]
pub struct Lent(Ipv4Addr);

impl Lent {
    /// An address that nobody has yet. Another process that lends one at the same moment gets another.
    ///
    /// # Errors
    /// When this is not root, or `ip` (Debian: iproute2) is not there.
    pub fn one() -> Result<Self> {
        for last in 1..=254 {
            let [a, b, c] = LENT;
            let address = Ipv4Addr::new(a, b, c, last);
            // The kernel refuses one that is there already.
            if ip("add", address)? {
                return Ok(Self(address));
            }
        }
        bail!("no address can be added to lo; it takes root: ip addr add 198.18.0.1/32 dev lo")
    }

    /// The address.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.0.into()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // One that stays does no harm.
        let _ = ip("del", self.0);
    }
}

/// Whether `ip` has done it.
fn ip(verb: &str, address: Ipv4Addr) -> Result<bool> {
    let mut command = Command::new("ip");
    command.args(["addr", verb, &format!("{address}/32"), "dev", "lo"]);
    let done = command.stderr(Stdio::null()).status();
    Ok(done.context("cannot run ip; install iproute2")?.success())
}
