//! The cgroup that holds the pods: made for the kubelet, which demands that it exists, and the one thing that the end of the node does
//! not take along.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{sleep, timeout};

use super::layout::MARK;

const ROOT: &str = "/sys/fs/cgroup";
/// How long killed processes may take to leave their cgroups.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Makes it in every hierarchy.
pub(super) fn make() -> Result<()> {
    for path in places()? {
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    Ok(())
}

/// Removes it with all below it, once no process is left there. It is no error if there is none.
pub(super) async fn remove() -> Result<()> {
    for path in places()? {
        let removed = async {
            while let Err(error) = remove_tree(&path) {
                if error.kind() != io::ErrorKind::ResourceBusy {
                    return Err(error);
                }
                sleep(PAUSE).await;
            }
            Ok(())
        };
        timeout(PATIENCE, removed)
            .await
            .with_context(|| format!("{} still holds processes", path.display()))?
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// One under cgroup v2; under v1 one per controller.
fn places() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").is_file() {
        return Ok(vec![root.join(MARK)]);
    }
    let mut places = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("cannot read {ROOT}"))? {
        // Controllers that are mounted together are linked by their single names.
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            places.push(entry.path().join(MARK));
        }
    }
    Ok(places)
}

/// The files in a cgroup are the kernel's and cannot be removed; the folders can.
fn remove_tree(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}
