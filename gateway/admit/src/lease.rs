//! A replica's part of one account: what it may use without asking, and what it says to the store of it.
//!
//! [`Lease::try_take`] and [`Lease::settle`] are a few atomic operations on the hot path; [`Lease::next_ask`] and [`Lease::answered`] are the
//! exchanges with the store, made by whoever drives it, one in flight at a time. No I/O and no clock in here. What must outlive the process
//! stands in cells handed in from outside, so that they can lie in a mapped file; [`Lease::resume`] goes on from what a dead process left.
//!
//! Idle is never taken below 0 but where it must be: a raise and what was settled above its reservation are never refused, and the next ask
//! says them as held or spent, whatever the limit.

mod cells;
mod driver;
mod pace;
mod runs;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::exchange::{Incarnation, Reply, Shape};
use cells::Cells;
use driver::State;

pub use cells::cells;
pub use driver::Answer;
pub use runs::Runs;

/// How long a reply is waited for, in milliseconds; then all is said anew.
pub const REPLY_MS: u64 = 60;

/// After how long without an admission what is idle is given back, in milliseconds.
pub const REST_MS: u64 = 1_000;

/// How long it is remembered that all is spent, at most, and that all is held elsewhere, in milliseconds.
const EXHAUSTED_MS: u64 = 1_000;
const BUSY_MS: u64 = 20;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the process started: what durations are measured by.
    pub mono: Duration,
    /// Unix milliseconds: what chooses windows.
    pub unix_ms: i64,
}

impl Now {
    pub(crate) fn ms(self) -> u64 {
        u64::try_from(self.mono.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The limit of an account as a replica knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bound {
    /// How much.
    pub limit: i64,
    /// How new that is: 1 and up, and never falling.
    pub generation: u64,
    /// Whether it must not be passed even by what a dead process of the store forgot.
    pub strict: bool,
}

/// What waits for the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// The need of the one that waits longest; 0: nobody waits.
    pub need: i64,
    /// The need of all.
    pub all: i64,
}

/// What was taken, until it is settled. Whoever has it settles it, once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is not settled stays reserved"]
pub struct Taken {
    amount: i64,
    bucket: u64,
}

impl Taken {
    /// How much is reserved.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// The store must be asked.
    Ask,
    /// The store was asked a moment ago.
    Refused(Refusal),
}

/// What the store said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// All is spent.
    #[expect(missing_docs, reason = "named for what it is, in milliseconds")]
    Exhausted { retry_ms: u64 },
    /// What is left is held elsewhere.
    Busy,
    /// The store has only just begun, and the limit is strict.
    Unready,
}

/// An account as this replica sees it: the store's last word and its own use since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What is spent, with what may be lost.
    pub used: i64,
    /// What is reserved here or leased elsewhere.
    pub leased: i64,
    /// The newest limit the store has heard of.
    pub limit: i64,
    /// When the store last said so, since the process started; `None`: never.
    pub as_of: Option<Duration>,
}

/// A part of one account.
#[derive(Debug)]
pub struct Lease {
    cells: Cells,
    shape: Shape,
    /// What is added to the monotonic clock for buckets, in milliseconds: about unix time, never stepping.
    shift_ms: u64,
    /// All that was ever taken, for the pace.
    taken: AtomicI64,
    /// How often something was settled or raised, to tell whether the store knows of it.
    moves: AtomicU64,
    /// When something was last taken, in milliseconds since the process started.
    used_ms: AtomicU64,
    /// Until when idle may be taken: the store has not given it to another before.
    good_ms: AtomicU64,
    state: Mutex<State>,
}

impl Lease {
    /// A lease that holds nothing, over cells that become its own: [`cells()`] says how many. `None` if there are fewer.
    #[must_use]
    pub fn open(
        cells: &'static [AtomicI64],
        shape: Shape,
        incarnation: Incarnation,
        now: Now,
    ) -> Option<Self> {
        let cells = Cells::new(cells, shape)?;
        cells.clear(incarnation);
        Some(Self::over(cells, shape, now))
    }

