//! Against real things: what only an API server can say about our manifests, and only a cluster about our programs.
//!
//! [`ApiServer`] brings up etcd and kube-apiserver alone, [`Node`] a whole node with its control plane, [`Image`] what runs on it.
//! Tests find the cluster by [`Cluster`], have the charts installed by [`Installation`], and speak to the cluster by [`Kubectl`] and
//! [`Helm`], to a gateway in it by [`Caller`] and [`Load`];
//! [`ArgoCd`] brings Argo CD to an API server, and a [`Gateway`] stands beside one.
//! An [`Operator`] also runs in this process, with what the charts [`grant`] it, or as a [`Program`] of its own; [`Published`] and [`condition`]
//! tell what it did.
//! [`dump`] tells what became of a cluster, and [`results`] keeps the figures that a run has shown.
//! The tests need the feature `cluster`, so that the fast tier does without; a binary that is missing is then a failure that names the
//! command, never a skipped test.

mod address;
mod apiserver;
mod argocd;
mod caller;
mod client;
mod cluster;
mod command;
mod condition;
mod dump;
mod gateway;
mod granted;
mod helm;
mod image;
mod inference;
mod install;
mod kubectl;
mod load;
pub mod node;
mod operator;
mod pki;
mod pods;
mod process;
mod program;
mod published;
pub mod results;
mod tools;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

pub use address::{Lent, own_address};
pub use apiserver::ApiServer;
pub use argocd::{ArgoCd, Repository};
pub use caller::{Caller, Completion, Connections};
pub use client::{Answer, Client, Write};
pub use cluster::Cluster;
pub use condition::condition;
pub use dump::dump;
pub use gateway::{Gateway, free_port};
pub use granted::grant;
pub use helm::{Helm, Release};
pub use image::Image;
pub use inference::inference_pools;
pub use install::{Installation, NAMESPACE, Turn};
pub use kubectl::Kubectl;
pub use load::{Load, Outcome, Rate, Tally};
pub use node::Node;
pub use operator::Operator;
pub use pods::{Pod, Signal};
pub use program::Program;
pub use published::Published;
pub use watch::Watch;

/// How long anything may take that should take a moment.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the person at the terminal.
pub fn say(text: &str) {
    // A closed terminal has nobody at it.
    let _ = writeln!(std::io::stderr(), "e2e: {text}");
}

/// Where what a run leaves for people to read lies: `target/e2e`.
#[must_use]
pub fn output_folder() -> PathBuf {
    tools::workspace().join("target/e2e")
}

/// A file or folder of this repository.
#[must_use]
pub fn in_repository(path: &str) -> PathBuf {
    tools::workspace().join(path)
}
