//! A binary of one of the versions, as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use fairlead_e2e::PATIENCE;
use tokio::time::{Instant, sleep};

use crate::site::PAUSE;

/// How many lines of a log are told.
const LINES: usize = 20;

/// Which binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Old,
    New,
}

impl Version {
    fn binary(self, name: &str) -> Result<PathBuf> {
        let variable = match self {
            Self::Old => "FAIRLEAD_OLD",
            Self::New => "FAIRLEAD_NEW",
        };
        let folder =
            std::env::var_os(variable).with_context(|| format!("{variable} is not set"))?;
        Ok(PathBuf::from(folder).join(name))
    }
}

/// A process that goes with its handle, and where it logs.
pub(crate) struct Running(Child, PathBuf);

impl Running {
    /// Starts one that logs there.
    pub(crate) fn start(
        version: Version,
        name: &str,
        arguments: &[&str],
        kubeconfig: &Path,
        log: PathBuf,
    ) -> Result<Self> {
        let out = File::create(&log)?;
        let binary = version.binary(name)?;
        let child = Command::new(&binary)
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self(child, log))
    }

    /// Waits until it says that it is ready, which an end of its log explains if it does not.
    pub(crate) async fn until_ready(&self, admin: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let answer = reqwest::get(format!("http://{admin}/readyz")).await;
            let told = match answer {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if began.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(&self.1)?;
                let lines: Vec<&str> = log.lines().rev().take(LINES).collect();
                bail!(
                    "{admin} is not ready: {told}; its log, the end first:\n{}",
                    lines.join("\n")
                );
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks it to end as a cluster does, and waits until it has.
    pub(crate) async fn end(mut self) -> Result<()> {
        let id = self.0.id().to_string();
        ensure!(
            Command::new("kill").arg(&id).status()?.success(),
            "kill {id}"
        );
        let began = Instant::now();
        while self.0.try_wait()?.is_none() {
            ensure!(began.elapsed() < PATIENCE, "{id} does not end");
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
