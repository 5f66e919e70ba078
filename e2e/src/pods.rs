//! The processes of pods on this machine, to be stopped and killed as machines do: without asking Kubernetes.

use std::fs;
use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::command;

/// A pod that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Where it is reached.
    pub address: IpAddr,
    /// `metadata.uid`, which its cgroup is named after.
    pub uid: String,
}

/// What is sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It ends at once.
    Kill,
    /// It stands still.
    Stop,
    /// It goes on.
    Continue,
}

impl Pod {
    /// From the API server's object, if it runs and is not about to end.
    pub(crate) fn running(object: &Value) -> Option<Self> {
        let metadata = &object["metadata"];
        if object["status"]["phase"] != "Running" || !metadata["deletionTimestamp"].is_null() {
            return None;
        }
        Some(Self {
            name: metadata["name"].as_str()?.to_owned(),
            address: object["status"]["podIP"].as_str()?.parse().ok()?,
            uid: metadata["uid"].as_str()?.to_owned(),
        })
    }

    /// Sends a signal to the process of the pod that runs `program`.
    ///
    /// # Errors
    /// When there is no such process on this machine: the pod is on a node elsewhere, or between two lives of its container.
    pub async fn signal(&self, program: &str, signal: Signal) -> Result<()> {
        let process = self.process(program)?;
        let signal = match signal {
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        command::output(Command::new("kill").args(["-s", signal, &process])).await?;
        Ok(())
    }

    fn process(&self, program: &str) -> Result<String> {
        let processes = fs::read_dir("/proc").context("cannot read /proc")?;
        let mut found: Vec<String> = processes
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|id| self.is_process(id, program))
            .collect();
        ensure!(
            found.len() == 1,
            "pod {} has {} processes {program} on this machine instead of one; unset KUBECONFIG for a node that is here",
            self.name,
            found.len()
        );
        found.pop().context("no process")
    }

    /// The cgroup's name holds the uid, with underscores where systemd manages it.
    fn is_process(&self, id: &str, program: &str) -> bool {
        let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).ok();
        let here = read("cgroup").is_some_and(|cgroup| {
            cgroup.contains(&self.uid) || cgroup.contains(&self.uid.replace('-', "_"))
        });
        let runs = |line: String| {
            let path = line.split('\0').next().unwrap_or_default();
            path.rsplit('/').next() == Some(program)
        };
        here && read("cmdline").is_some_and(runs)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_that_ends_runs_no_more() {
        let pod = json!({"metadata": {"name": "a", "uid": "u"}, "status": {"phase": "Running", "podIP": "10.0.0.1"}});
        assert_eq!(Pod::running(&pod).unwrap().name, "a");
        let mut ending = pod;
        ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(Pod::running(&ending), None);
    }

    #[tokio::test]
    async fn a_pod_that_is_elsewhere_is_an_error() {
        let pod = Pod {
            name: "a".to_owned(),
            address: [10, 0, 0, 1].into(),
            uid: "5f9c0d5c-no-such-pod".to_owned(),
        };
        let error = pod.signal("sh", Signal::Continue).await.unwrap_err();
        assert!(
            error.to_string().contains("pod a has 0 processes sh"),
            "{error}"
        );
    }
}
