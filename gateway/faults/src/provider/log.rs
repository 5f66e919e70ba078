//! What has happened so far, and a signal for those who wait for more.

use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ask::Head;
use crate::{Ending, Seen};

/// One play, when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The request it answered: its place in the provider's log.
    pub sequence: usize,
    /// When it began, since the provider started.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// How many bytes were written, head and framing included.
    pub bytes: u64,
    /// What became of the connection.
    pub ending: Ending,
}

/// How and when the head of a request came.
pub(super) struct Arrival {
    pub(super) connection: usize,
    pub(super) nth: usize,
    pub(super) head_at: Duration,
}

impl Arrival {
    pub(super) fn seen(&self, sequence: usize, head: &Head, body: &Bytes, at: Duration) -> Seen {
        Seen {
            sequence,
            connection: self.connection,
            nth_on_connection: self.nth,
            head_at: self.head_at,
            at,
            method: head.method.clone(),
            path: head.path.clone(),
            headers: head.headers.clone(),
            head: head.bytes.clone(),
            body: body.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct Entries {
    seen: Vec<Seen>,
    played: Vec<Played>,
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

    pub(super) fn count(&self, kind: impl Fn(&Seen) -> bool) -> usize {
        let entries = self.entries.lock();
        entries.seen.iter().filter(|seen| kind(seen)).count()
    }

    pub(super) fn played(&self) -> Vec<Played> {
        self.entries.lock().played.clone()
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

    /// Since the provider started.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Gives a request its place in the log.
    pub(super) fn record(&self, arrival: &Arrival, head: &Head, body: &Bytes) -> Seen {
        let at = self.now();
        self.change(|entries| {
            let seen = arrival.seen(entries.seen.len(), head, body, at);
            entries.seen.push(seen.clone());
            seen
        })
    }

    /// Notes that a play which began then is over.
    pub(super) fn play(
        &self,
        sequence: usize,
        began: Duration,
        bytes: u64,
        ending: Ending,
    ) -> Played {
        let took = self.now().saturating_sub(began);
        let played = Played {
            sequence,
            began,
            took,
            bytes,
            ending,
        };
        self.change(|entries| {
            entries.abandoned += usize::from(ending == Ending::Abandoned);
            entries.played.push(played.clone());
        });
        played
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let result = change(&mut self.entries.lock());
        self.changed.send_replace(());
        result
    }
}
