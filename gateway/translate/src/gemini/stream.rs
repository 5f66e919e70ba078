//! Streams: events without names, of which each is a `GenerateContentResponse`. There is no mark for the end: a reason to
//! finish, then perhaps more usage, then nothing.

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
