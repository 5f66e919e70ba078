//! Requests: what a caller of Gemini's API asks, and what Gemini is asked.

mod own;
mod read;
mod write;

pub use own::{may_hold_foreign, own};
pub use read::read;
pub use write::write;
