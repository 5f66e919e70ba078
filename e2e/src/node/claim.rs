//! One node at a time: a lock on the machine, and a temporary folder under a constant prefix, so that what a killed run has left there
//! can be told from anything else and removed by the next.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{cgroup, network};

const LOCK: &str = "fairlead-e2e-node.lock";
const PREFIX: &str = "fairlead-e2e-node-";
const PAUSE: Duration = Duration::from_millis(500);

/// The right to run a node on this machine, given up when dropped. The kernel gives it up for a process that is killed.
#[derive(Debug)]
pub(super) struct Claim {
    folder: TempDir,
    _lock: File,
}

impl Claim {
    /// Waits for it, clears up after runs that were killed, and empties `logs`.
    pub(super) async fn take(logs: &Path) -> Result<Self> {
        ensure!(
            fs::metadata("/proc/self")?.uid() == 0,
            "a node needs root; run this as root, or set KUBECONFIG to a cluster to test on"
        );
        let temporary = std::env::temp_dir();
        let path = temporary.join(LOCK);
        let lock =
            File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let mut told = false;
        while let Err(error) = lock.try_lock() {
            if let TryLockError::Error(error) = error {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
            if !told {
                crate::say("another node runs on this machine; waiting for its end");
                told = true;
            }
            sleep(PAUSE).await;
        }
        clear(&temporary)?;
        network::disconnect().await?;
        cgroup::remove().await?;
        empty(logs)?;
        Ok(Self {
            folder: TempDir::with_prefix(PREFIX).context("cannot make a temporary folder")?,
            _lock: lock,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn clear(temporary: &Path) -> Result<()> {
    for entry in fs::read_dir(temporary)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type()?.is_dir() {
            let path = entry.path();
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Takes the logs of an earlier run away, and nothing else: the folder is the user's choice.
fn empty(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_earlier_nodes_are_cleared_away() {
        let temporary = tempfile::tempdir().unwrap();
        for name in ["fairlead-e2e-node-x/pods", "fairlead-e2e-other", "mine"] {
            fs::create_dir_all(temporary.path().join(name)).unwrap();
        }
        clear(temporary.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(temporary.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["fairlead-e2e-other", "mine"]);
    }
}
