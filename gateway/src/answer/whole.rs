//! An answer in one piece.

use bytes::Bytes;
use fairlead_wire::openai::{Told, Usage};
use http::{HeaderMap, StatusCode};

use crate::upstream::ticket::Ticket;

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct WholeAnswer {
    /// The status, a success.
    pub status: StatusCode,
    /// The headers that callers may see.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the provider said of usage. Apart, for every request is as large as this.
    pub usage: Option<Box<Usage>>,
    /// What it calls itself, and why it ended.
    pub told: Told,
    /// What its attempt holds.
    pub ticket: Option<Ticket>,
}
