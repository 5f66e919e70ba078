//! An API server of our own: etcd and kube-apiserver in a temporary folder, gone when the value is dropped.
//!
//! Fails with the last lines of the log of the process that did not come up.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::pki::{Pki, User};
use crate::process::Process;
use crate::tools;

/// A first start on a busy machine has been seen to take 40 seconds.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at `/readyz`.
const PAUSE: Duration = Duration::from_millis(100);
/// A port found free may be taken before the server binds it; then everything is started anew.
const ATTEMPTS: usize = 3;
/// Who may do everything.
const ADMINISTRATOR: User = User {
    name: "e2e",
    group: "system:masters",
};

/// A running API server, with RBAC and without any controller: nothing but what its storage and admission do.
#[derive(Debug)]
pub struct ApiServer {
    client: Client,
    kubeconfig: PathBuf,
    started_in: Duration,
    // Dropped in this order: the server goes before its store, the folder last.
    _kube_apiserver: Process,
    _etcd: Process,
    _folder: TempDir,
}

impl ApiServer {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// When a binary is missing, or a process exits or is not ready within three minutes.
    pub async fn start() -> Result<Self> {
        let binaries = tools::api_server()?;
        let mut attempt = 1;
        loop {
            match Self::attempt(&binaries).await {
                Err(error)
                    if attempt < ATTEMPTS
                        && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Speaks to it as a member of `system:masters`.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A file that says where it is, for programs that are to speak to it as its [`ApiServer::client`] does. It lives as long as the
    /// server.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The same for a service account: beside the other file, and as long-lived.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn kubeconfig_of(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let mut config: Value = serde_json::from_slice(&fs::read(&self.kubeconfig)?)?;
        config["users"][0]["user"]["token"] = self.client.token(namespace, name).await?.into();
        let path = self
            .kubeconfig
            .with_file_name(format!("{namespace}-{name}.kubeconfig"));
        fs::write(&path, config.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// From the first process to ready.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    async fn attempt([etcd, kube_apiserver]: &[PathBuf; 2]) -> Result<Self> {
        let began = Instant::now();
        let folder =
            TempDir::with_prefix("fairlead-e2e-").context("cannot make a temporary folder")?;
        let [store, peer, port] = free_ports()?;
        let pki = Pki::make(folder.path(), &["127.0.0.1"], &[ADMINISTRATOR])?;
        let mut etcd = Process::start(
            "etcd",
            etcd,
            &etcd_arguments(folder.path(), store, peer),
            folder.path(),
        )?;
        let mut server = Process::start(
            "kube-apiserver",
            kube_apiserver,
            &server_arguments(&pki, store, port),
            folder.path(),
        )?;
        let url = format!("https://127.0.0.1:{port}");
        let client = Client::new(&url, &pki.ca, pki.token(ADMINISTRATOR.name)?)?;
        let kubeconfig = pki.kubeconfig(ADMINISTRATOR.name, &url)?;
        let ready = async {
            while !client.is_ready().await {
                etcd.must_run()?;
                server.must_run()?;
                sleep(PAUSE).await;
            }
            anyhow::Ok(())
        };
        match timeout(PATIENCE, ready).await {
            Ok(outcome) => outcome?,
            Err(_) => bail!(
                "kube-apiserver is not ready after {PATIENCE:?}; its log ends with:\n{}",
                server.log_end()
            ),
        }
        Ok(Self {
            client,
            kubeconfig,
            started_in: began.elapsed(),
            _kube_apiserver: server,
            _etcd: etcd,
            _folder: folder,
        })
    }
}

fn etcd_arguments(folder: &Path, store: u16, peer: u16) -> Vec<String> {
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{store}"),
        format!("--advertise-client-urls=http://127.0.0.1:{store}"),
        format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
        format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
        format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
        // Nothing here outlives the test.
        "--unsafe-no-fsync".to_owned(),
    ]
}

fn server_arguments(pki: &Pki, store: u16, port: u16) -> Vec<String> {
    vec![
        format!("--etcd-servers=http://127.0.0.1:{store}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", pki.certificate.display()),
        format!("--tls-private-key-file={}", pki.key.display()),
        format!("--token-auth-file={}", pki.tokens.display()),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://127.0.0.1".to_owned(),
        format!("--service-account-key-file={}", pki.public_key.display()),
        format!("--service-account-signing-key-file={}", pki.key.display()),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
    ]
}

/// Held together while they are looked for, so that the three differ.
fn free_ports() -> Result<[u16; 3]> {
    let listen = || TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1");
    let held = [listen()?, listen()?, listen()?];
    let [store, peer, server] = held
        .each_ref()
        .map(|listener| listener.local_addr().map(|address| address.port()));
    Ok([store?, peer?, server?])
}
