//! Idle connections, per core: a connection is driven by the runtime that opened it and never leaves it.

use std::collections::HashMap;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::body::RequestBody;

/// At most this many idle connections per endpoint and core.
const MAX_IDLE: usize = 32;
/// An idle connection is not used after this long: many servers close after 60 s, and the race is lost more often the closer one gets.
const MAX_IDLE_TIME: Duration = Duration::from_secs(55);

/// The idle connections of one core.
#[derive(Default)]
pub struct Pool(Mutex<HashMap<u64, Vec<Idle>>>);

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

impl Pool {
    /// The idle connection to an endpoint that was used last, if there is one that is still open.
    #[must_use]
    pub fn take(&self, endpoint: u64) -> Option<SendRequest<RequestBody>> {
        let mut pools = self.0.lock();
        let idle = pools.get_mut(&endpoint)?;
        while let Some(Idle { sender, since }) = idle.pop() {
            if !sender.is_closed() && since.elapsed() < MAX_IDLE_TIME {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection whose answer has been read to its end.
    pub fn give(&self, endpoint: u64, sender: SendRequest<RequestBody>) {
        if sender.is_closed() {
            return;
        }
        let mut pools = self.0.lock();
        let idle = pools.entry(endpoint).or_default();
        if idle.len() < MAX_IDLE {
            idle.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    /// Drops what has been idle too long, and the endpoints that nothing is kept for.
    pub fn sweep(&self) {
        self.0.lock().retain(|_, idle| {
            idle.retain(|one| !one.sender.is_closed() && one.since.elapsed() < MAX_IDLE_TIME);
            !idle.is_empty()
        });
    }

    /// How many idle connections are kept.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.lock().values().map(Vec::len).sum()
    }
}
