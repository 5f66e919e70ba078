//! Connections of callers: accepted, spoken with, routed to the pipeline, and ended politely.

mod connection;
pub(crate) mod crowd;
pub(crate) mod edge;
mod half_close;
mod linger;
pub(crate) mod link;
pub(crate) mod listen;
mod models;
mod outbound;
mod passthrough;
mod router;
pub(crate) mod shutdown;
pub(crate) mod stall;
mod usage;
pub(crate) mod watch;
