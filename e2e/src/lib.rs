//! Against real things: what only an API server can say about our manifests, and only a cluster about our programs.
//!
//! [`ApiServer`] brings up etcd and kube-apiserver alone, [`Node`] a whole node with its control plane, [`Image`] what runs on it.
//! Tests find the cluster by [`Cluster`] and speak to it by [`Kubectl`] and [`Helm`], to a gateway in it by [`Caller`] and [`Load`];
//! [`dump`] tells what became of it, and [`results`] keeps the figures that a run has shown.
//! The tests need the feature `cluster`, so that the fast tier does without; a binary that is missing is then a failure that names the
//! command, never a skipped test.

mod apiserver;
mod caller;
mod client;
mod cluster;
mod command;
mod dump;
mod helm;
mod image;
mod kubectl;
mod load;
pub mod node;
mod pki;
mod process;
pub mod results;
mod tools;

use std::io::Write as _;
use std::path::PathBuf;

pub use apiserver::ApiServer;
pub use caller::{Caller, Completion, Connections};
pub use client::{Answer, Client, Write};
pub use cluster::Cluster;
pub use dump::dump;
pub use helm::{Helm, Release};
pub use image::Image;
pub use kubectl::Kubectl;
pub use load::{Load, Outcome, Rate, Tally};
pub use node::Node;

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
