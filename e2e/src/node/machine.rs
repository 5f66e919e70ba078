//! containerd, kubelet, kube-proxy and the pods' network: how each is configured and started.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::control_plane::command;
use super::layout::{Layout, MARK, NODE_ADDRESS, NODE_NAME, PAUSE_IMAGE, PODS, flag};
use super::sandbox::Program;
use crate::pki::{Pki, User};
use crate::tools;

pub(super) const KUBELET: User = User {
    name: "system:node:e2e",
    group: "system:nodes",
};
pub(super) const PROXY: User = User {
    name: "system:kube-proxy",
    group: "",
};

/// Where Debian, and where everybody else, puts CNI plugins.
const PLUGINS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];

pub(super) fn containerd(layout: &Layout) -> Result<Program> {
    let networks = layout.folder.join("networks");
    fs::create_dir_all(&networks)?;
    write(&networks.join("10-pods.conflist"), &network(layout))?;
    let private = layout.private();
    let config = containerd_config(
        &private,
        &layout.containerd_socket(),
        &networks,
        &plugins()?,
    );
    let config = write(&layout.folder.join("containerd.toml"), &config)?;
    tools::on_path("runc", "runc")?;
    Ok(Program {
        name: "containerd".to_owned(),
        binary: tools::on_path("containerd", "containerd")?,
        arguments: vec![flag("config", config)],
        logs: layout.logs.clone(),
    })
}

fn containerd_config(root: &Path, socket: &Path, networks: &Path, plugins: &Path) -> String {
    format!(
        r#"version = 2
root = {root:?}
state = {state:?}
# It would make a folder in /opt.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = {socket:?}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
# Where a machine does not grant lower scores than its own, no pod would start.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = {plugins:?}
conf_dir = {networks:?}

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"#,
        root = root.join("containerd"),
        state = root.join("containerd-state"),
    )
}

/// A link per pod rather than a bridge: what pods say to each other then passes the node's rules, without a kernel module for bridges
/// that filter, and so does the answer on its way back to the address of a Service.
fn network(layout: &Layout) -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": MARK,
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "dataDir": layout.private().join("addresses"),
                "ranges": [[{"subnet": PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
    .to_string()
}

fn plugins() -> Result<PathBuf> {
    let mut folders = PLUGINS.into_iter().map(PathBuf::from);
    folders
        .find(|folder| folder.join("ptp").is_file())
        .context("there are no CNI plugins; run `apt-get install containernetworking-plugins`")
}

pub(super) fn kubelet(layout: &Layout, pki: &Pki) -> Result<Program> {
    let config = kubelet_config(layout, pki).to_string();
    let config = write(&layout.folder.join("kubelet.json"), &config)?;
    let root = layout.private().join("kubelet");
    let arguments = vec![
        flag("config", config),
        flag("kubeconfig", pki.kubeconfig(KUBELET.name, &Layout::url())?),
        flag("cert-dir", root.join("pki")),
        flag("root-dir", root),
        format!("--hostname-override={NODE_NAME}"),
        format!("--node-ip={NODE_ADDRESS}"),
    ];
    Ok(command(layout, "kubelet", arguments))
}

fn kubelet_config(layout: &Layout, pki: &Pki) -> serde_json::Value {
    let private = layout.private();
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd_socket().display()),
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": pki.ca_file},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{MARK}"),
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        // A test machine's disk is nobody's business here.
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": private.join("pod-logs"),
        "volumePluginDir": private.join("volume-plugins"),
        // Pods resolve no names: addresses and environment variables have to do.
        "resolvConf": "",
        "nodeStatusReportFrequency": "10s",
    })
}

pub(super) fn proxy(layout: &Layout, pki: &Pki) -> Result<Program> {
    let arguments = vec![
        flag("kubeconfig", pki.kubeconfig(PROXY.name, &Layout::url())?),
        format!("--hostname-override={NODE_NAME}"),
        "--proxy-mode=iptables".to_owned(),
        format!("--cluster-cidr={PODS}"),
        // The limits of connection tracking are the machine's.
        "--conntrack-max-per-core=0".to_owned(),
    ];
    for (program, package) in [("iptables", "iptables"), ("conntrack", "conntrack")] {
        tools::on_path(program, package)?;
    }
    Ok(command(layout, "kube-proxy", arguments))
}

fn write(path: &Path, text: &str) -> Result<PathBuf> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}
