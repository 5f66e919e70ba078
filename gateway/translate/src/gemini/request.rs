//! Requests: what a caller of Gemini's API asks, and what Gemini is asked.

mod read;
mod write;

pub use read::read;
pub use write::write;
