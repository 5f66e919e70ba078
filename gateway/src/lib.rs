//! The gateway: from a caller's connection to a provider and back.
//!
//! Read [`pipeline`] first: it is the path of a request, one line a phase. The folders are its phases: [`serve`] takes connections,
//! [`request`] finds out who asks for what, [`dispatch`] works through a plan over [`upstream`], [`answer`] goes back to the caller,
//! [`observe`] tells of it. [`config`] is how the configuration gets here, [`admin`] the port for operators, [`app`] puts it together.

mod admin;
mod answer;
pub mod app;
pub mod args;
mod beside;
pub mod check;
mod clock;
mod codec;
mod config;
#[cfg(all(feature = "console", feature = "kubernetes"))]
pub mod console;
mod cors;
mod decisions;
mod dispatch;
mod facts;
mod failure;
mod govern;
mod headers;
pub mod import;
mod judges;
mod limits;
mod memory;
mod observe;
mod peer;
mod pipeline;
mod request;
mod runtime;
mod serve;
mod status;
mod surface;
mod tasks;
mod tls;
#[cfg(feature = "console")]
mod told;
mod turns;
mod upstream;
mod worker;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod tests;
