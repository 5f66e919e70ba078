//! What one incarnation last said of itself, and what all of them come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::{Aged, Incarnation, KNOWN_MS, Outcome, Shape, TTL_MS};

/// One incarnation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The number of its last ask, whose outcome is repeated if it comes again.
    pub(super) seq: u64,
    pub(super) outcome: Outcome,
    pub(super) spent: i64,
    pub(super) aged: Vec<Aged>,
    pub(super) held: i64,
    pub(super) pace: i64,
    /// When its last word came, by the book's time.
    pub(super) heard: i64,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            seq: 0,
            outcome: Outcome::Old,
            spent: 0,
            aged: Vec::new(),
            held: 0,
            pace: 0,
            heard: 0,
        }
    }
}

/// What all incarnations come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// Held by those who are silent.
    pub(super) lost: i64,
    /// Held by those who live.
    pub(super) leased: i64,
    /// The same without the one who asks.
    pub(super) elsewhere: i64,
    /// What those who live use in a second.
    pub(super) pace: i64,
    /// How many of them hold or use something; at least 1.
    pub(super) replicas: u32,
}

impl Parts {
    pub(super) fn of(
        shape: Shape,
        at: i64,
        asker: Option<Incarnation>,
        entries: &BTreeMap<Incarnation, Entry>,
    ) -> Self {
        let mut parts = Self {
            lost: 0,
            leased: 0,
            elsewhere: 0,
            pace: 0,
            replicas: u32::from(asker.is_some()),
        };
        for (incarnation, entry) in entries {
            let silent = at.saturating_sub(entry.heard);
            if silent >= TTL_MS {
                if silent < shape.lost_ms() {
                    parts.lost = parts.lost.saturating_add(entry.held);
                }
                continue;
            }
            parts.leased = parts.leased.saturating_add(entry.held);
            parts.pace = parts.pace.saturating_add(entry.pace);
            if asker != Some(*incarnation) {
                parts.elsewhere = parts.elsewhere.saturating_add(entry.held);
                parts.replicas += u32::from(entry.held > 0 || entry.pace > 0);
            }
        }
        parts.replicas = parts.replicas.max(1);
        parts
    }
}

impl Shape {
    /// How long an incarnation is known after its last word, in milliseconds. Of a rate so long that nothing it has reported counts any more.
    pub(super) fn known_ms(self) -> i64 {
        match self {
            Self::Rate { per_ms } => {
                KNOWN_MS.saturating_add(i64::try_from(per_ms).unwrap_or(i64::MAX))
            }
            Self::Budget | Self::Slots => KNOWN_MS,
        }
    }

    /// How long after its last word what an incarnation held counts, in milliseconds. A lease of a rate or of slots is used for TTL after its last
    /// word and no longer: then slots are free, and what it admitted of a rate has left the interval one interval later.
    fn lost_ms(self) -> i64 {
        match self {
            Self::Budget => i64::MAX,
            Self::Rate { per_ms } => {
                let until = TTL_MS
                    .unsigned_abs()
                    .saturating_add(per_ms)
                    .saturating_add(2 * self.bucket_ms());
                i64::try_from(until).unwrap_or(i64::MAX)
            }
            Self::Slots => 0,
        }
    }
}
