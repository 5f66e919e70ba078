//! How many requests are at a provider, and who waits for a place: shared by all cores.
//!
//! A place that comes free goes to the key that has the fewest, between equals to the one that was served longest ago, and among its requests
//! to who came first. So a key that asks for much waits for itself, and somebody who asks for little waits for one place to come free, not
//! for a whole line. Where the line is full, the key that has most in it makes room.
//!
//! Places taken and the length of the line are one atomic word, so that whoever leaves learns in the same step whether somebody waits, and
//! whoever lines up finds every place that was given back before. The usual request takes its place by one step and gives it back by another.
//! Only where there is none is a lock taken, for moments, to stand in line; whoever leaves hands the place to the next in line, on whichever
//! core that waits. A gate outlives the configuration that its limit is from.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::asker::Asker;
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

/// One place in the word; below it is the length of the line.
const PLACE: u64 = 1 << 32;
/// Keys are counted by a hash of their names. Two that share a count are taken for one.
const KEYS: usize = if cfg!(loom) { 2 } else { 256 };

/// One who stands in line.
pub trait Waiter: Sized {
    /// Gives the place to whoever stands here.
    ///
    /// # Errors
    /// Nobody does any more: the place comes back.
    fn give(self, slot: Slot<Self>) -> Result<(), Slot<Self>>;

    /// Whether nobody stands here any more.
    fn has_gone(&self) -> bool;

    /// Who it is.
    fn asker(&self) -> Asker;
}

/// The places at a provider.
#[derive(Debug)]
pub struct Gate<W> {
    /// How many places are taken (the upper half), and how many stand in line (the lower half; changed under the lock only).
    word: AtomicU64,
    /// The limit, as the last who came brought it.
    limit: AtomicU32,
    /// How many of the places the requests of each key have.
    held: [AtomicU32; KEYS],
    line: Mutex<Line<W>>,
}

/// Who waits.
#[derive(Debug)]
struct Line<W> {
    waiters: VecDeque<W>,
    /// When each key was last given a place, in turns.
    served: [u64; KEYS],
    turn: u64,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self {
            waiters: VecDeque::new(),
            served: [0; KEYS],
            turn: 0,
        }
    }
}

/// A place at a provider; given back when it is dropped.
#[derive(Debug)]
pub struct Slot<W: Waiter> {
    /// `None`: it has ended without giving the place back.
    gate: Option<Arc<Gate<W>>>,
    /// Whose it is.
    key: usize,
}

impl<W> Default for Gate<W> {
    fn default() -> Self {
        Self {
            word: AtomicU64::new(0),
            limit: AtomicU32::new(u32::MAX),
            held: std::array::from_fn(|_| AtomicU32::new(0)),
            line: Mutex::default(),
        }
    }
}

impl<W: Waiter> Gate<W> {
    /// A place, if there is one within `limit` and nobody waits for it already.
    #[must_use]
    pub fn enter(self: &Arc<Self>, limit: u32, asker: Asker) -> Option<Slot<W>> {
        if self.limit.load(Ordering::Relaxed) != limit {
            self.limit.store(limit, Ordering::Relaxed);
        }
        let free = |word| limit == u32::MAX || in_line(word) == 0;
        self.take(limit, free)
            .then(|| Slot::of(self, asker.among(KEYS)))
    }

    /// A place for one who leaves others theirs: while fewer than `most` are taken, and nobody waits for one. It says nothing of the limit, by which
    /// places are handed out.
    #[must_use]
    pub fn enter_within(self: &Arc<Self>, most: u32, asker: Asker) -> Option<Slot<W>> {
        self.take(most, |word| in_line(word) == 0)
            .then(|| Slot::of(self, asker.among(KEYS)))
    }

    /// Stands in line, if there are fewer than `length` in it or somebody makes room; says whether it does.
    #[must_use]
    pub fn line_up(self: &Arc<Self>, length: u32, waiter: W) -> bool {
        let mut line = self.line.lock();
        let is_full = line.waiters.len() >= usize::try_from(length).unwrap_or(usize::MAX);
        if is_full && !self.make_room(&mut line.waiters, waiter.asker()) {
            return false;
        }
        line.waiters.push_back(waiter);
        self.word.fetch_add(1, Ordering::AcqRel);
        // A place may have been given back before anybody was seen to wait.
        self.hand_out(&mut line);
        true
    }

