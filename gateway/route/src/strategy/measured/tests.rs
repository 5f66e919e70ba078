use super::*;
use crate::sequence::Sequence;

/// A target in a test: its weight, what is measured, what it costs.
#[derive(Clone, Copy)]
struct One {
    weight: u32,
    vitals: Vitals,
    cost: Option<i64>,
}

struct World(Vec<One>);

impl Known for World {
    fn share(&self, choice: Choice) -> u32 {
        self.0[choice.position].vitals.share
    }

    fn vitals(&self, choice: Choice) -> Vitals {
        self.0[choice.position].vitals
    }

    fn cost(&self, choice: Choice) -> Option<i64> {
        self.0[choice.position].cost
    }
}

impl World {
    fn choices(&self) -> Choices {
        let choice = |(position, one): (usize, &One)| Choice {
            position,
            weight: one.weight,
        };
        self.0.iter().enumerate().map(choice).collect()
    }

    fn order(&self, strategy: Strategy, turn: Turn) -> (Vec<usize>, ChosenBy) {
        let (order, by) = arrange(strategy, &self.choices(), self, turn);
        (order.iter().map(|choice| choice.position).collect(), by)
    }

    /// How often each is first in so many turns.
    fn firsts(&self, strategy: Strategy, turns: usize) -> Vec<usize> {
        let sequence = Sequence::default();
        let mut counts = vec![0; self.0.len()];
        for _ in 0..turns {
            counts[self.order(strategy, sequence.take()).0[0]] += 1;
        }
        counts
    }
}

const fn of(vitals: Vitals) -> One {
    One {
        weight: 1,
        vitals,
        cost: None,
    }
}

/// One that answers after so many milliseconds.
fn after(millis: u64) -> Vitals {
    Vitals {
        expected: Some(millis * 1000),
        ..Vitals::UNKNOWN
    }
}

fn any() -> Turn {
    let sequence = Sequence::default();
    for _ in 0..7 {
        sequence.take();
    }
    sequence.take()
}

#[test]
fn the_quickest_has_all_and_the_others_stand_behind_it_by_their_speed() {
    let world = World([900, 100, 400].map(|millis| of(after(millis))).to_vec());
    assert_eq!(world.firsts(Strategy::LowestLatency, 500), [0, 500, 0]);
    let (order, by) = world.order(Strategy::LowestLatency, any());
    assert_eq!((order, by), (vec![1, 2, 0], ChosenBy::LowestLatency));
}

#[test]
fn those_that_are_about_as_quick_have_their_weights() {
    let mut world = World([100, 115, 400].map(|millis| of(after(millis))).to_vec());
    world.0[0].weight = 3;
    let had = world.firsts(Strategy::LowestLatency, 400);
    assert!(had[0].abs_diff(300) <= 2 && had[2] == 0, "{had:?}");
}

#[test]
fn requests_that_wait_make_a_target_slower() {
    let waiting = |waiting, millis| Vitals {
        waiting,
        ..after(millis)
    };
    for (quick, slow, first) in [
        (waiting(0, 100), waiting(0, 300), 0),
        (waiting(4, 100), waiting(0, 300), 0),
        (waiting(20, 100), waiting(0, 300), 1),
        (waiting(20, 100), waiting(20, 300), 0),
    ] {
        let world = World(vec![of(quick), of(slow)]);
        let (order, _) = world.order(Strategy::LowestLatency, any());
        assert_eq!(order[0], first, "{quick:?} {slow:?}");
    }
}

#[test]
fn a_new_target_is_tried_by_one_request_at_a_time() {
    let mut world = World(vec![of(after(100)), of(Vitals::UNKNOWN)]);
    let (order, by) = world.order(Strategy::LowestLatency, any());
    assert_eq!((order[0], by), (1, ChosenBy::Exploration));
    world.0[1].vitals.waiting = 1;
    assert_eq!(world.firsts(Strategy::LowestLatency, 100), [100, 0]);
}

#[test]
fn what_was_measured_long_ago_is_found_out_anew_by_a_twentieth_at_most() {
    let stale = Vitals {
        stale: true,
        ..after(900)
    };
    let mut world = World(vec![of(after(100)), of(stale)]);
    let had = world.firsts(Strategy::LowestLatency, 1_000);
    assert!(had[1].abs_diff(50) <= 1, "{had:?}");
    world.0[1].vitals.waiting = 1;
    assert_eq!(world.firsts(Strategy::LowestLatency, 1_000), [1_000, 0]);
    // The best needs nobody to find out, however long ago it was.
    let old = Vitals {
        stale: true,
        ..after(100)
    };
    let world = World(vec![of(old), of(after(900))]);
    let (_, by) = world.order(Strategy::LowestLatency, Sequence::default().take());
    assert_eq!(by, ChosenBy::LowestLatency);
}

#[test]
fn who_may_not_be_tried_is_behind_everybody_under_every_strategy() {
    let down = Vitals {
        share: 0,
        ..after(1)
    };
    let busy = Vitals {
        busy: 9,
        ..after(900)
    };
    let cheap = |one: One, nanos| One {
        cost: Some(nanos),
        ..one
    };
    let world = World(vec![cheap(of(down), 1), cheap(of(busy), 90)]);
    for strategy in [
        Strategy::LowestLatency,
        Strategy::LowestCost,
        Strategy::LeastBusy,
    ] {
        assert_eq!(world.order(strategy, any()).0, [1, 0], "{strategy:?}");
    }
    // If nobody may, the measure alone counts.
    let world = World(vec![of(down), of(Vitals { share: 0, ..busy })]);
    assert_eq!(world.order(Strategy::LeastBusy, any()).0, [0, 1]);
}

