//! The thread that writes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::time::Instant;

use super::SqliteOptions;
use super::file;
use super::files::{Files, Part};
use super::sweep;
use crate::Entry;
use crate::told::Told;

/// So many are written together: the more, the fewer pages of the indexes are written twice.
const BATCH: usize = 2000;
/// Those are written together that come within this time.
const WAIT: Duration = Duration::from_millis(200);
/// How often it is looked meanwhile whether a batch is full; a quarter of the queue is filled in it by 100,000 requests a second.
const PAUSE: Duration = Duration::from_millis(20);
/// How often old files are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// After a failure, and at most after many.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// So often the last entries are tried to be written when the process ends.
const LAST_TRIES: u32 = 3;
/// A file that has grown over this part of the room is followed by another one of its day, so that there is always an old one to remove.
const SHARE: u64 = 8;
/// So many files are open: one more than a day's end needs.
const OPEN: usize = 3;

/// What the thread has.
#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteOptions,
    files: Files,
    told: Arc<Told>,
    open: VecDeque<(Part, Connection)>,
    swept: Option<(Instant, i64)>,
    /// Whether it was said that the clock is not believed.
    doubted: bool,
    pages: Arc<AtomicU32>,
}

impl Writer {
    pub(super) fn new(options: SqliteOptions, told: Arc<Told>, pages: Arc<AtomicU32>) -> Self {
        Self {
            files: Files::of(options.dir.clone()),
            options,
            told,
            open: VecDeque::new(),
            swept: None,
            doubted: false,
            pages,
        }
    }

    /// Writes until nobody offers entries any more.
    pub(super) fn run(mut self, entries: &Receiver<Arc<Entry>>) {
        loop {
            let (batch, ended) = gather(entries);
            self.keep(batch, ended);
            if ended {
                return;
            }
            self.sweep();
        }
    }