    /// Takes those out of the line who have gone.
    pub fn tidy(&self) {
        let waiters = &mut self.line.lock().waiters;
        let before = waiters.len();
        waiters.retain(|waiter| !waiter.has_gone());
        self.left_line(before - waiters.len());
    }

    /// How many are at the provider.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        taken(self.word.load(Ordering::Relaxed))
    }

    /// How many stand in line.
    #[must_use]
    pub fn queued(&self) -> u32 {
        in_line(self.word.load(Ordering::Relaxed))
    }

    /// Takes a place within the limit, if it is `free`.
    fn take(&self, limit: u32, free: impl Fn(u64) -> bool) -> bool {
        let one_more = |word| (free(word) && taken(word) < limit).then(|| word + PLACE);
        self.word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .is_ok()
    }

    fn leave(self: &Arc<Self>) {
        let before = self.word.fetch_sub(PLACE, Ordering::AcqRel);
        if in_line(before) > 0 {
            self.hand_out(&mut self.line.lock());
        }
    }

    /// Gives free places to those in line.
    fn hand_out(self: &Arc<Self>, line: &mut Line<W>) {
        let before = line.waiters.len();
        let limit = self.limit.load(Ordering::Relaxed);
        while !line.waiters.is_empty() && self.take(limit, |_| true) {
            loop {
                let Some(next) = self.next(line) else {
                    // Everybody in line has gone.
                    self.word.fetch_sub(PLACE, Ordering::AcqRel);
                    break;
                };
                let key = next.asker().among(KEYS);
                match next.give(Slot::of(self, key)) {
                    Ok(()) => {
                        line.turn += 1;
                        line.served[key] = line.turn;
                        break;
                    }
                    // Not dropped as it is: that would come back here for the lock.
                    Err(slot) => slot.forget(),
                }
            }
        }
        self.left_line(before - line.waiters.len());
    }

    /// Takes the next one out of the line.
    fn next(&self, line: &mut Line<W>) -> Option<W> {
        let rank = |waiter: &W| {
            let key = waiter.asker().among(KEYS);
            (self.held[key].load(Ordering::Relaxed), line.served[key])
        };
        let next = (0..line.waiters.len()).min_by_key(|at| rank(&line.waiters[*at]))?;
        line.waiters.remove(next)
    }

    /// Sends away whoever came last of the key that has most in line and in places, if that is more than what this one would have.
    fn make_room(&self, line: &mut VecDeque<W>, asker: Asker) -> bool {
        let mut counts: [u32; KEYS] =
            std::array::from_fn(|key| self.held[key].load(Ordering::Relaxed));
        for waiter in &*line {
            counts[waiter.asker().among(KEYS)] += 1;
        }
        let has = |asker: Asker| counts[asker.among(KEYS)];
        let most = (0..line.len()).max_by_key(|at| (has(line[*at].asker()), *at));
        let Some(last) = most.filter(|at| has(line[*at].asker()) > has(asker) + 1) else {
            return false;
        };
        self.left_line(usize::from(line.remove(last).is_some()));
        true
    }

    fn left_line(&self, count: usize) {
        if count > 0 {
            self.word
                .fetch_sub(u64::try_from(count).unwrap_or(0), Ordering::AcqRel);
        }
    }
}

impl<W: Waiter> Slot<W> {
    /// A place that was taken for somebody.
    fn of(gate: &Arc<Gate<W>>, key: usize) -> Self {
        gate.held[key].fetch_add(1, Ordering::Relaxed);
        Self {
            gate: Some(Arc::clone(gate)),
            key,
        }
    }

    /// Ends it without giving the place back.
    fn forget(mut self) {
        if let Some(gate) = self.gate.take() {
            gate.held[self.key].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<W: Waiter> Drop for Slot<W> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.held[self.key].fetch_sub(1, Ordering::Relaxed);
            gate.leave();
        }
    }
}

fn taken(word: u64) -> u32 {
    u32::try_from(word / PLACE).unwrap_or(u32::MAX)
}

fn in_line(word: u64) -> u32 {
    u32::try_from(word % PLACE).unwrap_or(u32::MAX)
}
