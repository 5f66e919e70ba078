//! The strategy that judges its targets by how they do: whoever judges them says who is first ([`Judge`]).
//!
//! Behind the first stand those that may be tried now by the share that they are thought worth, then those that may not: they are who to fall back
//! to. Where nobody judges - nothing is served, only explained - targets are spread by their weights.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::{Choices, ChosenBy, Known, shares};
use crate::sequence::Turn;

/// As [`super::arrange`].
pub(super) fn arrange(mut choices: Choices, known: &impl Known, turn: Turn) -> (Choices, ChosenBy) {
    let shares = shares(&choices, known);
    let Some(judge) = known.judge() else {
        let weights = choices.iter().zip(&shares);
        let weights = weights.map(|(choice, share)| u64::from(choice.weight) * u64::from(*share));
        let first = turn.weighted(weights).map(|at| choices.remove(at));
        choices.sort_by_key(|choice| Reverse(choice.weight));
        choices.insert_many(0, first);
        return (choices, ChosenBy::Adaptive);
    };
    let count = choices.iter().map(|choice| choice.position + 1).max();
    let mut permitted: SmallVec<[u32; 16]> = SmallVec::from_elem(0, count.unwrap_or(0));
    for (choice, share) in choices.iter().zip(&shares) {
        if let Some(permitted) = permitted.get_mut(choice.position) {
            *permitted = *share;
        }
    }
    let chosen = judge.choose(&permitted, turn.point(), known.streams());
    choices.sort_by_key(|choice| {
        let may = permitted
            .get(choice.position)
            .is_some_and(|share| *share > 0);
        (!may, Reverse(judge.part(choice.position)))
    });
    let Some(chosen) = chosen else {
        return (choices, ChosenBy::Adaptive);
    };
    let at = choices
        .iter()
        .position(|choice| choice.position == chosen.position);
    if let Some(before) = at.and_then(|at| choices.get_mut(..=at)) {
        before.rotate_right(1);
    }
    let by = if chosen.explores {
        ChosenBy::Exploration
    } else {
        ChosenBy::Adaptive
    };
    (choices, by)
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, Strategy};
    use super::*;
    use crate::sequence::Sequence;
    use crate::standing::{Chosen, Judge};

    /// Of whom each has so large a share, and one is chosen.
    struct World {
        shares: Vec<u32>,
        permitted: Vec<u32>,
        chosen: usize,
        explores: bool,
    }

    impl Judge for World {
        fn choose(&self, permitted: &[u32], _: u64, stream: bool) -> Option<Chosen> {
            assert!(stream);
            let may = permitted.get(self.chosen).is_some_and(|share| *share > 0);
            may.then_some(Chosen {
                position: self.chosen,
                explores: self.explores,
            })
        }

        fn part(&self, position: usize) -> u32 {
            self.shares[position]
        }
    }

    impl Known for World {
        fn share(&self, choice: Choice) -> u32 {
            self.permitted[choice.position]
        }

        fn judge(&self) -> Option<&dyn Judge> {
            Some(self)
        }

        fn streams(&self) -> bool {
            true
        }
    }

    fn choices(positions: &[usize]) -> Choices {
        let choice = |position: &usize| Choice {
            position: *position,
            weight: 1,
        };
        positions.iter().map(choice).collect()
    }

    fn order(world: &World, positions: &[usize]) -> (Vec<usize>, ChosenBy) {
        let take = || Sequence::default().take();
        let (order, by) =
            super::super::arrange(Strategy::Adaptive, choices(positions), world, take);
        (order.iter().map(|choice| choice.position).collect(), by)
    }

    #[test]
    fn whoever_judges_says_who_is_first_and_the_others_stand_by_their_shares() {
        let mut world = World {
            shares: vec![100, 300, 50, 550],
            permitted: vec![1000, 1000, 1000, 0],
            chosen: 2,
            explores: true,
        };
        let all = [0, 1, 2, 3];
        assert_eq!(
            order(&world, &all),
            (vec![2, 1, 0, 3], ChosenBy::Exploration)
        );
        (world.chosen, world.explores) = (1, false);
        assert_eq!(order(&world, &all), (vec![1, 0, 2, 3], ChosenBy::Adaptive));
        // One of them this caller must not ask.
        assert_eq!(order(&world, &[1, 3]).0, [1, 3]);
        // Nobody may be tried: all may.
        world.permitted = vec![0; 4];
        assert_eq!(order(&world, &all).0, [1, 3, 0, 2]);
    }

    #[test]
    fn where_nobody_judges_weights_are_what_is_believed() {
        let sequence = Sequence::default();
        let mut had = [0_usize; 2];
        for _ in 0..100 {
            let weighted = [(0, 7), (1, 3)].map(|(position, weight)| Choice { position, weight });
            let (order, by) = super::super::arrange(
                Strategy::Adaptive,
                weighted.into_iter().collect(),
                &|_: Choice| 1000,
                || sequence.take(),
            );
            assert_eq!((order.len(), by), (2, ChosenBy::Adaptive));
            had[order[0].position] += 1;
        }
        assert!(had[0].abs_diff(70) <= 1, "{had:?}");
    }
}
