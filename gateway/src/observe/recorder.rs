//! From the cores to whoever keeps, writes or sends finished requests.
//!
//! A core hands its entry to a bounded queue and goes on. One thread makes of it what is told of the request, once, and gives that to every sink.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use fairlead_record::Sink;
use prometheus_client::metrics::counter::Counter;

use super::entry;
use super::record::Entry;
use super::trace::Tracing;

/// How many entries may wait.
const QUEUE: usize = 8192;
/// Entries are worked on together that come within this time.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the last entries may take.
const LAST: Duration = Duration::from_secs(3);

/// The near end of the queue, or nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Option<SyncSender<Box<Entry>>>);

/// The end of a thread that works off a queue.
#[derive(Debug)]
pub(crate) struct End {
    over: Receiver<()>,
    within: Duration,
}

impl End {
    /// Of a thread that has the other end of this, and drops it when it is done.
    #[must_use]
    pub(crate) fn new(over: Receiver<()>, within: Duration) -> Self {
        Self { over, within }
    }

    /// Waits until all is done; for a while only, for it may wait for somebody who never comes.
    pub(crate) fn wait(&self) {
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.over.recv_timeout(self.within);
    }
}

impl Recorder {
    /// Tells these sinks. It ends when the last near end is dropped and all has been told; the sinks are dropped then.
    ///
    /// # Errors
    /// The thread could not be started.
    pub(crate) fn to(
        sinks: Vec<Box<dyn Sink>>,
        tracing: Arc<Tracing>,
    ) -> std::io::Result<(Self, End)> {
        let (sender, entries) = sync_channel(QUEUE);
        let (working, over) = sync_channel(0);
        std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || {
                drain(&entries, &sinks, &tracing);
                drop((sinks, working));
            })?;
        Ok((Self(Some(sender)), End::new(over, LAST)))
    }

    /// One whose entries are kept as they are, for tests.
    #[cfg(test)]
    pub(crate) fn kept() -> (Self, Receiver<Box<Entry>>) {
        let (sender, entries) = sync_channel(QUEUE);
        (Self(Some(sender)), entries)
    }

    /// Takes an entry; says whether there was room.
    #[must_use]
    pub(crate) fn take(&self, entry: Box<Entry>) -> bool {
        let Some(sender) = &self.0 else { return true };
        sender.try_send(entry).is_ok()
    }
}

fn drain(entries: &Receiver<Box<Entry>>, sinks: &[Box<dyn Sink>], tracing: &Tracing) {
    let tell = |done: Box<Entry>| {
        let entry = Arc::new(entry::made(*done, tracing));
        for sink in sinks.iter().filter(|sink| sink.wants(&entry)) {
            sink.take(&entry);
        }
    };
    while let Ok(entry) = entries.recv() {
        tell(entry);
        while let Ok(entry) = entries.try_recv() {
            tell(entry);
        }
        pause();
    }
}

/// While the thread sleeps, an entry costs a request no wake-up of another thread, which would be dearer than the entry itself.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, which serves no request"
)]
pub(crate) fn pause() {
    std::thread::sleep(PAUSE);
}

/// A sink that only hands on, to a thread that may be slow.
#[derive(Debug)]
pub(crate) struct Queue {
    entries: SyncSender<Arc<fairlead_record::Entry>>,
    /// Those that found it full.
    dropped: Counter,
    copies: bool,
}

impl Queue {
    /// With room for so many; the far end comes with it.
    #[must_use]
    pub(crate) fn of(
        room: usize,
        dropped: Counter,
    ) -> (Self, Receiver<Arc<fairlead_record::Entry>>) {
        let (entries, far) = sync_channel(room);
        let queue = Self {
            entries,
            dropped,
            copies: false,
        };
        (queue, far)
    }

    /// The same, for copies of requests, too.
    #[must_use]
    pub(crate) fn with_copies(self) -> Self {
        Self {
            copies: true,
            ..self
        }
    }
}

impl Sink for Queue {
    fn take(&self, entry: &Arc<fairlead_record::Entry>) {
        if self.entries.try_send(Arc::clone(entry)).is_err() {
            self.dropped.inc();
        }
    }

    fn wants(&self, entry: &fairlead_record::Entry) -> bool {
        self.copies || entry.mirror.is_none()
    }
}
