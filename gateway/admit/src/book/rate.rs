//! What was spent of a rate, by when it was admitted: sixty buckets to an interval, each counted until its last moment is an interval ago.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::Aged;

/// Spent, by bucket of the book's time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Buckets(BTreeMap<i64, i64>);

impl Buckets {
    /// Adds what `now` says beyond `before`, each rise to the bucket of its admission. What the way took makes it younger, never older.
    pub(super) fn add(&mut self, at: i64, width_ms: u64, before: &[Aged], now: &[Aged]) {
        for one in now {
            let known = before
                .iter()
                .find(|earlier| earlier.bucket == one.bucket)
                .map_or(0, |earlier| earlier.spent);
            let rise = one.spent.saturating_sub(known);
            if rise > 0 {
                let age = i64::try_from(one.age_ms).unwrap_or(i64::MAX);
                let bucket = at.saturating_sub(age).div_euclid(signed(width_ms));
                let sum = self.0.entry(bucket).or_default();
                *sum = sum.saturating_add(rise);
            }
        }
    }

    /// What counts at the moment.
    pub(super) fn sum(&self, at: i64, per_ms: u64, width_ms: u64) -> i64 {
        let counts = |(bucket, _): &(&i64, &i64)| leaves(**bucket, per_ms, width_ms) > at;
        self.0
            .iter()
            .filter(counts)
            .fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// Drops what counts no more.
    pub(super) fn forget(&mut self, at: i64, per_ms: u64, width_ms: u64) {
        self.0
            .retain(|bucket, _| leaves(*bucket, per_ms, width_ms) > at);
    }

    /// In how many milliseconds no more than `room` counts of what there is now; an interval, where that is never.
    pub(super) fn fits_in(&self, at: i64, per_ms: u64, width_ms: u64, room: i64) -> i64 {
        let mut sum = self.sum(at, per_ms, width_ms);
        for (bucket, spent) in &self.0 {
            let leaves = leaves(*bucket, per_ms, width_ms);
            if leaves <= at {
                continue;
            }
            sum = sum.saturating_sub(*spent);
            if sum <= room {
                return leaves.saturating_sub(at);
            }
        }
        signed(per_ms)
    }
}

/// When a bucket counts no more.
fn leaves(bucket: i64, per_ms: u64, width_ms: u64) -> i64 {
    bucket
        .saturating_add(1)
        .saturating_mul(signed(width_ms))
        .saturating_add(signed(per_ms))
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
