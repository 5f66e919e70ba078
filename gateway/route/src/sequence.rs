//! An even spread: the n-th request takes the n-th point of a low-discrepancy sequence.
//!
//! Random picks are fair only in the long run; of 200 of them a 70/30 split may well be 64/36. The fractional parts of the multiples of the
//! golden ratio fill the unit interval as evenly as any sequence of this kind does, over every window and whatever came before, so the
//! split is right from the first requests after a change of weights on, and all it takes is one shared counter (Knuth, The Art of Computer
//! Programming 3, 6.4: Fibonacci hashing).

use std::sync::atomic::{AtomicU64, Ordering};

/// 2^64 divided by the golden ratio, made odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The fractional part of the square root of two in the same way: with the golden ratio it fills a square as evenly.
const OTHER_STEP: u64 = 0x6A09_E667_F3BC_C909;
/// 2^64 times the fractional part of the square root of three, made odd.
const APART: u64 = 0xBB67_AE85_84CA_A73B;

/// Where a spread stands. Shared by all threads; the order in which they take turns does not matter.
#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicU64);

/// One turn of a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn(u64);

/// How a turn is had: taken, or only looked at.
pub(crate) type Draw = fn(&Sequence) -> Turn;

impl Sequence {
    /// Takes the next turn.
    pub(crate) fn take(&self) -> Turn {
        Turn(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// The turn that would be next.
    pub(crate) fn peek(&self) -> Turn {
        Turn(self.0.load(Ordering::Relaxed))
    }
}

impl Turn {
    /// The position of the weight on which this turn's point falls; `None` if all are 0. A weight of 0 is never chosen.
    pub(crate) fn weighted(self, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
        let total: u128 = weights.clone().map(u128::from).sum();
        let mut point = (u128::from(self.point()) * total) >> 64;
        for (position, weight) in weights.map(u128::from).enumerate() {
            if point < weight {
                return Some(position);
            }
            point -= weight;
        }
        None
    }

    /// Whether this turn falls into a share of `part` in a thousand. Where its point falls among weights has nothing to do with it: one that is
    /// drawn only if it is let in has as much as both say.
    pub(crate) fn falls_within(self, part: u32) -> bool {
        (u128::from(self.0.wrapping_mul(OTHER_STEP)) * 1000) >> 64 < u128::from(part)
    }

    /// This turn's point, of the whole range of numbers.
    pub(crate) fn point(self) -> u64 {
        self.0.wrapping_mul(STEP)
    }

    /// The same of a second point, which is as evenly spread and falls within any part whatever the first one does.
    pub(crate) fn falls_apart_within(self, part: u32) -> bool {
        (u128::from(self.0.wrapping_mul(APART)) * 1000) >> 64 < u128::from(part)
    }

    /// Another turn, whose point has nothing to do with this one's.
    pub(crate) fn another(self) -> Self {
        // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(word ^ (word >> 31))
    }

    /// Which of `count` has this turn when they take turns; 0 if there is none.
    pub(crate) fn rotation(self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0
            .checked_rem(count)
            .and_then(|at| usize::try_from(at).ok())
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the share of every weight is within `percent` points of its due in every `window` turns in a row of `turns`.
    fn even(weights: &[u32], window: u64, percent: u64, turns: std::ops::Range<u64>) -> bool {
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        let picks: Vec<usize> = turns
            .map(|n| {
                Turn(n)
                    .weighted(weights.iter().copied().map(u64::from))
                    .unwrap()
            })
            .collect();
        picks
            .windows(usize::try_from(window).unwrap())
            .all(|window_picks| {
                weights.iter().enumerate().all(|(position, weight)| {
                    let picked = u64::try_from(
                        window_picks
                            .iter()
                            .filter(|pick| **pick == position)
                            .count(),
                    )
                    .unwrap();
                    // In hundredths of the total of all picks, times the total of all weights: whole numbers.
                    (picked * total).abs_diff(u64::from(*weight) * window) * 100
                        <= percent * window * total
                })
            })
    }

    const SPLITS: [&[u32]; 8] = [
        &[70, 30],
        &[7, 3],
        &[1, 1, 1],
        &[999, 1],
        &[1, 999],
        &[50, 30, 20],
        &[1, 2, 3, 4],
        &[1_000_000, 1],
    ];

    #[test]
    fn any_200_turns_in_a_row_are_within_a_point_of_the_split() {
        for weights in SPLITS {
            for start in [0, 1_000_000, u64::MAX / 2] {
                assert!(
                    even(weights, 200, 1, start..start + 3_000),
                    "{weights:?} from {start}"
                );
            }
        }
    }

    #[test]
    fn a_change_of_weights_in_the_middle_leaves_both_splits_even() {
        for change in (1_000..1_100).step_by(7) {
            assert!(
                even(&[70, 30], 200, 1, change - 500..change)
                    && even(&[20, 80], 200, 1, change..change + 500),
                "at {change}"
            );
        }
    }

    #[test]
    fn proportions_count_and_not_the_numbers() {
        for n in 0..1_000 {
            let pick = |weights: [u64; 2]| Turn(n).weighted(weights.into_iter());
            assert_eq!(pick([7, 3]), pick([700_000, 300_000]));
        }
    }

    #[test]
    fn a_weight_of_0_is_never_chosen_and_none_of_only_zeros() {
        for n in (0..1_000).chain(u64::MAX - 1_000..u64::MAX) {
            assert_eq!(Turn(n).weighted([0, 5, 0].into_iter()), Some(1));
            assert_eq!(Turn(n).weighted([0, 0].into_iter()), None);
        }
    }

    #[test]
    fn the_rotation_gives_everyone_a_turn() {
        let turns: Vec<usize> = (0..7).map(|n| Turn(n).rotation(3)).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(Turn(5).rotation(0), 0);
    }

    #[test]
    fn a_part_of_all_turns_falls_within_it() {
        for part in [0, 1, 50, 300, 999, 1000] {
            let turns = (0..10_000).map(Turn).filter(|turn| turn.falls_within(part));
            let due = usize::try_from(part).unwrap() * 10;
            assert!(turns.count().abs_diff(due) <= 2, "{part}");
        }
    }

    #[test]
    fn the_second_point_is_as_even_and_has_nothing_to_do_with_the_first() {
        for part in [10, 50, 300] {
            for start in [0, 1_000_000, u64::MAX / 2] {
                let turns = || (start..start + 10_000).map(Turn);
                let copied = turns().filter(|turn| turn.falls_apart_within(part));
                let due = usize::try_from(part).unwrap() * 10;
                assert!(copied.clone().count().abs_diff(due) <= 5, "{part}");
                // Of those that are copied as many go to the first of two targets as of all others.
                let first = copied.filter(|turn| turn.falls_within(300)).count();
                assert!(
                    (first * 10).abs_diff(due * 3) <= due.max(60),
                    "{part} {first}"
                );
            }
        }
    }

    #[test]
    fn another_turn_has_a_point_of_its_own() {
        let both = |n| [Turn(n), Turn(n).another()].map(|turn| turn.falls_within(500));
        for wanted in [[true, true], [true, false], [false, true], [false, false]] {
            let count = (0..10_000).filter(|n| both(*n) == wanted).count();
            assert!((2_200..2_800).contains(&count), "{wanted:?} {count}");
        }
    }

    #[test]
    fn peeking_takes_no_turn() {
        let sequence = Sequence::default();
        assert_eq!(
            (sequence.peek().0, sequence.take().0, sequence.peek().0),
            (0, 0, 1)
        );
    }
}
