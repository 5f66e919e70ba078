//! What counters are kept in: embedded, Valkey. The one place of their I/O.
//!
//! A request takes from a [`Counter`] and has a [`Hold`] until it is settled. What this replica may take without asking is its lease
//! (`fairlead_admit::lease`), whose numbers stand in the journal; what it is granted, and what it has spent, goes between the driver
//! ([`Counters::run`]) and the store in exchanges. A store that is away refuses nobody as exhausted: requests are told
//! [`Refused::Unavailable`], or pass where the terms say so.

mod clock;
mod counter;
mod counters;
mod driver;
mod embedded;
mod hold;
mod journal;
mod link;
mod part;
mod place;
mod registry;
mod shared;
mod terms;
#[cfg(feature = "valkey")]
mod valkey;
mod wheel;

pub use counter::Counter;
pub use counters::{Counters, OpenError, Options, Unavailable, Where};
pub use embedded::FileError;
pub use fairlead_admit::exchange::Shape;
pub use fairlead_admit::lease::{Now, Standing};
pub use fairlead_admit::window::Window;
pub use hold::Hold;
pub use journal::JournalError;
pub use link::State;
pub use terms::{Refused, Short, Terms};
#[cfg(feature = "valkey")]
pub use valkey::{Address, Password, Servers, Tls, ValkeyOptions};
