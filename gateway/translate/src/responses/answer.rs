//! What is answered, in one piece.

mod read;
mod write;

pub use read::{is_pending, read};
pub use write::{with_tools, write};

pub(super) use read::{blocks, facts, stop_of};
