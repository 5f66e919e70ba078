//! Whole answers of this format.

mod read;
mod write;

pub(super) use read::says;
pub use read::{read, read_of};
pub use write::write;
