//! Content on this machine's disk: SQLite, a file an hour, so that what is too old is removed by removing a file.
//!
//! One thread writes. A disk that is full or gone holds up nobody: what finds no room in the queue is dropped and counted, and the thread tries again.

mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::packed::unpacked;
use super::waiting::{QUEUE, Waiting};
use super::{Content, ContentStore, Packed};
use crate::log::{Answer, ReadError};
use crate::standing::Standing;
use crate::told::Told;
use crate::wall::Wall;
use files::Files;

/// So many are written together, or what comes within this time.
const BATCH: usize = 200;
const WAIT: Duration = Duration::from_millis(200);
/// How often old files are looked for where nothing comes.
const SWEEP: Duration = Duration::from_secs(60);
/// After a failure, and at most after many.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// So often the last ones are tried to be written when the process ends, and how long they may take.
const LAST_TRIES: u32 = 3;
const LAST: Duration = Duration::from_secs(5);
/// So many questions are answered at a time.
const READERS: usize = 2;
/// How long another process may hold a file.
const BUSY: Duration = Duration::from_secs(2);
/// What `user_version` says of tables as they are here.
const VERSION: i64 = 1;

/// Where it is kept, and for how long.
#[derive(Debug, Clone)]
pub struct ContentSqliteOptions {
    /// The folder; it is made if it is missing, for its owner alone.
    pub dir: PathBuf,
    /// For how many hours content is kept; a file lasts an hour longer than the first that is in it.
    pub hours: u16,
    /// How many bytes all files may occupy; the oldest goes first.
    pub bytes: u64,
    /// The time.
    pub wall: Wall,
}

/// The store. It ends when it is dropped; what was taken is then written, if that takes no longer than 5 s.
#[derive(Debug)]
pub struct ContentSqlite {
    queue: Mutex<Option<SyncSender<Arc<Packed>>>>,
    waiting: Arc<Waiting>,
    told: Arc<Told>,
    options: ContentSqliteOptions,
    readers: Arc<Semaphore>,
    ended: Mutex<Receiver<()>>,
    writer: std::thread::Thread,
}

impl ContentSqlite {
    /// Begins to write. What is wrong with the folder is told by its standing, for it may be right later.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn open(options: ContentSqliteOptions) -> std::io::Result<Self> {
        let told = Arc::new(Told::of("content"));
        let waiting = Arc::<Waiting>::default();
        let (queue, contents) = sync_channel(QUEUE);
        let (writing, ended) = sync_channel(0);
        let writer = Writer {
            files: Files::of(options.dir.clone()),
            options: options.clone(),
            told: Arc::clone(&told),
            waiting: Arc::clone(&waiting),
        };
        let thread = std::thread::Builder::new()
            .name("content-log".to_owned())
            .spawn(move || {
                writer.run(&contents);
                drop(writing);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            waiting,
            told,
            options,
            readers: Arc::new(Semaphore::new(READERS)),
            ended: Mutex::new(ended),
            writer: thread.thread().clone(),
        })
    }
}

impl ContentStore for ContentSqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn keep(&self, content: &Arc<Packed>) {
        let queue = self.queue.lock();
        self.waiting.offer(content, &self.told, |content| {
            let queue = queue.as_ref();
            queue.is_some_and(|queue| queue.try_send(content).is_ok())
        });
    }

    fn read(&self, id: u64) -> Answer<'_, Option<Content>> {
        let oldest = oldest(&self.options);
        let files = Files::of(self.options.dir.clone());
        Box::pin(async move {
            let gone = || ReadError::Unavailable("the gateway is ending".to_owned());
            let permit = Arc::clone(&self.readers).acquire_owned().await;
            let permit = permit.map_err(|_| gone())?;
            let reading = tokio::task::spawn_blocking(move || {
                let found = find(&files, id);
                drop(permit);
                found
            });
            let found = reading.await.map_err(|_| gone())?;
            let found = found.map_err(|error| ReadError::Unavailable(error.to_string()))?;
            Ok(found.filter(|content| content.ended_unix_us >= oldest))
        })
    }

    fn standing(&self) -> Standing {
        self.told.standing()
    }

    fn end(&self) {
        drop(self.queue.lock().take());
        // It may be resting after a failure.
        self.writer.unpark();
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.ended.lock().recv_timeout(LAST);
    }
}

impl Drop for ContentSqlite {
    fn drop(&mut self) {
        self.end();
    }
}

