//! A child process with its log, killed by its handle when dropped.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// How many lines of a log an error shows.
const LOG_LINES: usize = 15;

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `binary` in `folder`; what it prints is added to `NAME.log` there.
    pub(crate) fn start(
        name: &str,
        binary: &Path,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self> {
        Self::start_with(name, binary, arguments, &[], folder)
    }

    /// The same with variables beside those of this process.
    pub(crate) fn start_with(
        name: &str,
        binary: &Path,
        arguments: &[String],
        variables: &[(&str, &Path)],
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error with the end of its log if it has exited.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} has stopped ({status}); its log ends with:\n{}",
                self.name,
                self.log_end()
            );
        }
        Ok(())
    }

    /// The last lines it has printed.
    pub(crate) fn log_end(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_stops_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo the port is taken; exit 3"].map(str::to_owned);
        let mut process =
            Process::start("sh", Path::new("/bin/sh"), &arguments, folder.path()).unwrap();
        let error = loop {
            if let Err(error) = process.must_run() {
                break error.to_string();
            }
            tokio::task::yield_now().await;
        };
        assert!(
            error.contains("exit status: 3") && error.contains("the port is taken"),
            "{error}"
        );
    }
}
