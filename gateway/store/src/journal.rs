//! Where the leases of this process keep their numbers: a mapped file, so that a process that is killed loses none of them.
//!
//! The cells of a lease are the file's own memory: what is taken and settled is in the kernel's page cache at the moment it
//! happens, at the price of no call. The next process finds what the dead one left and reports for it. A machine that dies may
//! leave a torn file; every record has a checksum over what names it, and what does not agree is left out. Without a journal, or
//! where the disk is full, cells come from ordinary memory.
//!
//! ```text
//! head (4,096 bytes)   magic, version
//! chunk (256 KiB) ...  magic, words of a record; then records of that length
//! record               taken, checksum, shape, period, window (2), lengths, name ..., cells ...
//! ```
//! All of it in words of 64 bits of this machine's byte order.

mod map;
mod record;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fairlead_admit::exchange::Account;
use parking_lot::Mutex;

type Words = &'static [AtomicI64];

/// `FAIRLEDJ`, and what tells a file of the other byte order.
const MAGIC: i64 = i64::from_be_bytes(*b"FAIRLEDJ");
const VERSION: i64 = 1;
const CHUNK_MAGIC: i64 = i64::from_be_bytes(*b"FLCHUNK1");
const HEAD_BYTES: u64 = 4096;
const CHUNK_BYTES: u64 = 256 * 1024;
const CHUNK_WORDS: usize = 256 * 1024 / 8;
/// Words before the first record of a chunk.
const CHUNK_HEAD: usize = 8;
/// Records have one of these lengths in words, so that one that is given back fits the next.
const LENGTHS: [usize; 6] = [32, 64, 128, 256, 512, 1024];

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process writes it.
    #[error("{0}: another process uses this journal")]
    InUse(PathBuf),
    /// It cannot be opened, read, written or mapped.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// Cells for leases, in a file or in memory.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Held locked for as long as a record of it is in use.
    file: Option<(PathBuf, File)>,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    /// Records to be used again, by length.
    free: HashMap<usize, Vec<Words>>,
    /// The disk was full: said once.
    full: bool,
}

/// A record in use. Dropped, it stays in the file for the next process; what nothing is left of is given back.
#[derive(Debug)]
pub(crate) struct Slot {
    words: Words,
    cells: Words,
    journal: Arc<Inner>,
}

/// What a process before this one left of one account.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) account: Account,
    pub(crate) slot: Slot,
}

impl Journal {
    /// Cells in memory: they end with the process.
    pub(crate) fn in_memory() -> Self {
        let pool = Mutex::default();
        Self(Arc::new(Inner { file: None, pool }))
    }

    /// The journal in this file, made where there is none, and what an earlier process left in it.
    ///
    /// A file that is no journal of this version is copied to `NAME.unreadable` and begun anew.
    ///
    /// # Errors
    /// It is in use, or cannot be opened, written or mapped.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Remains>), JournalError> {
        let fault = |error| JournalError::Io(path.to_owned(), error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
        let chunks = prepare(&mut file, path).map_err(fault)?;
        let chunks = (0..chunks)
            .map(|chunk| map::words(&file, HEAD_BYTES + chunk * CHUNK_BYTES, CHUNK_WORDS))
            .collect::<Result<Vec<_>, _>>()
            .map_err(fault)?;
        let inner = Arc::new(Inner {
            file: Some((path.to_owned(), file)),
            pool: Mutex::default(),
        });
        let remains = chunks.into_iter().flat_map(|chunk| survey(chunk, &inner));
        let remains = remains.collect();
        Ok((Self(inner), remains))
    }

    /// So many cells at zero, for this account.
    pub(crate) fn slot(&self, account: &Account, cells: usize) -> Slot {
        let needed = record::words(account, cells);
        let length = LENGTHS.into_iter().find(|length| *length >= needed);
        let words = match length {
            Some(length) => self.0.take(length),
            None => in_memory(needed),
        };
        let cells = record::write(words, account, cells);
        Slot {
            words,
            cells,
            journal: self.0.clone(),
        }
    }
}

impl Slot {
    /// The numbers.
    pub(crate) fn cells(&self) -> Words {
        self.cells
    }

    /// Nothing is left in it that anybody would have to report.
    pub(crate) fn give_back(self) {
        record::clear(self.words);
        let mut pool = self.journal.pool.lock();
        pool.free
            .entry(self.words.len())
            .or_default()
            .push(self.words);
    }
}

impl Drop for Inner {
    /// The lock is the kernel's for as long as anything is mapped, which is for ever; nobody uses a record any more.
    fn drop(&mut self) {
        if let Some((path, file)) = &self.file
            && let Err(error) = file.unlock()
        {
            tracing::warn!(path = %path.display(), %error, "the journal stays locked until the process ends");
        }
    }
}