/// The end of what is too old to be read, in microseconds since 1970.
fn oldest(options: &ContentSqliteOptions) -> i64 {
    let kept = i64::from(options.hours) * files::HOUR_US;
    options.wall.micros().saturating_sub(kept)
}

fn find(files: &Files, id: u64) -> Result<Option<Content>, files::FileError> {
    for (_, path) in files.hours()?.into_iter().rev() {
        let connection = match Connection::open(&path) {
            Ok(connection) => connection,
            // It was too old, meanwhile.
            Err(_) if !path.exists() => continue,
            Err(error) => return Err(error.into()),
        };
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        let ask = "SELECT body FROM content WHERE id = ?1";
        let found = connection.query_row(ask, params![id.cast_signed()], |row| {
            row.get::<_, Vec<u8>>(0)
        });
        if let Ok(Some(body)) = found.optional() {
            return Ok(unpacked(&body));
        }
    }
    Ok(None)
}

/// What the thread has.
struct Writer {
    options: ContentSqliteOptions,
    files: Files,
    told: Arc<Told>,
    waiting: Arc<Waiting>,
}

impl Writer {
    fn run(self, contents: &Receiver<Arc<Packed>>) {
        let mut swept = None;
        loop {
            let (batch, ended) = gather(contents);
            self.write_all(&batch, ended);
            self.waiting.done(&batch);
            if ended {
                return;
            }
            let is_due = |at: &Instant| at.elapsed() >= SWEEP;
            if swept.as_ref().is_none_or(is_due) {
                self.sweep();
                swept = Some(Instant::now());
            }
        }
    }

    fn sweep(&self) {
        let hour = oldest(&self.options).div_euclid(files::HOUR_US);
        if let Err(error) = self.files.sweep(hour, self.options.bytes) {
            tracing::warn!("old files of content cannot be removed: {error}");
        }
    }

    /// Writes a batch, however long it takes to be possible; at the end only a few times.
    fn write_all(&self, batch: &[Arc<Packed>], ended: bool) {
        let mut hours: BTreeMap<i64, Vec<Arc<Packed>>> = BTreeMap::new();
        for content in batch {
            let hour = content.ended_unix_us.div_euclid(files::HOUR_US);
            hours.entry(hour).or_default().push(Arc::clone(content));
        }
        let (mut rest, mut tries) = (REST.0, 0);
        while let Some((hour, contents)) = hours.pop_first() {
            match self.write(hour, &contents) {
                Ok(()) => {
                    self.told.written(contents.len());
                    rest = REST.0;
                }
                Err(error) => {
                    hours.insert(hour, contents);
                    self.told.failed(error.to_string());
                    // What is too old has to go all the same, and may be what fills the disk.
                    self.sweep();
                    tries += 1;
                    if ended && tries >= LAST_TRIES {
                        return;
                    }
                    // Woken early only by the end.
                    std::thread::park_timeout(rest);
                    rest = (rest * 2).min(REST.1);
                }
            }
        }
    }

    fn write(&self, hour: i64, contents: &[Arc<Packed>]) -> Result<(), files::FileError> {
        self.files.prepare()?;
        let path = self.files.path(hour);
        let written = write(&path, contents);
        if written.as_ref().is_err_and(crate::sqlite::spoilt) {
            // It is no database any more: nothing of it can be read.
            self.files.remove(hour)?;
        }
        Ok(written?)
    }
}

fn write(path: &Path, contents: &[Arc<Packed>]) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let batch = connection.transaction()?;
    batch.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS content (id INTEGER NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT;
         PRAGMA user_version = {VERSION};"
    ))?;
    {
        let mut insert =
            batch.prepare("INSERT OR REPLACE INTO content (id, body) VALUES (?1, ?2)")?;
        for content in contents {
            insert.execute(params![content.id.cast_signed(), content.bytes])?;
        }
    }
    batch.commit()
}

/// What is written together, and whether nothing more comes.
fn gather(contents: &Receiver<Arc<Packed>>) -> (Vec<Arc<Packed>>, bool) {
    let mut batch = match contents.recv_timeout(SWEEP) {
        Ok(content) => vec![content],
        Err(RecvTimeoutError::Timeout) => return (Vec::new(), false),
        Err(RecvTimeoutError::Disconnected) => return (Vec::new(), true),
    };
    let until = Instant::now() + WAIT;
    while batch.len() < BATCH {
        let left = until.saturating_duration_since(Instant::now());
        match contents.recv_timeout(left) {
            Ok(content) => batch.push(content),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (batch, true),
        }
    }
    (batch, false)
}
