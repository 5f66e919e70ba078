//! Against a real API server: what only it can say about our manifests and objects.
//!
//! [`ApiServer`] brings up etcd and kube-apiserver on free ports in a temporary folder, [`Client`] speaks to it, [`results`] keeps the
//! figures that a run has shown. The tests need the feature `cluster`, so that the fast tier does without; a binary that is missing is
//! then a failure that names the command, never a skipped test.

mod apiserver;
mod client;
pub mod results;

pub use apiserver::ApiServer;
pub use client::{Answer, Client, Write};
