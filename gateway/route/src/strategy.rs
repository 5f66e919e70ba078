//! In which order the targets of a rule, or the providers of a bare model name, are tried.

use std::cmp::Reverse;

use fairlead_snapshot::Strategy;
use smallvec::SmallVec;

use crate::sequence::Turn;

/// Something to try: its position in a list, and its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) position: usize,
    pub(crate) weight: u32,
}

/// Choices in some order. As many as a rule may have targets stay off the heap.
pub(crate) type Choices = SmallVec<[Choice; 16]>;

/// Puts choices, given in list order, into the order in which they are tried; those of weight 0 are left out.
pub(crate) fn arrange(
    strategy: Strategy,
    mut choices: Choices,
    turn: impl FnOnce() -> Turn,
) -> Choices {
    choices.retain(|choice| choice.weight > 0);
    match strategy {
        Strategy::Priority => {}
        Strategy::RoundRobin => {
            let first = turn().rotation(choices.len());
            choices.rotate_left(first);
        }
        Strategy::Weighted => {
            let picked = turn()
                .weighted(choices.iter().map(|choice| choice.weight))
                .map(|at| choices.remove(at));
            choices.sort_by_key(|choice| Reverse(choice.weight));
            choices.insert_many(0, picked);
        }
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::Sequence;

    fn positions(strategy: Strategy, weights: &[u32], turns_before: usize) -> Vec<usize> {
        let sequence = Sequence::default();
        for _ in 0..turns_before {
            sequence.take();
        }
        let choices = weights
            .iter()
            .enumerate()
            .map(|(position, weight)| Choice {
                position,
                weight: *weight,
            })
            .collect();
        arrange(strategy, choices, || sequence.take())
            .iter()
            .map(|choice| choice.position)
            .collect()
    }

    #[test]
    fn priority_keeps_the_list_order() {
        assert_eq!(positions(Strategy::Priority, &[1, 9, 0, 5], 3), [0, 1, 3]);
    }

    #[test]
    fn round_robin_rotates_and_ignores_weights_but_0() {
        assert_eq!(positions(Strategy::RoundRobin, &[1, 0, 9, 5], 0), [0, 2, 3]);
        assert_eq!(positions(Strategy::RoundRobin, &[1, 0, 9, 5], 1), [2, 3, 0]);
        assert_eq!(positions(Strategy::RoundRobin, &[1, 0, 9, 5], 2), [3, 0, 2]);
        assert!(positions(Strategy::RoundRobin, &[0], 0).is_empty());
    }

    #[test]
    fn weighted_goes_on_by_falling_weight_then_list_order() {
        let weights = [1, 5, 0, 9, 5];
        let mut first = std::collections::BTreeSet::new();
        for turns in 0..100 {
            let order = positions(Strategy::Weighted, &weights, turns);
            let rest: Vec<usize> = [3, 1, 4, 0]
                .into_iter()
                .filter(|position| *position != order[0])
                .collect();
            assert_eq!(order[1..], rest, "after {turns} turns");
            first.insert(order[0]);
        }
        assert_eq!(first.into_iter().collect::<Vec<_>>(), [0, 1, 3, 4]);
    }
}
