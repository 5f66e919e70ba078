//! May this caller proceed? Keys now; limits and budgets later. Pure.
//!
//! The second phase of a request: after its headers, before anything of its body is read, so that a stranger fills no memory.

mod key;
pub mod window;

pub use key::{Admitted, Keys, Refused};
