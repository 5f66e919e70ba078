//! Strategies that follow what is measured: the quickest, the cheapest, the least busy.
//!
//! Who may be tried now goes before who may not, whatever the measure says; one that is coming back is among them in as many turns as it may
//! have of its share. Everybody stays in the order: behind the first they stand by the same measure, for those are the ones to fall back to.
//! Nothing is allocated for as many targets as a rule may have.

use fairlead_snapshot::Strategy;
use smallvec::SmallVec;

use super::{Choice, Choices, ChosenBy, Known};
use crate::sequence::Turn;
use crate::standing::Vitals;

/// So many requests that wait at a target let it count as twice as slow.
const CROWD: u64 = 4;
/// Whoever is slower than the quickest by at most this part of its time is as good.
const AS_GOOD: u64 = 5;
/// So many requests in a thousand may go and find out anew how quick a target is.
const EXPLORING: u32 = 50;

/// A choice, with what is known of it.
struct Seen {
    choice: Choice,
    /// Whether it may be tried now.
    up: bool,
    vitals: Vitals,
    /// What the choices are put in order by, the lowest first.
    measure: u64,
}

type AllSeen = SmallVec<[Seen; 16]>;

/// As [`super::arrange`].
pub(super) fn arrange(
    strategy: Strategy,
    choices: &Choices,
    known: &impl Known,
    turn: Turn,
) -> (Choices, ChosenBy) {
    let mut seen: AllSeen = choices
        .iter()
        .map(|choice| look(strategy, *choice, known, turn))
        .collect();
    if !seen.iter().any(|one| one.up) {
        for one in &mut seen {
            one.up = true;
        }
    }
    seen.sort_unstable_by_key(|one| (!one.up, one.measure, one.choice.position));
    let up = seen.iter().take_while(|one| one.up).count();
    let (first, chosen_by) = first(strategy, seen.get(..up).unwrap_or_default(), turn);
    // Behind it the order stays.
    if let Some(before) = seen.get_mut(..=first) {
        before.rotate_right(1);
    }
    (seen.iter().map(|one| one.choice).collect(), chosen_by)
}

fn look(strategy: Strategy, choice: Choice, known: &impl Known, turn: Turn) -> Seen {
    let vitals = known.vitals(choice);
    Seen {
        choice,
        up: turn.falls_within(vitals.share),
        vitals,
        measure: match strategy {
            Strategy::LowestCost => known
                .cost(choice)
                .and_then(|cost| u64::try_from(cost).ok())
                // Behind all that have a price.
                .unwrap_or(u64::MAX),
            Strategy::LeastBusy => load(vitals.busy, u64::from(choice.weight)),
            Strategy::LowestLatency
            | Strategy::Weighted
            | Strategy::RoundRobin
            | Strategy::Priority
            | Strategy::Adaptive => wait(&vitals),
        },
    }
}

/// Who of those that may be tried is first, which are in the order of their measure; 0 if there are none.
fn first(strategy: Strategy, up: &[Seen], turn: Turn) -> (usize, ChosenBy) {
    match strategy {
        Strategy::LowestCost => {
            let least = up.first().map(|one| one.measure);
            let alike = up.iter().take_while(|one| Some(one.measure) == least);
            let (first, _) = quickest(up.get(..alike.count()).unwrap_or_default(), turn);
            (first, ChosenBy::LowestCost)
        }
        Strategy::LeastBusy => {
            let least = up.first().map(|one| one.measure);
            let alike = |one: &Seen| Some(one.measure) == least;
            (drawn(up, alike, turn), ChosenBy::LeastBusy)
        }
        Strategy::LowestLatency
        | Strategy::Weighted
        | Strategy::RoundRobin
        | Strategy::Priority
        | Strategy::Adaptive => quickest(up, turn),
    }
}

/// How long the request would wait, as a measure: the more wait there already, the longer. Of whom nobody knows it is last.
fn wait(vitals: &Vitals) -> u64 {
    vitals.expected.map_or(u64::MAX, |micros| {
        micros.saturating_mul(CROWD + u64::from(vitals.waiting))
    })
}

/// How busy one is for its weight, as a measure.
fn load(busy: u32, weight: u64) -> u64 {
    (u64::from(busy) << 32) / weight.max(1)
}

/// The quickest; of those that are about as quick each by its weight. Now and then one of which nobody knows it, or not any more: at most one
/// request at a time goes there to find out.
fn quickest(up: &[Seen], turn: Turn) -> (usize, ChosenBy) {
    let is_new = |one: &Seen| one.vitals.expected.is_none() && one.vitals.waiting == 0;
    if up.iter().any(is_new) {
        return (drawn(up, is_new, turn), ChosenBy::Exploration);
    }
    let least = up.iter().map(|one| wait(&one.vitals)).min().unwrap_or(0);
    let best = |one: &Seen| wait(&one.vitals) == least;
    let is_stale = |one: &Seen| one.vitals.stale && one.vitals.waiting == 0 && !best(one);
    if turn.falls_within(EXPLORING) && up.iter().any(is_stale) {
        return (drawn(up, is_stale, turn.another()), ChosenBy::Exploration);
    }
    let enough = least.saturating_add(least / AS_GOOD);
    let as_good = |one: &Seen| wait(&one.vitals) <= enough;
    (drawn(up, as_good, turn), ChosenBy::LowestLatency)
}

/// One of those that `may`, by weight.
fn drawn(up: &[Seen], may: impl Fn(&Seen) -> bool + Copy, turn: Turn) -> usize {
    let weights = up.iter().map(|one| {
        if may(one) {
            u64::from(one.choice.weight)
        } else {
            0
        }
    });
    turn.weighted(weights).unwrap_or(0)
}

#[cfg(test)]
mod tests;
