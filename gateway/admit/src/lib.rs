//! May this caller proceed? Its key, then what is left of its limits. Pure.
//!
//! The second phase of a request: after its headers, before anything of its body is read, so that a stranger fills no memory.
//!
//! What is left is counted in a store that all replicas share; [`exchange`] is what goes between a replica and the store.

pub mod exchange;
mod key;
pub mod window;

pub use key::{Admitted, Keys, Refused};
