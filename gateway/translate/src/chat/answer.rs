//! An answer in one piece: read from a provider, written for a caller.

mod read;
mod write;

pub use read::read;
pub(super) use read::{SILENCE, each_said};
pub use write::write;
pub(super) use write::{call_id, id};
