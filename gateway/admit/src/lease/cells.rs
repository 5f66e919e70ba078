//! The numbers of a lease that outlive its process, as plain atomic cells.
//!
//! `HELD` is all it keeps, `IDLE` the part of it that is not reserved. A take moves one cell, so a process that dies at any point leaves totals
//! that are right, or too high by the one settlement it died in.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::exchange::{Aged, Incarnation, Shape};

const IDLE: usize = 0;
const HELD: usize = 1;
/// All that was settled; what the store is told is this without `BASE`.
const SPENT: usize = 2;
/// Settled and told in earlier lives, under other incarnations.
const BASE: usize = 3;
/// How much of `SPENT` the store has heard of, for all anybody knows: what it acknowledged last, or was told first since.
const TOLD: usize = 4;
/// The last number used.
const SEQ: usize = 5;
/// When the store last acknowledged it, or was told first; unix milliseconds; 0: never in this life.
const HEARD: usize = 6;
/// The process of the store that acknowledged it, as a hash; 0: none has.
const RUN: usize = 7;
const HIGH: usize = 8;
const LOW: usize = 9;
/// The latest moment that buckets were counted by, in milliseconds.
const LATEST: usize = 10;
const FIXED: usize = 12;
/// Buckets of a rate, each one cell: an interval of 60, the running one, and room for the way.
const RING: usize = 64;
const AMOUNT_BITS: u32 = 40;
const AMOUNT_MOST: i64 = (1 << AMOUNT_BITS) - 1;
const TAG_MOST: u64 = (1 << 23) - 1;

/// How many cells a lease needs.
#[must_use]
pub const fn cells(shape: Shape) -> usize {
    match shape {
        Shape::Rate { .. } => FIXED + RING,
        Shape::Budget | Shape::Slots => FIXED,
    }
}

/// The cells of one lease.
#[derive(Debug)]
pub(super) struct Cells {
    fixed: &'static [AtomicI64; FIXED],
    ring: &'static [AtomicI64],
}

impl Cells {
    pub(super) fn new(cells: &'static [AtomicI64], shape: Shape) -> Option<Self> {
        let (fixed, rest) = cells.split_first_chunk::<FIXED>()?;
        let ring = match shape {
            Shape::Rate { .. } => rest.get(..RING)?,
            Shape::Budget | Shape::Slots => &[],
        };
        Some(Self { fixed, ring })
    }

    pub(super) fn clear(&self, incarnation: Incarnation) {
        for cell in self.fixed.iter().chain(self.ring) {
            cell.store(0, Ordering::Relaxed);
        }
        self.name(incarnation);
    }

    fn name(&self, Incarnation(name): Incarnation) {
        let bytes = name.to_be_bytes();
        let (high, low) = bytes.split_at(8);
        let half = |half: &[u8]| i64::from_be_bytes(half.try_into().unwrap_or_default());
        self.fixed[HIGH].store(half(high), Ordering::Release);
        self.fixed[LOW].store(half(low), Ordering::Release);
    }

    /// Whose numbers they are; `None`: they were never a lease's.
    pub(super) fn incarnation(&self) -> Option<Incarnation> {
        let high = self.fixed[HIGH].load(Ordering::Acquire).cast_unsigned();
        let low = self.fixed[LOW].load(Ordering::Acquire).cast_unsigned();
        let name = (u128::from(high) << 64) | u128::from(low);
        (name != 0).then_some(Incarnation(name))
    }

    /// Takes from what is idle, if that suffices.
    pub(super) fn take_idle(&self, need: i64) -> bool {
        let taken = |idle: i64| (idle >= need).then(|| idle - need);
        let idle = &self.fixed[IDLE];
        let result = idle.fetch_update(Ordering::AcqRel, Ordering::Relaxed, taken);
        result.is_ok()
    }

    /// Takes from what is idle whether it suffices or not.
    pub(super) fn lower_idle(&self, by: i64) {
        self.fixed[IDLE].fetch_sub(by, Ordering::AcqRel);
    }

    pub(super) fn idle(&self) -> i64 {
        self.fixed[IDLE].load(Ordering::Acquire)
    }

    pub(super) fn held(&self) -> i64 {
        self.fixed[HELD].load(Ordering::Acquire)
    }

    /// What is held and not idle.
    pub(super) fn reserved(&self) -> i64 {
        self.held().saturating_sub(self.idle()).max(0)
    }

    pub(super) fn spend(&self, amount: i64) {
        self.fixed[SPENT].fetch_add(amount, Ordering::AcqRel);
    }

    /// All that was ever settled in these cells.
    pub(super) fn spent(&self) -> i64 {
        self.fixed[SPENT].load(Ordering::Acquire)
    }

    /// Of so much, what was settled in this life.
    pub(super) fn spent_of(&self, spent: i64) -> i64 {
        spent.saturating_sub(self.fixed[BASE].load(Ordering::Acquire))
    }

    /// What was reserved is no longer held as far as it was spent, and idle as far as it was not.
    pub(super) fn settle(&self, reserved: i64, actual: i64) {
        self.fixed[HELD].fetch_sub(actual, Ordering::AcqRel);
        let left = reserved.saturating_sub(actual);
        self.fixed[IDLE].fetch_add(left, Ordering::AcqRel);
    }

    /// More is held, and idle.
    pub(super) fn grant(&self, amount: i64) {
        self.fixed[HELD].fetch_add(amount, Ordering::AcqRel);
        self.fixed[IDLE].fetch_add(amount, Ordering::AcqRel);
    }

