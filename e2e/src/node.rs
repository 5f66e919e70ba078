//! A Kubernetes node with its control plane on this machine: etcd, the API server, controllers, containerd, kubelet and kube-proxy, in
//! namespaces of their own, for as long as the value lives.
//!
//! It needs root, and no registry: images come from archives ([`crate::Image`]). Pods and Services are reached from this machine by
//! their addresses. One node runs on a machine at a time; a second one waits. Fails with the last lines of the log of whatever did not
//! come up; the logs themselves stay.

mod cgroup;
mod claim;
mod control_plane;
pub mod inside;
mod layout;
mod machine;
mod network;
mod sandbox;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use self::claim::Claim;
use self::layout::{COVERED, Layout, PAUSE_IMAGE, RANGE};
use self::sandbox::{Order, Program, Report, Sandbox};
use crate::client::Client;
use crate::image::Image;
use crate::kubectl::Kubectl;
use crate::pki::Pki;
use crate::{command, tools};

/// While a file of this name is in the folder `$FAIRLEAD_E2E_CONTROL`, there is no API server.
pub const STOP_API_SERVER: &str = "stop-apiserver";

/// From nothing to a ready node it is some 30 seconds on two idle cores.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks at what is waited for, and at the folder of orders.
const PAUSE: Duration = Duration::from_millis(100);

/// A running node.
#[derive(Debug)]
pub struct Node {
    sandbox: Sandbox,
    layout: Layout,
    kubeconfig: PathBuf,
    api_server: Program,
    stopped: bool,
    started_in: Duration,
    // Last: it gives up the machine's claim and the folder.
    claim: Claim,
}

impl Node {
    /// Starts one and waits until it is ready for pods, or until it is told to end. The components' logs go to `logs`; those of an
    /// earlier node there are removed first.
    ///
    /// # Errors
    /// When a program is missing, something has not come up within four minutes, or it was told to end. All is taken down by then.
    pub async fn start(logs: &Path, told_to_end: impl Future<Output = ()>) -> Result<Self> {
        let mut told_to_end = pin!(told_to_end);
        let commands = tools::kubernetes(&[])?;
        let claim = tokio::select! {
            claim = Claim::take(logs) => claim?,
            () = &mut told_to_end => bail!("told to end"),
        };
        let began = Instant::now();
        let layout = Layout {
            folder: claim.folder().to_owned(),
            logs: logs.to_owned(),
            commands,
        };
        std::fs::create_dir_all(layout.control())?;
        let users = [
            control_plane::ADMINISTRATOR,
            control_plane::CONTROLLER_MANAGER,
            control_plane::SCHEDULER,
            machine::KUBELET,
            machine::PROXY,
        ];
        let pki = Pki::make(&layout.folder, &control_plane::NAMES, &users)?;
        let sandbox = Sandbox::create().await?;
        let mut node = Self {
            kubeconfig: pki.kubeconfig(control_plane::ADMINISTRATOR.name, &Layout::url())?,
            api_server: control_plane::api_server(&layout, &pki),
            stopped: false,
            started_in: Duration::ZERO,
            sandbox,
            layout,
            claim,
        };
        let outcome = tokio::select! {
            outcome = timeout(PATIENCE, node.bring_up(&pki)) => match outcome {
                Ok(outcome) => outcome,
                Err(_) => Err(anyhow!("the node is not ready after {PATIENCE:?}")),
            },
            () = told_to_end => Err(anyhow!("told to end")),
        };
        node.started_in = began.elapsed();
        match outcome {
            Ok(()) => Ok(node),
            Err(error) => {
                node.stop().await?;
                Err(error)
            }
        }
    }

