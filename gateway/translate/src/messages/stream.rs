//! Answers of this format, bit by bit.

mod blocks;
mod events;
mod held;
mod read;
mod write;

pub use read::Reader;
pub use write::Writer;
