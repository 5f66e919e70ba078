//! The request log of many replicas: PostgreSQL, a partition a day, so that what is too old is removed by dropping a partition.
//!
//! One thread writes, in batches of 1,000 or of what comes within a second, each by COPY in one transaction with its roll-ups. A database that
//! is away or slow holds up no request: the queue fills, what finds no room is dropped and counted, and the thread connects again until it can
//! write. Each batch has a number that is noted in its transaction, so that one whose end was not heard is not written twice.

mod audit;
mod connect;
mod content;
mod copy;
mod days;
mod read;
mod tables;
mod tls;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::Entry;
use crate::filter::{Ask, Filter, Page};
use crate::log::{Answer, ReadError, RequestLog};
use crate::scope::Scope;
use crate::standing::Standing;
use crate::told::{QUEUE, Told};
use crate::usage::{Usage, UsageAsk};
use crate::wall::Wall;
pub use audit::{AuditCopy, AuditOptions, Chain, ChainLine, CopyStanding};
pub use connect::{BadUrl, Url};
pub use content::ContentPostgres;
use read::{Answered, Question};

/// So many questions may wait.
const QUESTIONS: usize = 32;
/// How long the last entries may take to be written.
const LAST: Duration = Duration::from_secs(5);

/// Where it is kept, and for how long.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The connection string.
    pub url: Url,
    /// The certificates (PEM) that may vouch for the server. Absent: the system's.
    pub authority: Option<PathBuf>,
    /// How many days are kept, today among them.
    pub days: u16,
    /// The time.
    pub wall: Wall,
}

/// The log. It ends when it is dropped; what was taken is then written, if that takes no longer than 5 s.
#[derive(Debug)]
pub struct Postgres {
    /// `None`: it has ended.
    queue: Mutex<Option<mpsc::Sender<Arc<Entry>>>>,
    questions: mpsc::Sender<Question>,
    told: Arc<Told>,
    /// Tells the thread, by being dropped, that this is the end.
    ending: Mutex<Option<watch::Sender<()>>>,
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Postgres {
    /// Begins to write. What is wrong with the database is told by [`Postgres::standing`], for it may be right later.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn open(options: PostgresOptions) -> std::io::Result<Self> {
        let told = Arc::new(Told::default());
        let (queue, entries) = mpsc::channel(QUEUE);
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (ending, end) = watch::channel(());
        let (writing, ended) = std::sync::mpsc::sync_channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let writer = write::Writer::new(options.clone(), Arc::clone(&told), end);
        std::thread::Builder::new()
            .name("request-log".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let asked = tokio::sync::Mutex::new(asked);
                    // Who asks goes on being answered until the last is written.
                    tokio::select! {
                        () = writer.run(entries) => {}
                        () = read::answer(&options, &asked) => {}
                    }
                });
                drop(writing);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            questions,
            told,
            ending: Mutex::new(Some(ending)),
            ended: Mutex::new(ended),
        })
    }

    /// One that reads and does nothing else: it makes no tables, writes no row and drops nothing, so that a role that may `SELECT` suffices.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn reader(options: PostgresOptions) -> std::io::Result<Self> {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (ending, mut end) = watch::channel(());
        let (reading, ended) = std::sync::mpsc::sync_channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("request-log".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let asked = tokio::sync::Mutex::new(asked);
                    tokio::select! {
                        _ = end.changed() => {}
                        () = read::answer(&options, &asked) => {}
                    }
                });
                drop(reading);
            })?;
        Ok(Self {
            // What is offered finds no room.
            queue: Mutex::new(None),
            questions,
            told: Arc::default(),
            ending: Mutex::new(Some(ending)),
            ended: Mutex::new(ended),
        })
    }

    /// Takes an entry to be written; where there is no room it is dropped and counted. Never waits.
    pub fn offer(&self, entry: Arc<Entry>) {
        let queue = self.queue.lock();
        match queue.as_ref().map(|queue| queue.try_send(entry)) {
            Some(Ok(())) => self.told.taken(),
            Some(Err(_)) | None => self.told.dropped(),
        }
    }

    /// Ends the log: what was taken is written, if that takes no longer than 5 s. After that it cannot be read.
    pub fn end(&self) {
        drop(self.queue.lock().take());
        drop(self.ending.lock().take());
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.ended.lock().recv_timeout(LAST);
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.told.standing()
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(Answered<T>) -> Question + Send,
    ) -> Answer<'_, T> {
        let (answered, answer) = tokio::sync::oneshot::channel();
        let asked = self.questions.try_send(question(answered));
        Box::pin(async move {
            if asked.is_err() {
                return Err(ReadError::Unavailable(
                    "too many are reading it; ask again".to_owned(),
                ));
            }
            let ending = |_| ReadError::Unavailable("the gateway is ending".to_owned());
            answer.await.map_err(ending)?
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end();
    }
}

impl RequestLog for Postgres {
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page> {
        let filter = Box::new(filter.clone());
        self.ask(move |answered| Question::Search(filter, ask, answered))
    }

    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        let filter = Filter {
            scope: scope.clone(),
            id: Some(id),
            ..Filter::default()
        };
        let page =
            self.ask(move |answered| Question::Search(Box::new(filter), Ask::default(), answered));
        Box::pin(async move { Ok(page.await?.entries.into_iter().next()) })
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        let ask = Box::new(ask.clone());
        self.ask(move |answered| Question::Usage(ask, answered))
    }
}
