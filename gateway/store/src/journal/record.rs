//! One record: which account, and the cells of its lease.

use std::sync::atomic::{AtomicI64, Ordering};

use fairlead_admit::exchange::{Account, Shape};
use fairlead_admit::window::Window;

use super::Words;

const TAKEN: usize = 0;
const CHECK: usize = 1;
/// The words that the checksum covers begin here.
const NAMES: usize = 2;
const ID: usize = 7;
const IS_TAKEN: i64 = 1;
/// What stands where there is no window.
const NO_WINDOW: i64 = i64::MIN;
const BUDGET: i64 = 1;
const RATE: i64 = 2;
const SLOTS: i64 = 3;

/// What stands in a record.
#[derive(Debug)]
pub(super) enum Found {
    Free,
    /// It was being written when the machine died.
    Torn,
    Taken(Account, Words),
}

/// How many words a record needs.
pub(super) fn words(account: &Account, cells: usize) -> usize {
    ID + account.counter.len().div_ceil(8) + cells
}

/// Writes what it belongs to; its cells, at zero. The words are at least as many as [`words`] says.
pub(super) fn write(words: Words, account: &Account, cells: usize) -> Words {
    let id = account.counter.as_bytes();
    let (shape, per_ms) = match account.shape {
        Shape::Budget => (BUDGET, 0),
        Shape::Rate { per_ms } => (RATE, per_ms.cast_signed()),
        Shape::Slots => (SLOTS, 0),
    };
    let (start, end) = account
        .window
        .map_or((NO_WINDOW, NO_WINDOW), |window| (window.start, window.end));
    let lengths = pair(id.len(), cells);
    let names = [shape, per_ms, start, end, lengths];
    let id_words = id.chunks(8).map(|chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        i64::from_ne_bytes(bytes)
    });
    let (named, rest) = words[NAMES..].split_at(ID - NAMES + id.len().div_ceil(8));
    for (word, value) in named.iter().zip(names.into_iter().chain(id_words)) {
        word.store(value, Ordering::Relaxed);
    }
    let cells = &rest[..cells];
    cells
        .iter()
        .for_each(|cell| cell.store(0, Ordering::Relaxed));
    words[CHECK].store(checksum(named), Ordering::Relaxed);
    words[TAKEN].store(IS_TAKEN, Ordering::Release);
    cells
}

/// Nobody's any more.
pub(super) fn clear(words: Words) {
    words[TAKEN].store(0, Ordering::Release);
}

/// What an earlier process wrote.
pub(super) fn read(words: Words) -> Found {
    match words[TAKEN].load(Ordering::Acquire) {
        0 => Found::Free,
        IS_TAKEN => whole(words).unwrap_or(Found::Torn),
        _ => Found::Torn,
    }
}

/// What a whole record says; `None`: it is not whole.
fn whole(words: Words) -> Option<Found> {
    let at = |word: usize| words.get(word).map(|word| word.load(Ordering::Relaxed));
    let lengths = at(ID - 1)?;
    let id_bytes = usize::try_from(lengths & 0xFFFF_FFFF).ok()?;
    let cells = usize::try_from(lengths >> 32).ok()?;
    let end = ID.checked_add(id_bytes.div_ceil(8))?;
    let named = words.get(NAMES..end)?;
    if at(CHECK)? != checksum(named) {
        return None;
    }
    let mut id: Vec<u8> = words
        .get(ID..end)?
        .iter()
        .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
        .collect();
    id.truncate(id_bytes);
    let shape = match at(NAMES)? {
        BUDGET => Shape::Budget,
        RATE => Shape::Rate {
            per_ms: at(NAMES + 1)?.cast_unsigned(),
        },
        SLOTS => Shape::Slots,
        _ => return None,
    };
    let (start, until) = (at(NAMES + 2)?, at(NAMES + 3)?);
    let window = (start != NO_WINDOW).then_some(Window { start, end: until });
    let account = Account {
        counter: String::from_utf8(id).ok()?.into(),
        shape,
        window,
    };
    let cells = words.get(end..end.checked_add(cells)?)?;
    Some(Found::Taken(account, cells))
}

fn checksum(words: &[AtomicI64]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for word in words {
        hasher.update(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
    i64::from(hasher.finalize())
}

fn pair(low: usize, high: usize) -> i64 {
    let [low, high] = [low, high].map(|part| i64::try_from(part).unwrap_or(0));
    high << 32 | low
}
