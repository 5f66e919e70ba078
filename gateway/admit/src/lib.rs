//! May this caller proceed? Its key, then what is left of its limits. Pure.
//!
//! The second phase of a request: after its headers, before anything of its body is read, so that a stranger fills no memory.
//!
//! What is left is counted in a store that all replicas share. A replica leases a part ([`lease`]) and says once a second what became of it;
//! the store's side is [`book`], the same in Lua where the store is Valkey. [`exchange`] is what goes between the two.

pub mod book;
pub mod estimate;
pub mod exchange;
mod key;
pub mod lease;
pub mod money;
mod tokens;
pub mod window;

pub use key::{Admitted, Keys, Refused};
pub use tokens::{Found, Missed, Taker, Tokens};
