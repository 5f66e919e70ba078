//! In which order the targets of a rule, or the providers of a bare model name, are tried.

mod adaptive;
mod measured;

use std::cmp::Reverse;

use fairlead_snapshot::Strategy;
use smallvec::SmallVec;

use crate::sequence::Turn;
use crate::standing::{Judge, Vitals, WHOLE};

/// Something to try: its position in a list, and its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) position: usize,
    pub(crate) weight: u32,
}

/// Choices in some order. As many as a rule may have targets stay off the heap.
pub(crate) type Choices = SmallVec<[Choice; 16]>;

/// What is known of choices just now. Each strategy asks only for what it goes by, and only where there is something to choose.
pub(crate) trait Known {
    /// How much of its share one may have now, in thousandths.
    fn share(&self, choice: Choice) -> u32;

    /// The same, with what has been measured.
    fn vitals(&self, choice: Choice) -> Vitals {
        Vitals {
            share: self.share(choice),
            ..Vitals::UNKNOWN
        }
    }

    /// What the request will probably cost there, in nano-USD; `None`: nobody knows.
    fn cost(&self, _: Choice) -> Option<i64> {
        None
    }

    /// Who judges them; `None`: nobody does.
    fn judge(&self) -> Option<&dyn Judge> {
        None
    }

    /// Whether the answer is a stream that is passed on as it comes.
    fn streams(&self) -> bool {
        false
    }
}

/// Of which nothing is known but the share.
impl<F: Fn(Choice) -> u32> Known for F {
    fn share(&self, choice: Choice) -> u32 {
        self(choice)
    }
}

/// What has put the first target of a plan there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// There is no other.
    Only,
    /// Its share.
    Weighted,
    /// It was its turn.
    RoundRobin,
    /// Its place in the list.
    Priority,
    /// It has lately been quickest.
    LowestLatency,
    /// How it does nobody knows any more, or yet.
    Exploration,
    /// It costs the least.
    LowestCost,
    /// It has the least to do for its weight.
    LeastBusy,
    /// Its weight, and how it has done of late.
    Adaptive,
    /// The conversation is at home there.
    Conversation,
    /// The user is at home there.
    Sticky,
    /// A budget that is nearly used up: it costs the least.
    Budget,
}

impl ChosenBy {
    /// As logs show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round_robin",
            Self::Priority => "priority",
            Self::LowestLatency => "lowest_latency",
            Self::Exploration => "exploration",
            Self::LowestCost => "lowest_cost",
            Self::LeastBusy => "least_busy",
            Self::Adaptive => "adaptive",
            Self::Conversation => "conversation",
            Self::Sticky => "sticky",
            Self::Budget => "budget",
        }
    }
}

/// Puts choices, given in list order, into the order in which they are tried; those of weight 0 are left out. Says what has put the first there.
///
/// Who is first is drawn among those that may be tried now, each with as much of its share as it may have: what is down leaves its share to
/// the others in proportion. If nothing may, all are drawn from. `known` is asked only where there is something to choose.
pub(crate) fn arrange(
    strategy: Strategy,
    mut choices: Choices,
    known: &impl Known,
    turn: impl FnOnce() -> Turn,
) -> (Choices, ChosenBy) {
    choices.retain(|choice| choice.weight > 0);
    if choices.len() < 2 {
        return (choices, ChosenBy::Only);
    }
    let chosen_by = match strategy {
        Strategy::Priority => ChosenBy::Priority,
        Strategy::RoundRobin => {
            let first = first_in_turn(&shares(&choices, known), turn());
            choices.rotate_left(first);
            ChosenBy::RoundRobin
        }
        Strategy::Weighted => {
            let shares = shares(&choices, known);
            let weights = choices
                .iter()
                .zip(&shares)
                .map(|(choice, share)| u64::from(choice.weight) * u64::from(*share));
            let picked = turn().weighted(weights).map(|at| choices.remove(at));
            choices.sort_by_key(|choice| Reverse(choice.weight));
            choices.insert_many(0, picked);
            ChosenBy::Weighted
        }
        Strategy::LowestLatency | Strategy::LowestCost | Strategy::LeastBusy => {
            return measured::arrange(strategy, &choices, known, turn());
        }
        Strategy::Adaptive => return adaptive::arrange(choices, known, turn()),
    };
    (choices, chosen_by)
}

