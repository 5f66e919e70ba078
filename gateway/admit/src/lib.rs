//! May this caller proceed? Keys now; limits and budgets later. Pure.
//!
//! The second phase of a request: after its headers, before anything of its body is read, so that a stranger fills no memory.

pub mod estimate;
mod key;
pub mod money;
pub mod window;

pub use key::{Admitted, Keys, Refused};
