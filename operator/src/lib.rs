//! The operator: watch -> gather -> compile -> render -> apply -> report.
//!
//! Custom resources come in through the watches, ConfigMaps and statuses go out. [`rebuild`] is the loop and reads like the specification.

mod admin;
mod api;
mod app;
mod apply;
mod args;
mod clock;
mod crds;
mod error;
mod gather;
mod generate;
mod leader;
mod live;
mod metrics;
mod password;
mod rebuild;
mod replicas;
mod report;
mod tidy;
mod token;
mod unread;
mod usage;
mod vault;
mod watch;

pub use api::Clients;
pub use app::{run, run_until};
pub use args::Args;
