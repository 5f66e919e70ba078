//! The addresses of the node and the places of its files.
//!
//! Addresses can be constant, because the node has a network of its own; only the range must be unused on the machine around it.

use std::path::{Path, PathBuf};

/// Everything of the node: what must not go through a proxy.
pub(super) const RANGE: &str = "10.213.0.0/16";
/// The node's end of the link to the machine, with the API server and the kubelet on it.
pub(super) const NODE_ADDRESS: &str = "10.213.0.1";
/// The machine's end of that link.
pub(super) const HOST_ADDRESS: &str = "10.213.0.2";
pub(super) const PODS: &str = "10.213.64.0/20";
pub(super) const SERVICES: &str = "10.213.128.0/20";
/// The first address of [`SERVICES`] is that of the Service `kubernetes`.
pub(super) const KUBERNETES_ADDRESS: &str = "10.213.128.1";
pub(super) const NODE_NAME: &str = "e2e";
/// Of the network interface on the machine, and of the cgroup below which the pods run. One node per machine has them.
pub(super) const MARK: &str = "fairlead-e2e";
pub(super) const PAUSE_IMAGE: &str = "fairlead-pause:e2e";

/// Covered by an empty file system that only the node sees, because programs write there whatever they are configured to.
pub(super) const COVERED: [&str; 4] = [
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
];

/// Folders of one node.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Temporary; what is outside [`Layout::private`] is seen from the machine as well.
    pub(super) folder: PathBuf,
    /// One file per component.
    pub(super) logs: PathBuf,
    /// With kubectl, kubelet and so on.
    pub(super) commands: PathBuf,
}

impl Layout {
    pub(super) fn url() -> String {
        format!("https://{NODE_ADDRESS}:6443")
    }

    /// In memory and seen by the node only: images, pods and the API server's storage.
    pub(super) fn private(&self) -> PathBuf {
        self.folder.join("private")
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.folder.join("containerd.sock")
    }

    /// Where a test says what is to happen to the node; see [`STOP_API_SERVER`](super::STOP_API_SERVER).
    pub(super) fn control(&self) -> PathBuf {
        self.folder.join("control")
    }

    pub(super) fn kubectl(&self) -> PathBuf {
        self.commands.join("kubectl")
    }

    /// What takes the path of an image archive as its last word.
    pub(super) fn load_command(&self) -> String {
        let socket = self.containerd_socket();
        format!("ctr -a {} -n k8s.io images import", socket.display())
    }
}

/// `--name=value`, as the components take it.
pub(super) fn flag(name: &str, value: impl AsRef<Path>) -> String {
    format!("--{name}={}", value.as_ref().display())
}
