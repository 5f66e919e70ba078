//! Requests of this format. Nobody calls in it, so they are only written.

mod write;

pub use write::write;
