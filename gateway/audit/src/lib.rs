//! A file of decisions in which nothing can be edited, removed or put elsewhere unnoticed: every line holds a hash over itself and over the
//! hash of the line before.
//!
//! Whoever can write the file can make the whole chain anew, or cut its end off. Both show against a hash that was told elsewhere: the gateway
//! writes each line to its log too, and the last hash is in what its admin port tells. See `docs/audit.md`.

mod chain;
mod file;
mod verify;

pub use chain::{Hash, Head, NotAnObject};
pub use file::{AuditFile, OpenError};
pub use verify::{Fault, Verdict, Wrong, verify};
