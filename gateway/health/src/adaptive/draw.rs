//! Who is next: drawn by share, and by current load between two.
//!
//! Shares are as old as the last tick. Between ticks a burst, or a target that has just become slow, shows first in what is in flight: where the
//! one that was drawn has more than its due of that, a second one is drawn and the less loaded has the request (power of two choices;
//! Mitzenmacher, 2001). Where it has not, the first one keeps it, so that shares are what they say: small ones are not starved by being always
//! the worse of two.

use smallvec::SmallVec;

/// How far above its due one may be before a second is looked at: what is in flight is never quite even.
const SLACK: f64 = 1.25;
/// How many times as slow as it was believed to be at the last tick.
const SLOWER: u32 = 2;

/// A candidate, as the draw sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    /// Its weight in the draw.
    pub(crate) weight: u64,
    pub(crate) in_flight: u32,
    /// The time to the first token of late, in microseconds; 0: not known.
    pub(crate) pulse: u32,
    /// The same as it was believed to be at the last tick; 0: not known.
    pub(crate) believed: u32,
}

/// As many candidates as a rule may have targets stay off the heap.
pub(crate) type Chances = SmallVec<[Chance; 16]>;

/// The position of the one that is next; `None`: all weights are 0. `first` and `second` are points of the whole range of numbers.
pub(crate) fn draw(chances: &Chances, first: u64, second: u64) -> Option<usize> {
    let mut total = 0;
    let mut flying = 0;
    let mut fastest = u32::MAX;
    for chance in chances.iter().filter(|chance| chance.weight > 0) {
        total += chance.weight;
        flying += u64::from(chance.in_flight);
        if chance.pulse > 0 {
            fastest = fastest.min(chance.pulse);
        }
    }
    let at = on_whom(chances, total, None, first)?;
    let picked = chances.get(at)?;
    let due = 1.0 + flying as f64 * picked.weight as f64 / total as f64;
    let is_full = f64::from(picked.in_flight) > SLACK * due;
    if !is_full && !picked.is_slower(fastest) {
        return Some(at);
    }
    let other = on_whom(chances, total - picked.weight, Some(at), second);
    let better = other.filter(|other| {
        chances
            .get(*other)
            .is_some_and(|other| other.load() < picked.load())
    });
    Some(better.unwrap_or(at))
}

impl Chance {
    /// Whether it has become slow since the last tick; where nothing was believed then, whether it is beside the fastest.
    fn is_slower(&self, fastest: u32) -> bool {
        let than = if self.believed > 0 {
            self.believed
        } else {
            fastest
        };
        self.pulse / SLOWER > than
    }

    /// How loaded it is beside its share.
    fn load(&self) -> f64 {
        f64::from(self.in_flight + 1) * f64::from(self.pulse.max(1)) / self.weight.max(1) as f64
    }
}

/// On whom a point falls, one left out.
fn on_whom(chances: &Chances, total: u64, except: Option<usize>, point: u64) -> Option<usize> {
    let mut point = (u128::from(point) * u128::from(total)) >> 64;
    for (position, chance) in chances.iter().enumerate() {
        if Some(position) == except {
            continue;
        }
        let weight = u128::from(chance.weight);
        if point < weight {
            return Some(position);
        }
        point -= weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chances(of: &[(u64, u32)]) -> Chances {
        of.iter()
            .map(|(weight, in_flight)| Chance {
                weight: *weight,
                in_flight: *in_flight,
                pulse: 0,
                believed: 0,
            })
            .collect()
    }

    fn counts(of: &[(u64, u32)]) -> Vec<usize> {
        let mut random = fastrand::Rng::with_seed(3);
        let mut counts = vec![0; of.len()];
        for _ in 0..10_000 {
            let next = draw(&chances(of), random.u64(..), random.u64(..)).unwrap();
            counts[next] += 1;
        }
        counts
    }

    #[test]
    fn shares_are_kept_while_nobody_has_more_than_its_due() {
        for of in [
            [(90, 0), (10, 0)],
            [(90, 9), (10, 1)],
            [(90, 900), (10, 100)],
        ] {
            let counts = counts(&of);
            assert!((900..1_100).contains(&counts[1]), "{of:?} {counts:?}");
        }
    }

    #[test]
    fn who_has_more_than_its_due_leaves_it_to_one_who_has_less() {
        let counts = counts(&[(1, 30), (1, 3), (1, 3)]);
        assert_eq!(counts[0], 0, "{counts:?}");
        assert!(counts[1].abs_diff(counts[2]) < 500, "{counts:?}");
    }

    #[test]
    fn a_burst_of_requests_that_stay_is_spread_by_share() {
        let mut of = [(50, 0), (30, 0), (20, 0)];
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..1_000 {
            let next = draw(&chances(&of), random.u64(..), random.u64(..)).unwrap();
            of[next].1 += 1;
        }
        for (share, had) in of {
            assert!(u64::from(had).abs_diff(share * 10) < 40, "{of:?}");
        }
    }

    #[test]
    fn who_has_become_slow_since_the_last_tick_leaves_it_to_others_and_who_was_slow_keeps_its_share()
     {
        let chance = |pulse, believed| Chance {
            weight: 1,
            in_flight: 3,
            pulse,
            believed,
        };
        let table = [
            (chance(1_300, 400), 0),
            (chance(1_300, 1_200), 5_000),
            (chance(1_300, 0), 0),
            (chance(0, 0), 5_000),
        ];
        let mut random = fastrand::Rng::with_seed(9);
        for (slow, due) in table {
            let chances: Chances = [slow, chance(400, 400)].into_iter().collect();
            let mut drawn = || draw(&chances, random.u64(..), random.u64(..)) == Some(0);
            let had = (0..10_000).filter(|_| drawn()).count();
            assert!(usize::abs_diff(due, had) < 200, "{slow:?}: {had}");
        }
    }

    #[test]
    fn a_weight_of_0_is_never_drawn() {
        assert_eq!(draw(&chances(&[(0, 0), (0, 0)]), 7, 7), None);
        assert_eq!(counts(&[(0, 0), (5, 99)]), [0, 10_000]);
    }
}
