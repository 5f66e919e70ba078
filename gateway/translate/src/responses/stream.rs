//! What is answered, bit by bit.

mod event;
mod framing;
mod heard;
mod items;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
