//! Namespaces of its own for the node: processes, mounts and network.
//!
//! Whatever the node starts, mounts, or adds to iptables ends with the first process in there, however it ends, and that process ends
//! with this one: nothing is left to take down, not even by a run that was killed. Around the first process `unshare` waits on the
//! machine's side; the first process is this same program again ([`inside`](super::inside)).

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::tools;

/// What the first process is told, a line of JSON each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Cover these folders with empty ones in memory.
    Cover(Vec<PathBuf>),
    Start(Program),
    /// Kill the program of that name.
    Stop(String),
}

/// What it answers, a line of JSON each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Report {
    /// It runs, and so do its namespaces.
    Up,
    /// An order could not be carried out.
    Failed(String),
    /// A program has ended without being told to.
    Ended(String),
}

/// A program to run in the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Program {
    /// Its log is `NAME.log`.
    pub(super) name: String,
    pub(super) binary: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) logs: PathBuf,
}

/// The namespaces, from outside.
#[derive(Debug)]
pub(super) struct Sandbox {
    unshare: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Sandbox {
    /// Makes the namespaces and waits until the first process runs in them.
    pub(super) async fn create() -> Result<Self> {
        let this = std::env::current_exe().context("this program has no path")?;
        let mut unshare = Command::new(tools::on_path("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL", "unshare", "--kill-child", "--fork"])
            .args(["--pid", "--mount-proc", "--mount", "--net"])
            .arg(this)
            .arg("--inside")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C at the terminal is for the command, which may yet need the node to end well.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot run setpriv and unshare")?;
        let orders = unshare.stdin.take().context("no way in")?;
        let reports = unshare.stdout.take().context("no way out")?;
        let mut sandbox = Self {
            unshare,
            orders,
            reports: BufReader::new(reports).lines(),
        };
        match sandbox.report().await? {
            Report::Up => Ok(sandbox),
            Report::Failed(why) | Report::Ended(why) => bail!("{why}"),
        }
    }

    /// A process that is in the node's network, though not among its processes.
    pub(super) fn pid(&self) -> Result<u32> {
        self.unshare.id().context("the node has ended")
    }

    pub(super) async fn tell(&mut self, order: &Order) -> Result<()> {
        let mut line = serde_json::to_string(order)?;
        line.push('\n');
        self.orders.write_all(line.as_bytes()).await?;
        Ok(())
    }

    /// The next report. May be dropped while it waits.
    pub(super) async fn report(&mut self) -> Result<Report> {
        match self.reports.next_line().await? {
            Some(line) => {
                serde_json::from_str(&line).with_context(|| format!("not a report: {line}"))
            }
            None => bail!("the first process of the node has ended"),
        }
    }

    /// Ends everything in it.
    pub(super) async fn destroy(mut self) -> Result<ExitStatus> {
        self.unshare.start_kill()?;
        Ok(self.unshare.wait().await?)
    }
}
