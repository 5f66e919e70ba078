//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler: how each is started.

use anyhow::Result;

use super::layout::{KUBERNETES_ADDRESS, Layout, NODE_ADDRESS, SERVICES, flag};
use super::sandbox::Program;
use crate::pki::{Pki, User};
use crate::tools;

/// Loopback is the node's own, so the port is free.
const ETCD: &str = "http://127.0.0.1:2379";

/// The user that tests are.
pub(super) const ADMINISTRATOR: User = User {
    name: "admin",
    group: "system:masters",
};
pub(super) const CONTROLLER_MANAGER: User = User {
    name: "system:kube-controller-manager",
    group: "",
};
pub(super) const SCHEDULER: User = User {
    name: "system:kube-scheduler",
    group: "",
};

/// What the API server's certificate is for.
pub(super) const NAMES: [&str; 5] = [
    NODE_ADDRESS,
    KUBERNETES_ADDRESS,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
];

pub(super) fn etcd(layout: &Layout) -> Result<Program> {
    Ok(Program {
        name: "etcd".to_owned(),
        binary: tools::on_path("etcd", "etcd-server")?,
        arguments: vec![
            flag("data-dir", layout.private().join("etcd")),
            format!("--listen-client-urls={ETCD}"),
            format!("--advertise-client-urls={ETCD}"),
            // Nothing here outlives the run.
            "--unsafe-no-fsync".to_owned(),
        ],
        logs: layout.logs.clone(),
    })
}

pub(super) fn api_server(layout: &Layout, pki: &Pki) -> Program {
    let arguments = vec![
        format!("--etcd-servers={ETCD}"),
        format!("--bind-address={NODE_ADDRESS}"),
        format!("--advertise-address={NODE_ADDRESS}"),
        "--secure-port=6443".to_owned(),
        flag("tls-cert-file", &pki.certificate),
        flag("tls-private-key-file", &pki.key),
        flag("token-auth-file", &pki.tokens),
        flag("client-ca-file", &pki.ca_file),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        flag("service-account-key-file", &pki.public_key),
        flag("service-account-signing-key-file", &pki.key),
        format!("--service-cluster-ip-range={SERVICES}"),
        // The kubelet lets in whom the same CA vouches for; that the certificate is a server's as well does not matter to it.
        flag("kubelet-client-certificate", &pki.certificate),
        flag("kubelet-client-key", &pki.key),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
    ];
    command(layout, "kube-apiserver", arguments)
}

pub(super) fn controller_manager(layout: &Layout, pki: &Pki) -> Result<Program> {
    let kubeconfig = pki.kubeconfig(CONTROLLER_MANAGER.name, &Layout::url())?;
    let arguments = vec![
        flag("kubeconfig", kubeconfig),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        flag("service-account-private-key-file", &pki.key),
        flag("root-ca-file", &pki.ca_file),
        // Nothing here needs a volume from outside, and it wants a folder in /usr.
        "--controllers=*,-persistentvolume-binder-controller,-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller".to_owned(),
    ];
    Ok(command(layout, "kube-controller-manager", arguments))
}

pub(super) fn scheduler(layout: &Layout, pki: &Pki) -> Result<Program> {
    let kubeconfig = pki.kubeconfig(SCHEDULER.name, &Layout::url())?;
    let arguments = vec![
        flag("kubeconfig", kubeconfig),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
    ];
    Ok(command(layout, "kube-scheduler", arguments))
}

/// One of the commands that `hack/kubernetes.sh` builds.
pub(super) fn command(layout: &Layout, name: &str, arguments: Vec<String>) -> Program {
    Program {
        name: name.to_owned(),
        binary: layout.commands.join(name),
        arguments,
        logs: layout.logs.clone(),
    }
}
