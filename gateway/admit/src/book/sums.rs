//! What was spent of a budget in each quarter of an hour, whatever its windows were: a window that is defined anew (another period, zone or
//! reset) begins with what fell into it.
//!
//! A sum never straddles the edge of the window it was charged to: the first of a window begins with it. So one window after another, as a
//! calendar has them, never see each other's, and a charge that comes after the end of its window stays in it. After 35 days quarters are
//! folded into days of UTC, and a window that begins within such a day does not count it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::window::Window;

const QUARTER_MS: i64 = 15 * 60_000;
const DAY_MS: i64 = 86_400_000;
/// How long quarters are told apart, and how long days are kept.
const FINE_MS: i64 = 35 * DAY_MS;
const COARSE_MS: i64 = 400 * DAY_MS;

/// The sums of one counter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// By the moment they begin with.
    spent: BTreeMap<i64, i64>,
    /// The windows opened that have not ended, and what was charged to another since though it fell into them.
    live: Vec<(Window, i64)>,
    /// The day that was last begun.
    day: i64,
}

impl Sums {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spent.is_empty() && self.live.is_empty()
    }

    /// Until when it must be kept, unix milliseconds.
    #[must_use]
    pub const fn kept_until(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(COARSE_MS)
    }

    /// A window that has no account yet; what was spent in it.
    pub(super) fn opened(&mut self, window: Window, now_ms: i64) -> i64 {
        self.live
            .retain(|(live, _)| *live != window && live.end > now_ms);
        self.live.push((window, 0));
        self.within(window)
    }

    /// What fell into a window, whatever its name was: what is used of it where it has no book.
    #[must_use]
    pub fn within(&self, window: Window) -> i64 {
        let within = self.spent.range(window.start..window.end.max(window.start));
        within.fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// Adds what was charged to a window.
    pub(super) fn charge(&mut self, window: Window, now_ms: i64, amount: i64) {
        if amount <= 0 {
            return;
        }
        let moment = now_ms.min(window.end - 1).max(window.start);
        let begins = (moment - moment.rem_euclid(QUARTER_MS)).max(window.start);
        let sum = self.spent.entry(begins).or_default();
        *sum = sum.saturating_add(amount);
        for (live, late) in &mut self.live {
            if *live != window && live.start <= begins && begins < live.end {
                *late = late.saturating_add(amount);
            }
        }
        let day = now_ms - now_ms.rem_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.fold(now_ms);
        }
    }

    /// What was charged to others since the last call though it fell into this window.
    pub(super) fn late(&mut self, window: Window) -> i64 {
        self.live
            .iter_mut()
            .find(|(live, _)| *live == window)
            .map_or(0, |(_, late)| std::mem::take(late))
    }

    /// What [`Self::late`] would say.
    pub(super) fn pending(&self, window: Window) -> i64 {
        let live = self.live.iter().find(|(live, _)| *live == window);
        live.map_or(0, |(_, late)| *late)
    }

    fn fold(&mut self, now_ms: i64) {
        let recent = self.spent.split_off(&now_ms.saturating_sub(FINE_MS));
        for (begins, spent) in std::mem::replace(&mut self.spent, recent) {
            if begins >= now_ms.saturating_sub(COARSE_MS) {
                let sum = self
                    .spent
                    .entry(begins - begins.rem_euclid(DAY_MS))
                    .or_default();
                *sum = sum.saturating_add(spent);
            }
        }
    }
}