    /// Goes on from the cells of a process that died: what it had in flight counts as spent at what was reserved, what was idle goes back, and
    /// the rest is said exactly. `None` if they are too few or were never a lease.
    #[must_use]
    pub fn resume(cells: &'static [AtomicI64], shape: Shape, now: Now) -> Option<Self> {
        let cells = Cells::new(cells, shape)?;
        cells.incarnation()?;
        let lease = Self::over(cells, shape, now);
        lease.cells.bury(shape, lease.bucket(now.ms()));
        lease.moves.fetch_add(1, Ordering::Relaxed);
        Some(lease)
    }

    fn over(cells: Cells, shape: Shape, now: Now) -> Self {
        let about = u64::try_from(now.unix_ms).unwrap_or(0).max(cells.latest());
        let state = State::new(now.ms(), cells.heard().is_some());
        Self {
            cells,
            shape,
            shift_ms: about.saturating_sub(now.ms()),
            taken: AtomicI64::new(0),
            moves: AtomicU64::new(0),
            used_ms: AtomicU64::new(now.ms()),
            good_ms: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    /// Takes what is idle, or says that the store has to be asked or was. `generation` is of the limit: a newer one may have room again.
    ///
    /// # Errors
    ///
    /// Nothing was taken.
    pub fn try_take(&self, need: i64, generation: u64, now: Now) -> Result<Taken, Short> {
        let (need, ms) = (need.max(0), now.ms());
        let good = self.shape == Shape::Budget || ms < self.good_ms.load(Ordering::Acquire);
        if need == 0 || (good && self.cells.take_idle(need)) {
            return Ok(self.taken(need, ms));
        }
        let refused = self.state.lock().refused(need, generation, ms);
        Err(refused.map_or(Short::Ask, Short::Refused))
    }

    /// Takes what nobody granted, where the store cannot be asked and requests pass all the same. It is said once the store is back.
    pub fn force(&self, need: i64, now: Now) -> Taken {
        let need = need.max(0);
        self.cells.lower_idle(need);
        self.moves.fetch_add(1, Ordering::Relaxed);
        self.taken(need, now.ms())
    }

    fn taken(&self, need: i64, ms: u64) -> Taken {
        self.taken.fetch_add(need, Ordering::Relaxed);
        if self.used_ms.load(Ordering::Relaxed) < ms {
            self.used_ms.store(ms, Ordering::Relaxed);
        }
        Taken {
            amount: need,
            bucket: self.bucket(ms),
        }
    }

    /// Reserves more for the same. Never refused, and never less than before.
    pub fn raise(&self, taken: &mut Taken, to: i64) {
        let more = to.saturating_sub(taken.amount);
        if more > 0 {
            self.cells.lower_idle(more);
            taken.amount = to;
            self.taken.fetch_add(more, Ordering::Relaxed);
            self.moves.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says what it came to. What was reserved beyond becomes idle; what it came to beyond is spent all the same. Slots come to nothing.
    #[expect(clippy::needless_pass_by_value, reason = "settled once: it is used up")]
    pub fn settle(&self, taken: Taken, actual: i64) {
        let actual = if self.shape == Shape::Slots {
            0
        } else {
            actual.max(0)
        };
        match self.shape {
            Shape::Budget => self.cells.spend(actual),
            Shape::Rate { .. } => self.cells.spend_in(taken.bucket, actual),
            Shape::Slots => {}
        }
        // Spent before it is no longer held: whoever reads in between sees it twice, never not at all.
        self.cells.settle(taken.amount, actual);
        self.moves.fetch_add(1, Ordering::Release);
    }

    /// What is known of the account.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let state = self.state.lock();
        let Some((reply, at_ms, spent)) = state.last() else {
            return Standing::default();
        };
        let own = self.cells.spent().saturating_sub(*spent);
        let Reply {
            used,
            lost,
            leased_elsewhere,
            limit,
            ..
        } = reply;
        Standing {
            used: used.saturating_add(*lost).saturating_add(own.max(0)),
            leased: leased_elsewhere.saturating_add(self.cells.reserved()),
            limit: *limit,
            as_of: Some(Duration::from_millis(*at_ms)),
        }
    }

    /// What is reserved here.
    #[must_use]
    pub fn reserved(&self) -> i64 {
        self.cells.reserved()
    }

    fn bucket(&self, ms: u64) -> u64 {
        ms.saturating_add(self.shift_ms) / self.shape.bucket_ms()
    }
}

#[cfg(test)]
mod tests;
