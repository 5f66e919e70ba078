//! Requests of this format.

mod own;
mod read;
mod write;

pub use own::{may_hold_foreign, own};
pub use read::read;
pub use write::write;
pub(crate) use write::{closed, input_schema};
