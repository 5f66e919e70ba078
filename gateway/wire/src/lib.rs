//! What travels: JSON peeking and splicing, SSE framing, the shapes of each API. Pure.
//!
//! Between the socket and every decision. A body is looked at once, where it lies: [`json`] finds the
//! members and checks the whole, [`form`] the parts of a form, [`splice`] changes a few bytes without copying the others, [`sse`] and
//! [`event_stream`] cut a stream into events, [`http1`] a body out of what comes over a connection, [`redact`] cuts our credential out of what is said, [`usage`] holds what an answer used,
//! and [`openai`] reads of each shape only what the gateway acts on.
//! Unknown members pass through untouched, and numbers are never rendered anew.
//!
//! Nothing here waits, reads a clock or panics; each reader fails with a small error that says where.

pub mod amend;
pub mod event_stream;
pub mod form;
pub mod http1;
pub mod openai;
pub mod redact;
pub mod splice;
pub mod sse;
pub mod usage;

/// The one grammar, which conditions read by, too.
pub use fairlead_json as json;
