//! An answer bit by bit: read from a provider's events, written as those of a caller's stream.

mod calls;
mod event;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
