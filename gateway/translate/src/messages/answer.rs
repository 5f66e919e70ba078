//! Whole answers of this format.

mod read;
mod write;

pub use read::read;
pub(super) use read::says;
pub use write::write;
