//! What is known of a finished request: one value with its attempts, made once, and handed to whoever keeps, counts or sends it.

mod entry;

pub use entry::{Attempt, Cost, Entry, Name, Tag, Tokens, Trace, Word};
