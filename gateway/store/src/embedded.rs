//! The store of one gateway by itself: a book for each account, in memory while in use, in a file if there is a folder for it.
//!
//! An exchange is answered from memory; what it changed is written within some 20 ms, with all else that changed meanwhile, and is on
//! the disk then. A process that is killed loses nothing: what was not yet written stands in the journal, and whoever reports for the
//! dead process says totals. A machine that dies loses what was settled in the last moments before it.

mod file;

use std::collections::{HashMap, hash_map};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admit::book::{Book, Sums};
use fairlead_admit::exchange::{Account, Reply, RunId, Shape, Totals};
use fairlead_admit::lease::Now;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use file::FileError;
use file::{Accounts, Change};

use crate::clock::Clock;
use crate::place::{Call, Fault};

/// A book that nobody asked for so long is read from the file again when somebody does.
const UNUSED: Duration = Duration::from_secs(600);

/// All books.
#[derive(Debug)]
pub(crate) struct Embedded {
    run: RunId,
    clock: Clock,
    file: Option<Accounts>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    books: HashMap<String, Entry<Book>>,
    sums: HashMap<String, Entry<Sums>>,
    /// The keys of what is to be written.
    changed: Vec<String>,
}

/// Something in memory.
#[derive(Debug)]
struct Entry<T> {
    value: T,
    /// Until when it is of use, unix milliseconds.
    until: i64,
    /// Differs from what is in the file.
    dirty: bool,
    /// When it was last asked for, since the start.
    used: Duration,
}

/// Something in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Stored<T> {
    until: i64,
    value: T,
}

/// As much of it as tells whether it is still of use.
#[derive(Debug, Deserialize)]
struct Until {
    until: i64,
}

impl Embedded {
    /// The books in this folder; without one they end with the process.
    ///
    /// Each opening is a process of its own: what the last one acknowledged may not have come to the disk, and is to be said again.
    pub(crate) fn open(folder: Option<&Path>, clock: Clock) -> Result<Arc<Self>, FileError> {
        let file = folder.map(Accounts::open).transpose()?;
        let embedded = Self {
            run: RunId::from(format!("embedded-{:032x}", crate::part::random()).as_str()),
            clock,
            file,
            kept: Mutex::default(),
        };
        embedded.sweep()?;
        Ok(Arc::new(embedded))
    }

    /// What it calls its process.
    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// Makes an exchange.
    pub(crate) fn exchange(&self, call: &Call) -> Result<Reply, Fault> {
        let now = self.clock.now();
        let mut kept = self.kept.lock();
        let mut made = || -> Result<Reply, FileError> {
            let Kept {
                books,
                sums,
                changed,
            } = &mut *kept;
            let [book_key, sums_key] = call.account.keys("");
            let file = self.file.as_ref();
            let sums = entry(sums, file, &sums_key, now, Sums::default)?;
            let Account { shape, window, .. } = call.account;
            let opened = || Book::open(shape, window, &mut sums.value, now.unix_ms);
            let book = entry(books, file, &book_key, now, opened)?;
            let reply = book
                .value
                .exchange(&mut sums.value, now.unix_ms, &self.run, &call.ask);
            let until = book.value.kept_until(now.unix_ms);
            book.change(until, book_key, changed);
            sums.change(until, sums_key, changed);
            Ok(reply)
        };
        made().map_err(|error| Fault::Call(error.to_string()))
    }

    /// What an account holds.
    pub(crate) fn look(&self, account: &Account) -> Result<Option<Totals>, Fault> {
        let now = self.clock.now();
        let [book_key, sums_key] = account.keys("");
        let kept = self.kept.lock();
        let read = || -> Result<Option<Totals>, FileError> {
            let none = Sums::default();
            let stored_sums;
            let sums = match kept.sums.get(&sums_key) {
                Some(sums) => &sums.value,
                None => {
                    stored_sums = self.stored(&sums_key)?;
                    stored_sums.as_ref().unwrap_or(&none)
                }
            };
            if let Some(book) = kept.books.get(&book_key) {
                return Ok(Some(book.value.totals(sums, now.unix_ms)));
            }
            if let Some(book) = self.stored::<Book>(&book_key)? {
                return Ok(Some(book.totals(sums, now.unix_ms)));
            }
            // What a book that is opened now would begin with.
            let window = account.window.filter(|_| account.shape == Shape::Budget);
            Ok(window.map(|window| Totals {
                used: sums.within(window),
                ..Totals::default()
            }))
        };
        let totals = read().map_err(|error| Fault::Call(error.to_string()))?;
        Ok(totals.filter(|totals| *totals != Totals::default()))
    }

