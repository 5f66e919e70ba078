//! What has happened so far, and a signal for those who wait for more.

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Seen;
use crate::ask::Ask;

#[derive(Debug, Default)]
struct Entries {
    seen: Vec<Seen>,
    connections: usize,
    abandoned: usize,
}

/// A provider's log. Its lock is never held across an await.
#[derive(Debug)]
pub(super) struct Log {
    started: Instant,
    entries: Mutex<Entries>,
    changed: watch::Sender<()>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            entries: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.entries.lock().seen.clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.entries.lock().seen.len()
    }

    pub(super) fn connections(&self) -> usize {
        self.entries.lock().connections
    }

    pub(super) fn abandoned(&self) -> usize {
        self.entries.lock().abandoned
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Counts a connection and gives it its number.
    pub(super) fn connected(&self) -> usize {
        self.change(|entries| {
            entries.connections += 1;
            entries.connections - 1
        })
    }

    /// Gives a request its place in the log.
    pub(super) fn record(&self, ask: Ask, connection: usize, nth_on_connection: usize) -> Seen {
        let Ask {
            method,
            path,
            headers,
            head,
            body,
        } = ask;
        let at = self.started.elapsed();
        self.change(|entries| {
            let sequence = entries.seen.len();
            let seen = Seen {
                sequence,
                connection,
                nth_on_connection,
                at,
                method,
                path,
                headers,
                head,
                body,
            };
            entries.seen.push(seen.clone());
            seen
        })
    }

    pub(super) fn abandon(&self) {
        self.change(|entries| entries.abandoned += 1);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let result = change(&mut self.entries.lock());
        self.changed.send_replace(());
        result
    }
}
