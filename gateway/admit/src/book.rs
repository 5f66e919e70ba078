//! The store's side of one account, as a value: what is spent, who holds how much, how much more may be granted.
//!
//! The embedded store keeps a [`Book`] for each account and [`Sums`] for each counter; the script of Valkey is the same thing in Lua, and a test
//! holds the two together. Every sum is recomputed from what each incarnation last said of itself, so an ask that comes twice, late or never
//! counts once. Nothing fails: an ask that cannot be applied is told so.
//!
//! Time is the store's wall clock, which may step: within a book it never goes back. A step ahead moves what is held to `lost`, which the next
//! word of its holder takes back.

mod entry;
mod rate;
mod sums;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use sums::Sums;

use crate::exchange::{Ask, Incarnation, Outcome, Reply, RunId, Shape, TTL_MS, Totals};
use crate::window::Window;
use entry::{Entry, Parts};
use rate::Buckets;

/// For how long a budget's account is kept after its window, at least, in milliseconds: 35 days.
const KEPT_MS: i64 = 35 * 86_400_000;

/// When an account without a window that can be exhausted by nothing spent is worth another ask, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    shape: Shape,
    window: Option<Window>,
    run: Option<RunId>,
    /// Whether the store's process is old enough that all who live have spoken to it.
    ready: bool,
    /// The latest moment it has seen, and what is added to the clock so that it is not undercut.
    at: i64,
    shift: i64,
    used: i64,
    /// What those held who are known no longer.
    folded: i64,
    generation: u64,
    limit: i64,
    entries: BTreeMap<Incarnation, Entry>,
    buckets: Buckets,
}

impl Book {
    /// A book that nothing is written in. Of a budget it begins with what fell into its window under another one's name.
    #[must_use]
    pub fn open(shape: Shape, window: Option<Window>, sums: &mut Sums, now_ms: i64) -> Self {
        let used = match (shape, window) {
            (Shape::Budget, Some(window)) => sums.opened(window, now_ms),
            _ => 0,
        };
        Self {
            shape,
            window,
            run: None,
            ready: false,
            at: now_ms,
            shift: 0,
            used,
            folded: 0,
            generation: 0,
            limit: 0,
            entries: BTreeMap::new(),
            buckets: Buckets::default(),
        }
    }

    /// Takes note of what a replica says and grants it what there is. `run` is the store's process.
    pub fn exchange(&mut self, sums: &mut Sums, now_ms: i64, run: &RunId, ask: &Ask) -> Reply {
        if self.run.as_ref() != Some(run) {
            self.run = Some(run.clone());
            self.ready = false;
        }
        if ask.run.as_ref().is_some_and(|asked| asked != run) {
            return unapplied(run, Outcome::OtherRun);
        }
        self.advance(now_ms);
        if let (Shape::Budget, Some(window)) = (self.shape, self.window) {
            self.used = self.used.saturating_add(sums.late(window));
        }
        self.fold();
        match self.entries.get(&ask.incarnation) {
            None if ask.known => return unapplied(run, Outcome::Gone),
            Some(entry) if ask.seq < entry.seq => return unapplied(run, Outcome::Old),
            Some(entry) if ask.seq == entry.seq => {
                let outcome = entry.outcome;
                return self.reply(run, ask, outcome);
            }
            None | Some(_) => {}
        }
        let rise = self.note(ask);
        if let (Shape::Budget, Some(window)) = (self.shape, self.window) {
            sums.charge(window, now_ms, rise);
        }
        let outcome = self.grant(now_ms, ask);
        if let Some(entry) = self.entries.get_mut(&ask.incarnation) {
            entry.outcome = outcome;
            if let Outcome::Granted(amount) = outcome {
                entry.held = entry.held.saturating_add(amount);
            }
        }
        self.reply(run, ask, outcome)
    }

    /// What can be read without taking part.
    #[must_use]
    pub fn totals(&self, sums: &Sums, now_ms: i64) -> Totals {
        let at = self.at.max(now_ms.saturating_add(self.shift));
        let parts = self.parts(at, None);
        let late = match (self.shape, self.window) {
            (Shape::Budget, Some(window)) => sums.pending(window),
            _ => 0,
        };
        Totals {
            used: self.used_at(at).saturating_add(late),
            lost: parts.lost,
            leased: parts.leased,
        }
    }

    /// Until when it must be kept, unix milliseconds: of a budget long after its window, so that no step of the clock forgets it.
    #[must_use]
    pub fn kept_until(&self, now_ms: i64) -> i64 {
        let most = self.shape.known_ms();
        match self.window {
            Some(Window { start, end }) => {
                let after = KEPT_MS.max(end.saturating_sub(start));
                now_ms.max(end).saturating_add(after)
            }
            None => now_ms.saturating_add(most).saturating_add(60_000),
        }
    }

