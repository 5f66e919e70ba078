//! A request: read from a caller, written for a provider.

mod host;
mod read;
mod write;

pub use host::{CallIds, Host};
pub use read::read;
pub use write::{write, write_for};
