//! Charts, by the helm that users have too.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::command;

/// The longest that a release may take to be ready.
const TIMEOUT: &str = "--timeout=180s";

/// helm with a cluster.
#[derive(Debug, Clone)]
pub struct Helm {
    kubeconfig: OsString,
}

/// A chart under a name in a namespace.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// The release's name.
    pub name: &'a str,
    /// Made if it is missing.
    pub namespace: &'a str,
    /// The chart's folder or archive.
    pub chart: &'a Path,
    /// Values, as `--set` takes them: `gateway.replicas=2`.
    pub values: &'a [&'a str],
}

impl Helm {
    /// For the cluster that this kubeconfig names.
    pub fn new(kubeconfig: impl Into<OsString>) -> Self {
        Self {
            kubeconfig: kubeconfig.into(),
        }
    }

    /// Installs a release or upgrades it, and waits until what it made is ready.
    ///
    /// # Errors
    /// With helm's complaint.
    pub async fn install(&self, release: &Release<'_>) -> Result<String> {
        let mut command = self.command();
        command
            .args(["upgrade", "--install", "--create-namespace", "--wait"])
            .arg(TIMEOUT)
            .args(["--namespace", release.namespace, release.name])
            .arg(release.chart);
        for value in release.values {
            command.args(["--set", value]);
        }
        command::output(&mut command).await
    }

    /// Uninstalls a release and waits until what it made is gone.
    ///
    /// # Errors
    /// With helm's complaint.
    pub async fn uninstall(&self, namespace: &str, name: &str) -> Result<()> {
        let arguments = [
            "uninstall",
            "--wait",
            TIMEOUT,
            "--namespace",
            namespace,
            name,
        ];
        command::output(self.command().args(arguments)).await?;
        Ok(())
    }

    /// Runs any command; what it printed.
    ///
    /// # Errors
    /// With helm's complaint.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        command::output(self.command().args(arguments)).await
    }

    fn command(&self) -> Command {
        let mut command = Command::new("helm");
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }
}