    /// Lets time pass, never backwards.
    fn advance(&mut self, now_ms: i64) {
        let now = now_ms.saturating_add(self.shift);
        if now < self.at {
            self.shift = self.at.saturating_sub(now_ms);
        } else {
            self.at = now;
        }
    }

    /// Forgets who has been silent for long, but not what they held of a budget.
    fn fold(&mut self) {
        let (at, shape) = (self.at, self.shape);
        let mut folded = self.folded;
        self.entries.retain(|_, entry| {
            let known = entry.heard.saturating_add(shape.known_ms()) > at;
            if !known && shape == Shape::Budget {
                folded = folded.saturating_add(entry.held);
            }
            known
        });
        self.folded = folded;
        if let Shape::Rate { per_ms } = shape {
            self.buckets.forget(at, per_ms, shape.bucket_ms());
        }
    }

    /// Writes down what the ask says of its sender; the rise of what it has spent.
    fn note(&mut self, ask: &Ask) -> i64 {
        if ask.generation >= self.generation {
            self.generation = ask.generation;
            self.limit = ask.limit.max(0);
        }
        self.ready |= ask.met_ms >= TTL_MS.unsigned_abs();
        let entry = self.entries.entry(ask.incarnation).or_default();
        let rise = match self.shape {
            Shape::Budget => ask.spent.saturating_sub(entry.spent).max(0),
            Shape::Rate { .. } => {
                let width = self.shape.bucket_ms();
                self.buckets.add(self.at, width, &entry.aged, &ask.aged);
                entry.aged.clone_from(&ask.aged);
                0
            }
            Shape::Slots => 0,
        };
        entry.spent = entry.spent.saturating_add(rise);
        entry.seq = ask.seq;
        entry.held = ask.held.max(0);
        entry.pace = ask.pace.max(0);
        entry.heard = self.at;
        self.used = self.used.saturating_add(rise);
        rise
    }

    fn grant(&self, now_ms: i64, ask: &Ask) -> Outcome {
        let (need, want) = (ask.need.max(0), ask.want.max(ask.need).max(0));
        if ask.strict && !self.ready && want > 0 {
            return Outcome::Unready;
        }
        let parts = self.parts(self.at, Some(ask.incarnation));
        let settled = self.used_at(self.at).saturating_add(parts.lost);
        let free = self
            .limit
            .saturating_sub(settled)
            .saturating_sub(parts.leased);
        if need > 0 && need > free {
            return if settled.saturating_add(need) > self.limit {
                Outcome::Exhausted {
                    retry_ms: self.retry_ms(now_ms, parts.lost, need),
                }
            } else {
                Outcome::Busy
            };
        }
        let share = free.max(0) / (2 * i64::from(parts.replicas));
        Outcome::Granted(want.min(need.max(share)))
    }

    fn reply(&self, run: &RunId, ask: &Ask, outcome: Outcome) -> Reply {
        let parts = self.parts(self.at, Some(ask.incarnation));
        let used = self.used_at(self.at);
        let free = self.limit - used - parts.lost - parts.leased;
        Reply {
            run: run.clone(),
            outcome,
            used,
            lost: parts.lost,
            leased_elsewhere: parts.elsewhere,
            limit: self.limit,
            tail: free < parts.pace.saturating_mul(2),
            replicas: parts.replicas,
        }
    }

    fn parts(&self, at: i64, asker: Option<Incarnation>) -> Parts {
        let mut parts = Parts::of(self.shape, at, asker, &self.entries);
        parts.lost = parts.lost.saturating_add(self.folded);
        parts
    }

    fn used_at(&self, at: i64) -> i64 {
        match self.shape {
            Shape::Rate { per_ms } => self.buckets.sum(at, per_ms, self.shape.bucket_ms()),
            Shape::Budget | Shape::Slots => self.used,
        }
    }

    fn retry_ms(&self, now_ms: i64, lost: i64, need: i64) -> u64 {
        let retry_ms = match (self.shape, self.window) {
            (Shape::Rate { per_ms }, _) => {
                let room = self.limit.saturating_sub(lost).saturating_sub(need);
                self.buckets
                    .fits_in(self.at, per_ms, self.shape.bucket_ms(), room)
            }
            (Shape::Budget, Some(window)) => window.end.saturating_sub(now_ms),
            (Shape::Budget, None) | (Shape::Slots, _) => return RETRY_MS,
        };
        u64::try_from(retry_ms).unwrap_or(0).max(1)
    }
}

/// To an ask that changes nothing.
fn unapplied(run: &RunId, outcome: Outcome) -> Reply {
    Reply {
        run: run.clone(),
        outcome,
        used: 0,
        lost: 0,
        leased_elsewhere: 0,
        limit: 0,
        tail: false,
        replicas: 0,
    }
}

#[cfg(test)]
mod tests;
