//! A process under test: started in a folder of its own, waited for, stopped by its id.

mod documents;
pub(crate) mod fairlead;
pub(crate) mod nginx;
pub(crate) mod others;

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::helper;
use crate::wire;

/// A running proxy.
pub(crate) struct Peer {
    /// What the tables call it.
    pub(crate) name: String,
    /// Where it takes requests.
    pub(crate) address: SocketAddr,
    /// Where it can be asked about itself.
    pub(crate) admin: Option<SocketAddr>,
    /// Whether its callers speak TLS.
    pub(crate) is_secure: bool,
    /// Headers that its callers have to send beside the usual ones, as `name: value`.
    pub(crate) headers: Vec<String>,
    /// Its configuration, for the report.
    pub(crate) configuration: String,
    /// Its folder.
    pub(crate) home: TempDir,
    child: Child,
}

/// What is yet to be started.
pub(crate) struct Plan {
    name: String,
    command: Command,
    home: TempDir,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    is_secure: bool,
    headers: Vec<String>,
    configuration: String,
    patience: Duration,
}

impl Plan {
    /// Starts it and waits until it can serve: until it says that it is ready or, where it cannot be asked, listens.
    pub(crate) async fn start(mut self) -> Result<Peer> {
        let child = self.spawn()?;
        let mut peer = Peer {
            name: self.name,
            address: self.address,
            admin: self.admin,
            is_secure: self.is_secure,
            headers: self.headers,
            configuration: self.configuration,
            home: self.home,
            child,
        };
        let end = Instant::now() + self.patience;
        while !peer.is_ready().await {
            if let Some(status) = peer.child.try_wait()? {
                bail!(
                    "{} ended before it was ready: {status}; it said: {}",
                    peer.name,
                    peer.said()
                );
            }
            if Instant::now() > end {
                bail!(
                    "{} was not ready within {:?}; it said: {}",
                    peer.name,
                    self.patience,
                    peer.said()
                );
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(peer)
    }

    fn spawn(&mut self) -> Result<Child> {
        let log = |name: &str| appended(self.home.path().join(name));
        self.command
            .stdin(Stdio::null())
            // One access line per request is part of the price.
            .stdout(log("access.log")?)
            .stderr(log("error.log")?)
            .spawn()
            .with_context(|| format!("{} does not start", self.name))
    }
}

/// Opened so that it can be emptied while it is written.
fn appended(path: PathBuf) -> Result<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

impl Peer {
    async fn is_ready(&self) -> bool {
        match self.admin {
            Some(admin) => wire::get(admin, "/readyz").await.is_ok(),
            None => TcpStream::connect(self.address).await.is_ok(),
        }
    }

    /// The end of what it said on standard error.
    fn said(&self) -> String {
        let text = fs::read_to_string(self.home.path().join("error.log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Its process id; descendants count with it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where callers send this path.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Empties its access log, which would otherwise grow to gigabytes; false if it has none or nothing was in it.
    pub(crate) fn empty_access_log(&self) -> Result<bool> {
        let path = self.home.path().join("access.log");
        let file = OpenOptions::new().write(true).open(path)?;
        let was_written = file.metadata()?.len() > 0;
        file.set_len(0)?;
        Ok(was_written)
    }

    /// The sum of a metric over the series that have this label, from `/metrics` in the text format of Prometheus.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let admin = self.admin.context("it has no metrics")?;
        Ok(summed(&wire::get(admin, "/metrics").await?, name, label))
    }
}

fn summed(text: &str, name: &str, label: &str) -> f64 {
    // The sum of nothing is -0.0.
    0.0 + text
        .lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        .filter_map(|rest| rest.split_whitespace().next_back()?.parse::<f64>().ok())
        .sum::<f64>()
}

impl Drop for Peer {
    fn drop(&mut self) {
        helper::end(&mut self.child);
    }
}

/// An address nobody listens on right now.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no free port")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_a_metric_over_its_series() {
        let text =
            "# TYPE a_total counter\na_total{s=\"x\"} 2\na_total{s=\"y\"} 3\na_total_more 9\nb 1\n";
        assert_eq!(summed(text, "a_total", ""), 5.0);
        assert_eq!(summed(text, "a_total", "s=\"y\""), 3.0);
        assert_eq!(summed(text, "b", ""), 1.0);
    }
}
