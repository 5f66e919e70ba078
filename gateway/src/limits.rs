//! Sizes and times that hold for every request (`docs/limits.md`).

use std::time::Duration;

/// Limits at the edge.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// How long a request body may take to arrive.
    pub body_time: Duration,
    /// How long a request's headers may take to arrive.
    pub header_time: Duration,
    /// The most bytes a request's headers may have.
    pub header_bytes: usize,
    /// The most header fields a request may have.
    pub header_fields: usize,
    /// How long a caller may take nothing of what is written to it.
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
            header_bytes: 64 * 1024,
            header_fields: 100,
            write_stall: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
        }
    }
}