#[test]
fn one_that_is_coming_back_is_there_in_as_many_turns_as_its_share() {
    let coming = Vitals {
        share: 300,
        ..after(1)
    };
    let world = World(vec![of(after(900)), of(coming)]);
    let had = world.firsts(Strategy::LowestLatency, 1_000);
    assert!(had[1].abs_diff(300) <= 2, "{had:?}");
}

#[test]
fn the_cheapest_goes_first_and_what_nobody_has_priced_last() {
    let mut world = World([5, 5, 5, 5].map(|millis| of(after(millis))).to_vec());
    for (one, cost) in world.0.iter_mut().zip([None, Some(70), Some(0), Some(7)]) {
        one.cost = cost;
    }
    let (order, by) = world.order(Strategy::LowestCost, any());
    assert_eq!((order, by), (vec![2, 3, 1, 0], ChosenBy::LowestCost));
}

#[test]
fn of_two_that_cost_the_same_the_quicker_goes_first() {
    let mut world = World([900, 100, 10].map(|millis| of(after(millis))).to_vec());
    for (one, cost) in world.0.iter_mut().zip([7, 7, 70]) {
        one.cost = Some(cost);
    }
    assert_eq!(world.firsts(Strategy::LowestCost, 100), [0, 100, 0]);
    world.0[0].vitals = after(101);
    let had = world.firsts(Strategy::LowestCost, 100);
    assert!(had[0].abs_diff(50) <= 1 && had[2] == 0, "{had:?}");
}

#[test]
fn the_cheapest_of_random_targets_is_what_brute_force_finds() {
    let mut random = fastrand::Rng::with_seed(12);
    for at in 0..1_000 {
        let one = |_| One {
            weight: random.u32(1..100),
            vitals: Vitals {
                share: [0, 1000][random.usize(..2)],
                ..Vitals::UNKNOWN
            },
            cost: random.bool().then(|| random.i64(0..20)),
        };
        let count = 2 + at % 15;
        let world = World((0..count).map(one).collect());
        let up = world.0.iter().any(|one| one.vitals.share > 0);
        let may = |one: &&One| !up || one.vitals.share > 0;
        let dear = |one: &One| one.cost.unwrap_or(i64::MAX);
        let least = world.0.iter().filter(may).map(dear).min().unwrap();
        let (order, _) = world.order(Strategy::LowestCost, any());
        let first = world.0[order[0]];
        assert!(may(&&first) && dear(&first) == least, "{order:?}");
        let rest: Vec<_> = order[1..]
            .iter()
            .map(|at| &world.0[*at])
            .map(|one| (!may(&one), dear(one)))
            .collect();
        assert!(rest.is_sorted(), "{rest:?}");
        let mut all = order.clone();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..count), "nobody is left out");
    }
}

#[test]
fn the_least_busy_for_its_weight_goes_first_and_ties_have_their_weights() {
    let busy = |weight, busy| One {
        weight,
        ..of(Vitals {
            busy,
            ..Vitals::UNKNOWN
        })
    };
    for (targets, first) in [
        ([busy(1, 3), busy(1, 2), busy(1, 9)], 1),
        ([busy(4, 3), busy(1, 2), busy(1, 1)], 0),
        ([busy(1, 1), busy(3, 3), busy(9, 8)], 2),
    ] {
        let world = World(targets.to_vec());
        assert_eq!(world.order(Strategy::LeastBusy, any()).0[0], first);
    }
    let world = World(vec![busy(3, 6), busy(1, 2), busy(1, 3)]);
    let had = world.firsts(Strategy::LeastBusy, 400);
    assert!(had[0].abs_diff(300) <= 2 && had[2] == 0, "{had:?}");
}

#[test]
fn a_burst_is_spread_by_what_each_is_busy_with() {
    let mut world = World(vec![of(Vitals::UNKNOWN); 4]);
    let sequence = Sequence::default();
    for _ in 0..100 {
        let first = world.order(Strategy::LeastBusy, sequence.take()).0[0];
        world.0[first].vitals.busy += 1;
    }
    assert!(world.0.iter().all(|one| one.vitals.busy == 25));
}

/// Half a microsecond is aimed at; a slow machine may take five times that, and a build without optimizations forty times more.
#[test]
#[expect(
    clippy::disallowed_types,
    reason = "what is measured is the machine's time"
)]
fn choosing_among_sixteen_takes_half_a_microsecond() {
    let mut random = fastrand::Rng::with_seed(3);
    let one = |_| One {
        weight: random.u32(1..9),
        vitals: Vitals {
            busy: random.u32(..9),
            waiting: random.u32(..9),
            ..after(random.u64(50..500))
        },
        cost: Some(random.i64(..1_000_000)),
    };
    let world = World((0..16).map(one).collect());
    let (choices, sequence) = (world.choices(), Sequence::default());
    for strategy in [
        Strategy::Weighted,
        Strategy::LowestLatency,
        Strategy::LowestCost,
        Strategy::LeastBusy,
        Strategy::Adaptive,
    ] {
        const PLAIN: bool = cfg!(debug_assertions);
        const TURNS: u32 = if PLAIN { 20_000 } else { 1_000_000 };
        const MOST: u128 = if PLAIN { 100_000 } else { 2_500 };
        let began = std::time::Instant::now();
        for _ in 0..TURNS {
            let choices = std::hint::black_box(choices.clone());
            let order = crate::strategy::arrange(strategy, choices, &world, || sequence.take());
            std::hint::black_box(order);
        }
        let each = began.elapsed() / TURNS;
        println!("{strategy:?}: {each:?}");
        assert!(each.as_nanos() < MOST, "{strategy:?}: {each:?}");
    }
}
