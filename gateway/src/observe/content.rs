//! What callers and models write, where a rule has it kept: taken hold of while a request is served, and masked and stored off the cores.
//!
//! A request whose rule has nothing kept costs a look at that rule. What is taken hold of waits in a queue that is bounded by bytes; what finds no room is
//! dropped and counted, and nothing ever waits. A pattern that does not compile here, though it did where the rule was compiled, keeps nothing.

mod capture;
mod joined;
mod keeper;
pub(super) mod metrics;
mod room;
pub(crate) mod stores;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use fairlead_record::content::{Content, ContentStore};
use fairlead_record::{Answer, ReadError};
use fairlead_snapshot::{LoggedContent, Logging};
use prometheus_client::metrics::counter::Counter;

pub(crate) use capture::Capture;
use keeper::Finished;
use room::Room;

/// So many may wait to be masked, and so many bytes of them.
const QUEUE: usize = 4_096;
const QUEUED: usize = 16 * 1024 * 1024;
/// So many bytes of answers that are still coming are held.
const COMING: usize = 32 * 1024 * 1024;

/// What is known of a request that is over.
#[derive(Debug)]
pub(crate) struct Over {
    /// Its id.
    pub id: u64,
    /// When it ended, in microseconds since 1970.
    pub ended_unix_us: i64,
    /// The key, `namespace/name`.
    pub key: Option<Arc<str>>,
    /// The rule that took it, `namespace/name`.
    pub rule: Option<Arc<str>>,
}

/// What is kept of content at this gateway.
#[derive(Debug)]
pub(crate) struct Contents {
    /// No rule has more kept than this.
    ceiling: LoggedContent,
    hours: u16,
    queue: SyncSender<Box<Finished>>,
    queued: Arc<Room>,
    coming: Arc<Room>,
    stores: Arc<Vec<Arc<dyn ContentStore>>>,
    /// What was not kept though it was to be.
    dropped: Counter,
}

impl Contents {
    /// Keeps it in these stores, the quickest first. What comes with it ends when this has been dropped and all has been kept.
    ///
    /// # Errors
    /// The thread could not be started.
    pub(crate) fn to(
        stores: Vec<Arc<dyn ContentStore>>,
        (ceiling, hours): (LoggedContent, u16),
        dropped: Counter,
    ) -> std::io::Result<(Self, Receiver<()>)> {
        let (queue, finished) = sync_channel(QUEUE);
        let (working, over) = sync_channel(0);
        let stores = Arc::new(stores);
        let keeper = keeper::Keeper::new(Arc::clone(&stores), dropped.clone());
        std::thread::Builder::new()
            .name("content".to_owned())
            .spawn(move || {
                keeper.run(&finished);
                drop(working);
            })?;
        let contents = Self {
            ceiling,
            hours,
            queue,
            queued: Room::of(QUEUED),
            coming: Room::of(COMING),
            stores,
            dropped,
        };
        Ok((contents, over))
    }

    /// Takes hold of a request whose rule has this kept.
    #[must_use]
    pub(crate) fn begin(&self, logging: &Arc<Logging>, request: &Bytes) -> Box<Capture> {
        let is_full = self.ceiling.min(logging.content) == LoggedContent::Full;
        let coming = is_full.then(|| Arc::clone(&self.coming));
        Box::new(Capture::new(Arc::clone(logging), request.clone(), coming))
    }

    /// The request is over. Never waits.
    pub(crate) fn finished(&self, over: Over, capture: Box<Capture>) {
        let Some(held) = Room::take(&self.queued, capture.bytes()) else {
            self.dropped.inc();
            return;
        };
        let finished = Finished {
            over,
            capture,
            _held: held,
        };
        if self.queue.try_send(Box::new(finished)).is_err() {
            self.dropped.inc();
        }
    }

    /// For how many hours it is kept.
    #[must_use]
    pub(crate) fn hours(&self) -> u16 {
        self.hours
    }

    /// What was written in a request; `None`: it is not kept, or no more. Whichever store has it answers; only where none has is what is wrong with one
    /// told.
    pub(crate) fn read(&self, id: u64) -> Answer<'_, Option<Content>> {
        Box::pin(async move {
            let mut trouble: Option<ReadError> = None;
            for store in self.stores.iter() {
                match store.read(id).await {
                    Ok(None) => {}
                    Ok(found) => return Ok(found),
                    Err(error) => trouble = Some(error),
                }
            }
            trouble.map_or(Ok(None), Err)
        })
    }
}