    /// Gives back what is idle beyond `keep`; how much.
    pub(super) fn give_back(&self, keep: i64) -> i64 {
        let kept = |idle: i64| (idle > keep).then_some(keep);
        let before = self.fixed[IDLE].fetch_update(Ordering::AcqRel, Ordering::Relaxed, kept);
        let given = before.map_or(0, |idle| idle - keep);
        self.fixed[HELD].fetch_sub(given, Ordering::AcqRel);
        given
    }

    /// What was used beyond all that was granted is held from now on, granted or not.
    pub(super) fn own_up(&self) {
        let idle = self.idle();
        if idle < 0 {
            self.grant(-idle);
        }
    }

    /// The next number.
    pub(super) fn next_seq(&self) -> u64 {
        let before = self.fixed[SEQ].fetch_add(1, Ordering::AcqRel);
        before.cast_unsigned().saturating_add(1)
    }

    /// The store has taken note of so much, in its process `run`.
    pub(super) fn acknowledge(&self, spent: i64, unix_ms: i64, run: u64) {
        self.fixed[TOLD].store(spent, Ordering::Release);
        self.fixed[RUN].store(run.cast_signed(), Ordering::Release);
        self.fixed[HEARD].store(unix_ms.max(1), Ordering::Release);
    }

    /// The store is told so much, for the first time since it acknowledged anything. If it then forgets this life it may have counted it or not:
    /// what was held covers it, so it is not said again.
    /// Returns what it had heard of before.
    pub(super) fn tell(&self, spent: i64, unix_ms: i64) -> i64 {
        let before = self.fixed[TOLD].swap(spent, Ordering::AcqRel);
        if self.heard().is_none() {
            self.fixed[RUN].store(0, Ordering::Release);
            self.fixed[HEARD].store(unix_ms.max(1), Ordering::Release);
        }
        before
    }

    /// When the store had word of it, and which process acknowledged it.
    pub(super) fn heard(&self) -> Option<(i64, u64)> {
        let at = self.fixed[HEARD].load(Ordering::Acquire);
        let run = self.fixed[RUN].load(Ordering::Acquire).cast_unsigned();
        (at != 0).then_some((at, run))
    }

    /// Begins a life anew with what the store was not told in this one; `told`: how much it was, if that is certain.
    pub(super) fn reopen(&self, told: Option<i64>) {
        self.fixed[HEARD].store(0, Ordering::Release);
        if let Some(told) = told {
            self.fixed[TOLD].store(told, Ordering::Release);
        }
        let told = self.fixed[TOLD].load(Ordering::Acquire);
        self.fixed[BASE].store(told, Ordering::Release);
        self.fixed[LOW].fetch_add(1, Ordering::AcqRel);
    }

    /// Settles what a dead process left.
    pub(super) fn bury(&self, shape: Shape, bucket: u64) {
        let reserved = self.reserved();
        match shape {
            Shape::Budget => self.spend(reserved),
            Shape::Rate { .. } => self.spend_in(bucket, reserved),
            Shape::Slots => {}
        }
        self.fixed[IDLE].store(0, Ordering::Release);
        self.fixed[HELD].store(0, Ordering::Release);
    }

    pub(super) fn latest(&self) -> u64 {
        self.fixed[LATEST].load(Ordering::Acquire).cast_unsigned()
    }

    pub(super) fn see(&self, ms: u64) {
        self.fixed[LATEST].store(ms.cast_signed(), Ordering::Release);
    }

    /// Adds to a bucket, and to the total. A bucket that is not counted any more takes nothing.
    pub(super) fn spend_in(&self, bucket: u64, amount: i64) {
        let at = usize::try_from(bucket).unwrap_or(usize::MAX) % RING;
        let Some(cell) = self.ring.get(at).filter(|_| amount > 0) else {
            return;
        };
        let added = |word: i64| {
            let (tag, before) = unpack(word);
            let age = tag_of(bucket).wrapping_sub(tag) & TAG_MOST;
            let later = age > TAG_MOST / 2;
            let before = if age == 0 { before } else { 0 };
            (!later || word == 0).then(|| pack(tag_of(bucket), before.saturating_add(amount)))
        };
        // It declines where the bucket's place has gone to a later one.
        let _ = cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, added);
        self.spend(amount);
    }

    /// What was spent in the buckets that may still count, `now` being the running one.
    pub(super) fn aged(&self, now_ms: u64, width_ms: u64) -> Vec<Aged> {
        let now = now_ms / width_ms;
        let reach = u64::try_from(RING).unwrap_or(0).min(now + 1);
        let mut all = Vec::new();
        for bucket in (now + 1 - reach)..=now {
            let at = usize::try_from(bucket).unwrap_or(usize::MAX) % RING;
            let word = self.ring.get(at).map_or(0, |c| c.load(Ordering::Acquire));
            let (tag, spent) = unpack(word);
            if word != 0 && tag == tag_of(bucket) {
                let age_ms = (now_ms + 1).saturating_sub((bucket + 1) * width_ms);
                all.push(Aged {
                    bucket,
                    age_ms,
                    spent,
                });
            }
        }
        all
    }
}

fn tag_of(bucket: u64) -> u64 {
    bucket & TAG_MOST
}

fn pack(tag: u64, amount: i64) -> i64 {
    (tag.cast_signed() << AMOUNT_BITS) | amount.clamp(0, AMOUNT_MOST)
}

fn unpack(word: i64) -> (u64, i64) {
    (
        (word >> AMOUNT_BITS).cast_unsigned() & TAG_MOST,
        word & AMOUNT_MOST,
    )
}