    /// Writes a batch, however long it takes to be possible; at the end only a few times. Of what is refused for what is in it halves are tried,
    /// so that one odd entry takes no other with it.
    fn keep(&mut self, batch: Vec<Arc<Entry>>, ended: bool) {
        let mut days = self.by_day(batch);
        let (mut rest, mut tries) = (REST.0, 0);
        while let Some((day, mut entries)) = days.pop_front() {
            match self.write(day, &entries) {
                Ok(()) => {
                    self.told.written(entries.len());
                    rest = REST.0;
                }
                Err(WriteError::Sqlite(error)) if file::of_the_data(&error) => {
                    if entries.len() < 2 {
                        tracing::warn!("the request log does not take a request: {error}");
                        self.told.refused(1);
                        continue;
                    }
                    let second = entries.split_off(entries.len() / 2);
                    days.push_front((day, second));
                    days.push_front((day, entries));
                }
                Err(error) => {
                    days.push_front((day, entries));
                    self.failed(day, &error);
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

    /// Groups a batch by the day each began on. What is older than anything that is kept would only be removed again; but yesterday's is taken
    /// whatever is kept, for requests end after midnight that began before it.
    fn by_day(&self, batch: Vec<Arc<Entry>>) -> VecDeque<(i64, Vec<Arc<Entry>>)> {
        let room = self.room();
        let oldest = room.oldest().min(room.today - 1);
        let mut days: VecDeque<(i64, Vec<Arc<Entry>>)> = VecDeque::new();
        let mut refused = 0;
        for entry in batch {
            let day = Part::of(entry.started_unix_us).day;
            if day < oldest {
                refused += 1;
            } else if let Some((_, entries)) = days.iter_mut().find(|(of, _)| *of == day) {
                entries.push(entry);
            } else {
                days.push_back((day, vec![entry]));
            }
        }
        self.told.refused(refused);
        days
    }

    fn write(&mut self, day: i64, entries: &[Arc<Entry>]) -> Result<(), WriteError> {
        let at = self.opened(day)?;
        file::limit(&self.open[at].1, self.pages.load(Relaxed))?;
        file::write(&mut self.open[at].1, entries)?;
        Ok(())
    }

    /// The place of the open file of a day; it is opened, or made, if it has to be.
    fn opened(&mut self, day: i64) -> Result<usize, WriteError> {
        // One that somebody has removed would go on being written to, and be gone with this process.
        let files = &self.files;
        self.open.retain(|(part, _)| files.path(*part).exists());
        if let Some(at) = self.open.iter().position(|(part, _)| part.day == day) {
            if files.size(self.open[at].0) < self.options.bytes / SHARE {
                return Ok(at);
            }
            self.open.remove(at);
        }
        std::fs::create_dir_all(self.files.dir())?;
        let last = self
            .files
            .parts()?
            .into_iter()
            .rfind(|part| part.day == day);
        let part = match last {
            Some(part) if self.files.size(part) < self.options.bytes / SHARE => part,
            Some(full) => full.next(),
            None => Part { day, part: 0 },
        };
        if self.open.len() >= OPEN {
            self.open.pop_front();
        }
        let opened = self.of_this_version(part)?;
        self.open.push_back(opened);
        Ok(self.open.len() - 1)
    }

    /// A part, or the first one after it that is not of another version.
    fn of_this_version(&self, mut part: Part) -> rusqlite::Result<(Part, Connection)> {
        loop {
            match file::open(&self.files.path(part))? {
                Some(connection) => return Ok((part, connection)),
                None => part = part.next(),
            }
        }
    }

    /// Tells, and does what may help.
    fn failed(&mut self, day: i64, error: &WriteError) {
        self.told
            .failed(format!("{}: {error}", self.files.dir().display()));
        self.open.clear();
        let WriteError::Sqlite(error) = error else {
            return;
        };
        if file::spoilt(error) {
            let last = self.files.parts().unwrap_or_default();
            if let Some(part) = last.into_iter().rfind(|part| part.day == day) {
                // Where this fails too, it is tried again with the next failure.
                let aside = self.files.put_aside(part);
                tracing::warn!("{} is put aside: {aside:?}", part.name());
            }
        } else if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            self.swept = None;
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        let today = self.options.wall.today();
        let due = |(at, day): (Instant, i64)| day != today || at.elapsed() >= SWEEP;
        if self.swept.is_some_and(|swept| !due(swept)) {
            return;
        }
        self.swept = Some((Instant::now(), today));
        // What is open may have to go; opened again it is in a millisecond.
        self.open.clear();
        let dir = self.files.dir().display();
        match sweep::sweep(&self.files, self.room()) {
            Ok(doubted) => {
                if doubted && !self.doubted {
                    tracing::warn!(
                        "today is days after all files of the request log in {dir}; until tomorrow none is removed for its age: is the clock right?"
                    );
                }
                self.doubted = doubted;
            }
            Err(error) => {
                tracing::warn!("old files of the request log in {dir} cannot be removed: {error}");
            }
        }
    }

    fn room(&self) -> sweep::Room {
        sweep::Room {
            today: self.options.wall.today(),
            days: i64::from(self.options.days.max(1)),
            bytes: self.options.bytes,
        }
    }
}

/// Why a batch is not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Folder(#[from] std::io::Error),
}

/// What comes within a while; the end of everything is said with the last ones.
fn gather(entries: &Receiver<Arc<Entry>>) -> (Vec<Arc<Entry>>, bool) {
    let mut batch = Vec::new();
    // Files get old also where nothing comes.
    match entries.recv_timeout(SWEEP) {
        Ok(entry) => batch.push(entry),
        Err(RecvTimeoutError::Timeout) => return (batch, false),
        Err(RecvTimeoutError::Disconnected) => return (batch, true),
    }
    let until = Instant::now() + WAIT;
    loop {
        while batch.len() < BATCH {
            match entries.try_recv() {
                Ok(entry) => batch.push(entry),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return (batch, true),
            }
        }
        if batch.len() >= BATCH || Instant::now() >= until {
            return (batch, false);
        }
        // Whoever waits at the queue is woken for each entry, by a thread that has other things to do. Woken early only by the end.
        std::thread::park_timeout(PAUSE);
    }
}
