//! From the provider's answer to the caller's: whole, too large to hold, or streamed.

pub mod company;
pub mod finish;
pub mod large;
pub mod progress;
pub mod said;
pub mod stream;
pub mod terms;
