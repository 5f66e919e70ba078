//! Sizes and times that hold for every request (`docs/limits.md`).

use std::time::Duration;

/// Limits at the edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// How long a request body may take to arrive.
    pub body_time: Duration,
    /// How long a connection may take from its beginning, the TLS handshake included, to the end of the first head; and later from the first
    /// byte of a head to its end.
    pub header_time: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_time: Duration,
    /// The most bytes a request's headers may have.
    pub header_bytes: usize,
    /// How long a caller may take nothing of what is written to it, over HTTP/2 to one stream.
    pub write_stall: Duration,
    /// After this long without content a stream's head is sent, and a comment follows each time as much has passed, so that nothing between
    /// gateway and caller gives up while a model thinks.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 * 1024 * 1024,
            body_time: Duration::from_secs(60),
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            header_bytes: 64 * 1024,
            write_stall: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
        }
    }
}
