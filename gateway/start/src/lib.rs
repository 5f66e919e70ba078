//! Resources for somebody who has none yet. Pure: no files, no clock, no environment of its own.
//!
//! ```text
//! environment variables --variables--> Found --+
//!                                              +--> Resources --files--> YAML, Secrets apart
//! another gateway's file --import-----> Import-+
//! ```
//!
//! Neither way fails for what it does not know: a variable that is no key and a field that has no counterpart are told, each with its reason,
//! and the rest is kept. Values of credentials are in no `Debug` and in no message.

mod address;
mod environment;
mod family;
mod greeting;
mod import;
mod names;
mod resources;
mod secret;
mod vendor;
mod write;
mod yaml;

pub use environment::{Found, KEY_VARIABLE, NothingSet, Source, read, simulated, variables};
pub use greeting::{Key, greeting};
pub use import::{Import, ImportError, Note, import};
pub use resources::{
    Caller, Credential, Fallback, Identity, Place, Provider, Resources, Rule, Scope, Target, Team,
    Timeouts,
};
pub use secret::Hidden;
pub use write::{File, Shown};
