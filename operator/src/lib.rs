//! The operator: watch -> gather -> compile -> render -> apply -> report.
//!
//! Custom resources come in through the watches, ConfigMaps and statuses go out. [`rebuild`] is the loop and reads like the specification.

pub mod admin;
pub mod app;
pub mod apply;
pub mod args;
pub mod crds;
pub mod error;
pub mod gather;
pub mod generate;
pub mod leader;
pub mod live;
pub mod log;
pub mod metrics;
pub mod rebuild;
pub mod replicas;
pub mod report;
pub mod tidy;
pub mod watch;

pub use app::{run, run_until};
pub use args::Args;
