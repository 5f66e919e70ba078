//! Our programs, each a process of its own, for tests that have an API server and no node: what they do under load, and what memory that takes, is
//! theirs alone.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::process::Process;
use crate::tools;

/// A running program, as `cargo build --profile quick` has built it. It ends when the value is dropped.
#[derive(Debug)]
pub struct Program {
    process: Process,
}

impl Program {
    /// Starts one of this name, as whoever the kubeconfig names; its log is `NAME.log` in `folder`.
    ///
    /// # Errors
    /// When it has not been built, or cannot be started.
    pub fn start(
        name: &str,
        arguments: &[String],
        kubeconfig: &Path,
        folder: &Path,
    ) -> Result<Self> {
        let variables = [("KUBECONFIG", kubeconfig)];
        let binary = tools::built(name)?;
        let process = Process::start_with(name, &binary, arguments, &variables, folder)?;
        Ok(Self { process })
    }

    /// Starts one that a Debian package brings.
    ///
    /// # Errors
    /// When it is not there, or cannot be started.
    pub fn installed(
        name: &str,
        package: &str,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self> {
        let binary = tools::on_path(name, package)?;
        let process = Process::start(name, &binary, arguments, folder)?;
        Ok(Self { process })
    }

    /// An error with the end of its log if it has exited.
    ///
    /// # Errors
    /// That one.
    pub fn must_run(&mut self) -> Result<()> {
        self.process.must_run()
    }

    /// The last lines it has printed.
    #[must_use]
    pub fn log_end(&self) -> String {
        self.process.log_end()
    }

    /// The most memory that it has ever had, in MiB.
    ///
    /// # Errors
    /// When the system does not say, as of a process that has exited.
    pub fn peak_memory(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: f64 = kib.context("no VmHWM")?.trim().parse()?;
        Ok(kib / 1024.0)
    }
}
