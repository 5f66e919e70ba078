//! Connections to use again, per core: a connection is driven by the runtime that opened it and never leaves it.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::http1::Connection;
use super::http2::Two;
use super::shared::{Connections, Place, Stream, Wanted};

/// At most this many idle connections per endpoint and core.
const MAX_IDLE: usize = 32;
/// An idle connection is not used after this long: many servers close after 60 s, and the race is lost more often the closer one gets.
const MAX_IDLE_TIME: Duration = Duration::from_secs(55);

/// The connections of one core, by endpoint.
#[derive(Default)]
pub(crate) struct Pool {
    /// Of HTTP/1.1: those that nobody uses.
    idle: Mutex<HashMap<u64, Vec<Idle>>>,
    /// Of HTTP/2: those that have room, and those that have none.
    shared: Mutex<HashMap<u64, Connections>>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

impl Idle {
    fn is_usable(&mut self) -> bool {
        self.since.elapsed() < MAX_IDLE_TIME && self.connection.is_open()
    }
}

impl Pool {
    /// The idle connection to an endpoint that was used last, if there is one that is still open.
    #[must_use]
    pub(crate) fn take(&self, endpoint: u64) -> Option<Box<Connection>> {
        let mut pools = self.idle.lock();
        let idle = pools.get_mut(&endpoint)?;
        while let Some(mut last) = idle.pop() {
            if last.is_usable() {
                return Some(last.connection);
            }
        }
        None
    }

    /// Keeps a connection whose answer has been read to its end, if it may be used again.
    pub(crate) fn give(&self, endpoint: u64, connection: Box<Connection>) {
        if !connection.is_reusable() {
            return;
        }
        let mut pools = self.idle.lock();
        let idle = pools.entry(endpoint).or_default();
        if idle.len() < MAX_IDLE {
            idle.push(Idle {
                connection,
                since: Instant::now(),
            });
        }
    }

    /// A place on a connection that requests share.
    #[must_use]
    pub(crate) fn place(&self, wanted: Wanted<'_>) -> Place {
        let mut shared = self.shared.lock();
        let connections = shared.entry(wanted.endpoint.id).or_default();
        connections.place(wanted, MAX_IDLE_TIME)
    }

    /// A stream of a new connection that other requests may share.
    #[must_use]
    pub(crate) fn adopt(&self, endpoint: u64, two: Two) -> Stream {
        self.shared.lock().entry(endpoint).or_default().adopt(two)
    }

    /// Drops what has been idle too long, and the endpoints that nothing is kept for.
    pub(crate) fn sweep(&self) {
        self.idle.lock().retain(|_, idle| {
            idle.retain_mut(Idle::is_usable);
            !idle.is_empty()
        });
        self.shared.lock().retain(|_, connections| {
            connections.sweep(MAX_IDLE_TIME);
            !connections.is_empty()
        });
    }
}