impl Inner {
    /// A free record of this length, of a new chunk where there is none.
    fn take(&self, length: usize) -> Words {
        let mut pool = self.pool.lock();
        if let Some(words) = pool.free.get_mut(&length).and_then(Vec::pop) {
            return words;
        }
        let Some((path, file)) = &self.file else {
            return in_memory(length);
        };
        match grow(file, length) {
            Ok(chunk) => {
                let mut records = chunk[CHUNK_HEAD..].chunks_exact(length);
                let first = records.next();
                pool.free.entry(length).or_default().extend(records);
                first.unwrap_or_else(|| in_memory(length))
            }
            Err(error) => {
                if !pool.full {
                    pool.full = true;
                    tracing::warn!(path = %path.display(), %error, "the journal cannot grow: what is taken from now on is lost if the process is killed");
                }
                in_memory(length)
            }
        }
    }
}

fn in_memory(length: usize) -> Words {
    Vec::leak((0..length).map(|_| AtomicI64::new(0)).collect())
}

/// Makes the file one of this version; how many chunks it has.
fn prepare(file: &mut File, path: &Path) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let mut head = [0; 16];
    if bytes >= HEAD_BYTES {
        file.read_exact(&mut head)?;
        if head == begins() {
            // What follows the last whole chunk was being added when the process died.
            return Ok((bytes - HEAD_BYTES) / CHUNK_BYTES);
        }
    }
    if bytes > 0 {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".unreadable");
        let aside = PathBuf::from(aside);
        std::fs::copy(path, &aside)?;
        tracing::warn!(path = %path.display(), aside = %aside.display(), "not a journal of this version: begun anew");
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&[0; 4096])?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&begins())?;
    Ok(0)
}

fn begins() -> [u8; 16] {
    let [magic, version] = [MAGIC.to_ne_bytes(), VERSION.to_ne_bytes()];
    std::array::from_fn(|at| if at < 8 { magic[at] } else { version[at - 8] })
}

/// One more chunk for records of this length. Its zeros are written, so that a full disk is an error here and not a fault in a store
/// to memory later.
fn grow(mut file: &File, length: usize) -> io::Result<Words> {
    let bytes = file.metadata()?.len().max(HEAD_BYTES);
    let start = bytes - (bytes - HEAD_BYTES) % CHUNK_BYTES;
    file.seek(SeekFrom::Start(start))?;
    let zeros = [0; 4096];
    let written = (0..CHUNK_BYTES / 4096).try_for_each(|_| file.write_all(&zeros));
    if let Err(error) = written {
        file.set_len(start)?;
        return Err(error);
    }
    let chunk = map::words(file, start, CHUNK_WORDS)?;
    let length = i64::try_from(length).map_err(io::Error::other)?;
    chunk[1].store(length, Ordering::Relaxed);
    chunk[0].store(CHUNK_MAGIC, Ordering::Release);
    Ok(chunk)
}

/// What a chunk of an earlier process holds; its free records go to the pool.
fn survey(chunk: Words, journal: &Arc<Inner>) -> Vec<Remains> {
    let length = usize::try_from(chunk[1].load(Ordering::Relaxed)).unwrap_or(0);
    let length = if chunk[0].load(Ordering::Acquire) == CHUNK_MAGIC && LENGTHS.contains(&length) {
        length
    } else {
        // Torn: nothing in it can be told apart. It is used anew, for records of the commonest length.
        let length = LENGTHS[0];
        chunk
            .iter()
            .for_each(|word| word.store(0, Ordering::Relaxed));
        chunk[1].store(i64::try_from(length).unwrap_or(0), Ordering::Relaxed);
        chunk[0].store(CHUNK_MAGIC, Ordering::Release);
        length
    };
    let mut remains = Vec::new();
    let mut torn = 0;
    for words in chunk[CHUNK_HEAD..].chunks_exact(length) {
        match record::read(words) {
            record::Found::Taken(account, cells) => remains.push(Remains {
                account,
                slot: Slot {
                    words,
                    cells,
                    journal: journal.clone(),
                },
            }),
            free_or_torn @ (record::Found::Free | record::Found::Torn) => {
                torn += usize::from(matches!(free_or_torn, record::Found::Torn));
                record::clear(words);
                let mut pool = journal.pool.lock();
                pool.free.entry(length).or_default().push(words);
            }
        }
    }
    if torn > 0 {
        tracing::warn!(
            records = torn,
            "the journal holds torn records: what they held is lost"
        );
    }
    remains
}

#[cfg(test)]
mod tests;
