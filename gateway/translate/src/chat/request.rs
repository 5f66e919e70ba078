//! A request: read from a caller, written for a provider.

mod host;
mod own;
mod read;
mod write;

pub use host::{CallIds, Host, Users};
pub use own::{may_hold_foreign, own};
pub use read::read;
pub use write::{write, write_for};
