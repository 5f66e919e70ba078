//! A scripted provider for tests: a real loopback socket that answers as told and logs what reached it.
//!
//! It stands where an upstream stands. HTTP/1.1 is read and written by hand, because a server library refuses to do what broken
//! servers do: cut a chunk in half, promise more bytes than it sends, reset after the head, fall silent. A [`Provider`] asks its
//! script for a [`Play`] per request; a play is a list of [`Step`]s, written one by one and flushed at once, so that a reader sees
//! them as separate segments. [`Reply`] makes the steps of well-formed answers, whole or streamed as the request asks, in the
//! [`Dialect`] of the request: the API that its path belongs to. Servers that are compatible with OpenAI's differ in [`Shape`].
//!
//! ```
//! # async fn example() {
//! use fairlead_faults::{Play, Provider};
//!
//! let provider = Provider::start(|seen| match seen.sequence {
//!     0 => Play::reset(),
//!     _ => Play::chat("Hello."),
//! })
//! .await;
//! assert!(provider.base_url().ends_with("/v1"));
//! # }
//! ```
//!
//! A provider can also be within the process ([`Provider::in_process`]): no socket, but connections that are [`dial`]led, so that tests
//! can pause time.
//!
//! It is test support: it panics where a test could not go on (no loopback port, a certificate that does not parse).

mod ask;
mod dialect;
mod fault;
mod moment;
mod perform;
mod play;
mod provider;
mod refusing;
mod reply;
mod seen;
mod shape;
mod socket;
mod step;
mod wire;

pub use dialect::{Dialect, Means};
pub use fault::{Fault, Fits, TEXT};
pub use moment::Moment;
pub use perform::Ending;
pub use play::Play;
pub use provider::{Builder, Played, Provider};
pub use refusing::Refusing;
pub use reply::Reply;
pub use seen::Seen;
pub use shape::Shape;
pub use step::{Framing, Step};
pub use wire::{Wire, dial};
