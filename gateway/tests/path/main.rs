//! The whole gateway, from YAML files to answers: the real binary between real callers and a scripted provider.
//!
//! Read as a specification: one module a subject, one sentence a test. Each test has a gateway process, folders and ports of its own.
//! Figures that were promised go to `path/results.json` in the target folder (`harness::results`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod affinity;
mod bodies;
mod callers;
mod catalog;
mod clouds;
#[cfg(feature = "kubernetes")]
mod cluster;
mod commit;
mod connections;
#[cfg(feature = "console")]
mod console;
mod constraints;
mod content;
mod credentials;
mod dialects;
mod drain;
mod edges;
mod explain;
mod failover;
mod failures;
mod files;
mod grammar;
mod harness;
mod hedge;
mod judged;
mod keys;
mod names;
mod observe;
mod proxy;
mod recovery;
mod refusals;
mod requests;
mod resilience;
mod rules;
mod shapes;
mod split;
mod start;
mod state;
mod streams;
mod surfaces;
mod table;
mod timeouts;
mod upstream_http2;
mod upstream_tls;
mod vendors;
mod whole;
