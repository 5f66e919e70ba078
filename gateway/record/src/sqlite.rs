//! The request log of one machine: SQLite, a file a day, so that what is too old is removed by removing a file.
//!
//! One thread writes, in batches of 2,000 or of what comes within 200 ms, each in one transaction with its roll-ups. A disk that is full,
//! read-only, broken or gone holds up no request: the queue fills, what finds no room is dropped and counted, and the thread tries again
//! until it can write, beginning a new file where the old one is gone or no database any more.

mod file;
mod files;
mod read;
mod spent;
mod sweep;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::Entry;
use crate::filter::{Ask, Filter, Page};
use crate::log::{Answer, ReadError, RequestLog};
use crate::scope::Scope;
use crate::standing::Standing;
use crate::told::{QUEUE, Told};
use crate::usage::{Usage, UsageAsk};
use crate::wall::Wall;
pub(crate) use file::spoilt;
use files::Files;

/// So many questions are answered at a time.
const READERS: usize = 2;
/// How long the last entries may take to be written.
const LAST: Duration = Duration::from_secs(5);

/// Where it is kept, and for how long.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The folder; it is made if it is missing.
    pub dir: PathBuf,
    /// How many days are kept, today among them.
    pub days: u16,
    /// How many bytes all files may occupy; the oldest goes first.
    pub bytes: u64,
    /// The time.
    pub wall: Wall,
}

/// The log. It ends when it is dropped; what was taken is then written, if that takes no longer than 5 s.
#[derive(Debug)]
pub struct Sqlite {
    /// `None`: it has ended.
    queue: Mutex<Option<SyncSender<Arc<Entry>>>>,
    told: Arc<Told>,
    files: Files,
    readers: Arc<Semaphore>,
    ended: Mutex<Receiver<()>>,
    writer: std::thread::Thread,
    #[cfg(feature = "sample")]
    pages: Arc<AtomicU32>,
}

impl Sqlite {
    /// Begins to write. What is wrong with the folder is told by [`Sqlite::standing`], for it may be right later.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn open(options: SqliteOptions) -> std::io::Result<Self> {
        let told = Arc::new(Told::default());
        let (queue, entries) = sync_channel(QUEUE);
        let (writing, ended) = sync_channel(0);
        let files = Files::of(options.dir.clone());
        let pages = Arc::new(AtomicU32::new(file::PAGES));
        let writer = write::Writer::new(options, Arc::clone(&told), Arc::clone(&pages));
        let thread = std::thread::Builder::new()
            .name("request-log".to_owned())
            .spawn(move || {
                writer.run(&entries);
                drop(writing);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            told,
            files,
            readers: Arc::new(Semaphore::new(READERS)),
            ended: Mutex::new(ended),
            writer: thread.thread().clone(),
            #[cfg(feature = "sample")]
            pages,
        })
    }

    /// Lets files opened from now on grow to so many pages, as a disk does on which there is no more room. For tests.
    #[cfg(feature = "sample")]
    pub fn limit_pages(&self, pages: Option<u32>) {
        let pages = pages.unwrap_or(file::PAGES);
        self.pages
            .store(pages, std::sync::atomic::Ordering::Relaxed);
    }

    /// Takes an entry to be written; where there is no room it is dropped and counted. Never waits.
    pub fn offer(&self, entry: Arc<Entry>) {
        let queue = self.queue.lock();
        match queue.as_ref().map(|queue| queue.try_send(entry)) {
            Some(Ok(())) => self.told.taken(),
            Some(Err(_)) | None => self.told.dropped(),
        }
    }

    /// Ends the log: what was taken is written, if that takes no longer than 5 s. It can still be read.
    pub fn end(&self) {
        drop(self.queue.lock().take());
        // It may be resting after a failure.
        self.writer.unpark();
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.ended.lock().recv_timeout(LAST);
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.told.standing()
    }

    /// Reads aside from whoever serves: a file may have to be waited for.
    fn aside<'a, T: Send + 'static>(
        &'a self,
        read: impl FnOnce(&Files) -> Result<T, ReadError> + Send + 'static,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let gone = |_| ReadError::Unavailable("the gateway is ending".to_owned());
            let permit = Arc::clone(&self.readers).acquire_owned().await;
            let permit = permit.map_err(|_| gone(()))?;
            let files = self.files.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let answer = read(&files);
                drop(permit);
                answer
            });
            reading.await.map_err(|_| gone(()))?
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.end();
    }
}

impl RequestLog for Sqlite {
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page> {
        let filter = filter.clone();
        self.aside(move |files| read::search(files, &filter, ask))
    }

    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        let filter = Filter {
            scope: scope.clone(),
            id: Some(id),
            ..Filter::default()
        };
        self.aside(move |files| {
            let page = read::search(files, &filter, Ask::default())?;
            Ok(page.entries.into_iter().next())
        })
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        let ask = ask.clone();
        self.aside(move |files| read::usage(files, &ask))
    }
}
