//! An operator in this process, for tests that have an API server and no node.
//!
//! It is the program itself but for its command line's reader: the same assembly, with a client of the test's choice.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use fairlead_operator::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::{NAMESPACE, PATIENCE};

/// The shortest lease there is, in seconds.
const LEASE: u64 = 3;

/// A running operator of the installation `default` in [`NAMESPACE`].
#[derive(Debug)]
pub struct Operator {
    end: oneshot::Sender<()>,
    task: JoinSet<Result<()>>,
    admin: SocketAddr,
}

impl Operator {
    /// The lease it contends for.
    pub const LEASE: Duration = Duration::from_secs(LEASE);

    /// Starts one that calls itself `identity`, as whoever the kubeconfig names; `more` goes behind its other arguments.
    ///
    /// # Errors
    /// When an argument or the kubeconfig cannot be read.
    pub async fn start(kubeconfig: &Path, identity: &str, more: &[&str]) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let clients = fairlead_operator::Clients::of(&config)?;
        let admin = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (lease, address) = (LEASE.to_string(), admin.to_string());
        let fixed = [
            "fairlead-operator",
            "--namespace",
            NAMESPACE,
            "--identity",
            identity,
            "--lease-seconds",
            &lease,
            "--admin",
            &address,
        ];
        let args = Args::try_parse_from(fixed.iter().chain(more))?;
        let (end, ended) = oneshot::channel::<()>();
        let until = async {
            // The sender is either used or dropped.
            let _ = ended.await;
            Ok(())
        };
        let mut task = JoinSet::new();
        task.spawn(fairlead_operator::run_until(clients, args, until));
        Ok(Self { end, task, admin })
    }

    /// Ends as after SIGTERM.
    ///
    /// # Errors
    /// When it has ended badly, or does not end.
    pub async fn stop(mut self) -> Result<()> {
        // An operator that has ended already tells so below.
        let _ = self.end.send(());
        timeout(PATIENCE, self.task.join_next())
            .await?
            .context("no task")??
    }

    /// Ends as after SIGKILL.
    pub async fn kill(mut self) {
        self.task.shutdown().await;
    }

    /// What `/readyz` says: status and body.
    ///
    /// # Errors
    /// When nothing listens.
    pub async fn readiness(&self) -> Result<(u16, String)> {
        let answer = reqwest::get(format!("http://{}/readyz", self.admin)).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// With what it still waits for, after [`PATIENCE`].
    pub async fn ready(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let outcome = self.readiness().await;
            if matches!(outcome, Ok((200, _))) {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the operator is not ready: {outcome:?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A metric without labels, by its whole name.
    ///
    /// # Errors
    /// When there is no such metric.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let text = reqwest::get(format!("http://{}/metrics", self.admin))
            .await?
            .text()
            .await?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .with_context(|| format!("there is no metric {name}"))?;
        Ok(value.parse()?)
    }
}
