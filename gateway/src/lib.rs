//! The gateway: from a caller's connection to a provider and back.
//!
//! Read [`pipeline`] first: it is the path of a request, one line a phase. [`standalone`] and `cluster` are how the configuration gets
//! here, [`listen`] how connections do, [`app`] how everything is put together.

pub mod admin;
pub mod affinity;
pub mod app;
pub mod args;
pub mod attempt;
pub mod check;
pub mod classify;
pub mod clock;
#[cfg(feature = "kubernetes")]
pub mod cluster;
pub mod connection;
pub mod continuation;
pub mod dispatch;
pub mod failure;
pub mod folder;
pub mod headers;
pub mod hedge;
pub mod hold;
pub mod limits;
pub mod listen;
pub mod memory;
pub mod observe;
pub mod origin;
pub mod phases;
pub mod pipeline;
pub mod private_file;
pub mod record;
pub mod reject;
pub mod relay;
pub mod respond;
pub mod retry_after;
pub mod router;
pub mod runtime;
pub mod shutdown;
pub mod stall;
pub mod standalone;
pub mod state;
pub mod status;
pub mod surface;
pub mod tasks;
pub mod tls;
pub mod transport;
pub mod upstream;
pub mod verdict;
mod visit;
pub mod worker;
