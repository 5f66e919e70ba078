//! A process under test: started in a folder of its own, waited for, stopped by its id.

mod fairlead;
mod nginx;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// A running proxy.
pub(crate) struct Peer {
    /// What the tables call it.
    pub(crate) name: &'static str,
    /// Where it takes requests.
    pub(crate) address: SocketAddr,
    child: Child,
    _home: TempDir,
}

/// How long a process may take until it listens.
const START: Duration = Duration::from_secs(10);

impl Peer {
    /// nginx from the path, in front of the upstream.
    pub(crate) async fn nginx(upstream: SocketAddr) -> Result<Self> {
        let (home, address) = (TempDir::new()?, free_address().await?);
        let child = nginx::start(home.path(), address, upstream)?;
        Self::awaited("nginx", address, child, home).await
    }

    /// The gateway, in front of the upstream.
    pub(crate) async fn fairlead(binary: &Path, upstream: SocketAddr) -> Result<Self> {
        let (home, address) = (TempDir::new()?, free_address().await?);
        let child = fairlead::start(
            binary,
            home.path(),
            address,
            free_address().await?,
            upstream,
        )?;
        Self::awaited("fairlead", address, child, home).await
    }

    async fn awaited(
        name: &'static str,
        address: SocketAddr,
        child: Child,
        home: TempDir,
    ) -> Result<Self> {
        let mut peer = Self {
            name,
            address,
            child,
            _home: home,
        };
        let end = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = peer.child.try_wait()? {
                bail!("{name} ended before it listened: {status}; what it said stands above");
            }
            if Instant::now() > end {
                bail!("{name} did not listen on {address} within {START:?}");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(peer)
    }

    /// Its process id; children count with it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // TERM, not KILL: nginx's workers outlive a killed master. The shell's own `kill` is on every system.
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status();
        let _ = self.child.wait();
    }
}

/// An address nobody listens on right now.
async fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no free port")?;
    Ok(listener.local_addr()?)
}