/// How much of its share each may have now.
fn shares(choices: &Choices, known: &impl Known) -> SmallVec<[u32; 16]> {
    let share = |choice: &Choice| known.share(*choice);
    let mut shares: SmallVec<[u32; 16]> = choices.iter().map(share).collect();
    if shares.iter().all(|share| *share == 0) {
        shares.fill(WHOLE);
    }
    shares
}

/// Who is first when those that may be tried take turns.
fn first_in_turn(shares: &[u32], turn: Turn) -> usize {
    if shares.iter().any(|share| *share != 0 && *share != WHOLE) {
        let weights = shares.iter().copied().map(u64::from);
        return turn.weighted(weights).unwrap_or(0);
    }
    let mut standing = shares.iter().enumerate().filter(|(_, share)| **share > 0);
    let count = standing.clone().count();
    standing
        .nth(turn.rotation(count))
        .map_or(0, |(position, _)| position)
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
        let (order, _) = arrange(strategy, choices, &|_: Choice| WHOLE, || sequence.take());
        order.iter().map(|choice| choice.position).collect()
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

    /// How many of `turns` in a row each position is first in, when their standing is this.
    fn firsts(strategy: Strategy, weights: &[u32], standing: &[u32], turns: usize) -> Vec<usize> {
        let sequence = Sequence::default();
        let choices: Choices = (0..)
            .zip(weights)
            .map(|(position, weight)| Choice {
                position,
                weight: *weight,
            })
            .collect();
        let mut counts = vec![0; weights.len()];
        for _ in 0..turns {
            let standing = |choice: Choice| standing[choice.position];
            let (order, _) = arrange(strategy, choices.clone(), &standing, || sequence.take());
            assert_eq!(order.len(), weights.len(), "nobody is left out");
            counts[order[0].position] += 1;
        }
        counts
    }

    fn close(had: &[usize], due: &[usize]) -> bool {
        had.iter()
            .zip(due)
            .all(|(had, due)| had.abs_diff(*due) <= 2)
    }

    #[test]
    fn what_is_down_leaves_its_share_to_the_others_in_proportion() {
        let table: [(&[u32], &[u32], &[usize]); 5] = [
            (&[1, 1, 1, 1], &[1000, 1000, 0, 1000], &[100, 100, 0, 100]),
            (&[60, 30, 10], &[0, 1000, 1000], &[0, 225, 75]),
            (&[60, 30, 10], &[1000, 0, 0], &[300, 0, 0]),
            (&[1, 1, 1], &[0, 0, 0], &[100, 100, 100]),
            // One that is coming back has half of its share: of 2.5 parts it has half a part.
            (&[1, 1, 1], &[500, 1000, 1000], &[60, 120, 120]),
        ];
        for (weights, standing, due) in table {
            let had = firsts(Strategy::Weighted, weights, standing, 300);
            assert!(close(&had, due), "{weights:?} {standing:?}: {had:?}");
        }
    }

    #[test]
    fn those_that_may_be_tried_take_turns_evenly_among_themselves() {
        let table: [(&[u32], &[usize]); 4] = [
            (&[1000, 1000, 0, 1000], &[100, 100, 0, 100]),
            (&[0, 0, 1000, 0], &[0, 0, 300, 0]),
            (&[0, 0, 0, 0], &[75, 75, 75, 75]),
            (&[500, 0, 1000, 1000], &[60, 0, 120, 120]),
        ];
        for (standing, due) in table {
            let had = firsts(Strategy::RoundRobin, &[1, 9, 5, 1], standing, 300);
            assert!(close(&had, due), "{standing:?}: {had:?}");
        }
    }

    #[test]
    fn the_list_order_of_priorities_does_not_depend_on_who_is_up() {
        let had = firsts(Strategy::Priority, &[1, 1], &[0, 1000], 10);
        assert_eq!(had, [10, 0]);
    }
}