    fn stored<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, FileError> {
        let stored = match &self.file {
            Some(file) => file.get::<Stored<T>>(key)?,
            None => None,
        };
        Ok(stored.map(|stored| stored.value))
    }

    /// Whether something is to be written.
    pub(crate) fn is_dirty(&self) -> bool {
        self.file.is_some() && !self.kept.lock().changed.is_empty()
    }

    /// Writes what has changed. Blocks until it is on the disk.
    pub(crate) fn write(&self) -> Result<(), FileError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let changes = self.kept.lock().changes();
        let written = file.write(&changes);
        if written.is_err() {
            let mut kept = self.kept.lock();
            for (key, _) in changes {
                kept.mark(key);
            }
        }
        written
    }

    /// Forgets what is of no use any more, and takes out of memory what nobody asks for. Blocks.
    pub(crate) fn sweep(&self) -> Result<(), FileError> {
        let now = self.clock.now();
        let in_file = self.file.is_some();
        {
            let mut kept = self.kept.lock();
            kept.books.retain(|_, entry| entry.stays(now, in_file));
            kept.sums.retain(|_, entry| entry.stays(now, in_file));
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut changes = Vec::new();
        for key in file.keys()? {
            let over = match file.get::<Until>(&key) {
                Ok(stored) => stored.is_some_and(|stored| stored.until < now.unix_ms),
                Err(error) => {
                    tracing::warn!(%error, "an account cannot be read: it begins anew");
                    true
                }
            };
            if over {
                changes.push((key, Change::Delete));
            }
        }
        let kept = self.kept.lock();
        changes.retain(|(key, _)| !kept.books.contains_key(key) && !kept.sums.contains_key(key));
        if changes.is_empty() {
            return Ok(());
        }
        // Under the lock: nobody can read what is being deleted.
        file.write(&changes)
    }
}

impl Kept {
    /// What is to be written, which from now on is taken for written.
    fn changes(&mut self) -> Vec<(String, Change)> {
        let keys = std::mem::take(&mut self.changed);
        let change = |key: String| {
            let book = self.books.get_mut(&key).map(Entry::written);
            let change = book.or_else(|| self.sums.get_mut(&key).map(Entry::written));
            Some((key, change.flatten()?))
        };
        keys.into_iter().filter_map(change).collect()
    }

    /// It was not written.
    fn mark(&mut self, key: String) {
        let book = self.books.get_mut(&key).map(|entry| &mut entry.dirty);
        let sums = self.sums.get_mut(&key).map(|entry| &mut entry.dirty);
        if let Some(dirty @ false) = book.or(sums) {
            *dirty = true;
            self.changed.push(key);
        }
    }
}

impl<T> Entry<T> {
    fn change(&mut self, until: i64, key: String, changed: &mut Vec<String>) {
        self.until = self.until.max(until);
        if !self.dirty {
            self.dirty = true;
            changed.push(key);
        }
    }

    fn written(&mut self) -> Option<Change>
    where
        T: Serialize,
    {
        self.dirty = false;
        Change::put(&Stored {
            until: self.until,
            value: &self.value,
        })
    }

    fn stays(&self, now: Now, in_file: bool) -> bool {
        if in_file {
            self.dirty || now.mono.saturating_sub(self.used) < UNUSED
        } else {
            self.until >= now.unix_ms
        }
    }
}

/// What stands under a key: in memory, in the file, or new.
fn entry<'a, T: DeserializeOwned>(
    kept: &'a mut HashMap<String, Entry<T>>,
    file: Option<&Accounts>,
    key: &str,
    now: Now,
    new: impl FnOnce() -> T,
) -> Result<&'a mut Entry<T>, FileError> {
    let entry = match kept.entry(key.to_owned()) {
        hash_map::Entry::Occupied(known) => known.into_mut(),
        hash_map::Entry::Vacant(unknown) => {
            let stored = match file {
                Some(file) => file.get::<Stored<T>>(key)?,
                None => None,
            };
            let stored = stored.unwrap_or_else(|| Stored {
                until: 0,
                value: new(),
            });
            unknown.insert(Entry {
                value: stored.value,
                until: stored.until,
                dirty: false,
                used: now.mono,
            })
        }
    };
    entry.used = now.mono;
    Ok(entry)
}