    /// From the first process to ready.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// What a command needs to know to use the node.
    ///
    /// # Errors
    /// When the path of this process cannot be extended.
    pub fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.layout.commands.clone()].into_iter();
        let folders = folders.chain(std::env::split_paths(&path));
        let mut direct = std::env::var("NO_PROXY").unwrap_or_default();
        if !direct.is_empty() {
            direct.push(',');
        }
        direct.push_str(RANGE);
        Ok(vec![
            ("KUBECONFIG", self.kubeconfig.clone().into()),
            ("PATH", std::env::join_paths(folders)?),
            ("NO_PROXY", direct.clone().into()),
            ("no_proxy", direct.into()),
            ("FAIRLEAD_E2E_LOAD", self.layout.load_command().into()),
            ("FAIRLEAD_E2E_CONTROL", self.layout.control().into()),
        ])
    }

    /// As its administrator.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.layout.kubectl(), &self.kubeconfig)
    }

    /// Looks after it: obeys the folder of orders, and returns when something that has to run does not any more. May be dropped at any
    /// time and called again.
    pub async fn tend(&mut self) -> anyhow::Error {
        let mut pause = interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                report = self.sandbox.report() => match report {
                    Ok(Report::Up) => {}
                    Ok(Report::Failed(why) | Report::Ended(why)) => return anyhow!(why),
                    Err(error) => return error,
                },
                _ = pause.tick() => if let Err(error) = self.obey().await {
                    return error;
                },
            }
        }
    }

    /// Ends it and everything in it.
    ///
    /// # Errors
    /// When something does not end.
    pub async fn stop(self) -> Result<()> {
        network::disconnect().await?;
        self.sandbox.destroy().await?;
        cgroup::remove().await?;
        drop(self.claim);
        Ok(())
    }

    async fn bring_up(&mut self, pki: &Pki) -> Result<()> {
        cgroup::make()?;
        network::connect(self.sandbox.pid()?)?;
        let private = self.layout.private();
        let covered = COVERED.map(PathBuf::from).into_iter().chain([private]);
        self.sandbox.tell(&Order::Cover(covered.collect())).await?;
        let first = [
            control_plane::etcd(&self.layout)?,
            self.api_server.clone(),
            machine::containerd(&self.layout)?,
        ];
        self.run(first).await?;
        let client = Client::new(
            &Layout::url(),
            &pki.ca,
            pki.token(control_plane::ADMINISTRATOR.name)?,
        )?;
        let serving = async {
            while !client.is_ready().await {
                sleep(PAUSE).await;
            }
            anyhow::Ok(())
        };
        let pause = load_pause_image(self.layout.clone());
        let both = async { tokio::try_join!(serving, pause) };
        self.meanwhile(both).await?;
        let then = [
            control_plane::controller_manager(&self.layout, pki)?,
            control_plane::scheduler(&self.layout, pki)?,
            machine::kubelet(&self.layout, pki)?,
            machine::proxy(&self.layout, pki)?,
        ];
        self.run(then).await?;
        let kubectl = self.kubectl();
        self.meanwhile(ready(kubectl)).await
    }

    async fn run(&mut self, programs: impl IntoIterator<Item = Program>) -> Result<()> {
        for program in programs {
            self.sandbox.tell(&Order::Start(program)).await?;
        }
        Ok(())
    }

    /// Waits for something, unless a component ends first.
    async fn meanwhile<T>(&mut self, waiting: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = waiting => outcome,
            error = self.tend() => Err(error),
        }
    }

    async fn obey(&mut self) -> Result<()> {
        let stop = self.layout.control().join(STOP_API_SERVER).exists();
        if stop != self.stopped {
            let order = if stop {
                Order::Stop(self.api_server.name.clone())
            } else {
                Order::Start(self.api_server.clone())
            };
            self.sandbox.tell(&order).await?;
            self.stopped = stop;
        }
        Ok(())
    }
}

/// The program that does nothing is `sleep`.
async fn load_pause_image(layout: Layout) -> Result<()> {
    let archive = layout.folder.join("pause.tar");
    let sleep_program = tools::on_path("sleep", "coreutils")?;
    let mut image = Image::new(PAUSE_IMAGE, &sleep_program);
    image.arguments = vec!["infinity".to_owned()];
    image.pack(&archive)?;
    while !layout.containerd_socket().exists() {
        sleep(PAUSE).await;
    }
    let words = layout.load_command();
    let mut words = words.split(' ');
    let mut load = Command::new(words.next().context("an empty command")?);
    command::output(load.args(words).arg(archive)).await?;
    Ok(())
}

async fn ready(kubectl: Kubectl) -> Result<()> {
    let node = format!("node/{}", layout::NODE_NAME);
    kubectl.wait(&node, "create", PATIENCE).await?;
    kubectl.wait(&node, "condition=Ready", PATIENCE).await?;
    // Pods are refused before it is there.
    kubectl
        .wait("serviceaccount/default", "create", PATIENCE)
        .await
}
