//! Requests of this format.

mod own;
mod read;
mod write;

pub use own::own;
pub use read::read;
pub use write::write;
