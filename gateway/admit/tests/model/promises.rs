//! What leases promise, each under the faults it is promised for.

use fairlead_admit::exchange::{Shape, Totals};
use fairlead_admit::lease::Bound;
use fastrand::Rng;

use crate::world::{Plan, Truth, World};

fn seeds(some: u64) -> std::ops::Range<u64> {
    let times = std::env::var("FAIRLEAD_SEEDS").ok();
    0..some * times.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Peace: a few replicas, a budget that is soon used up.
fn peace(rng: &mut Rng) -> Plan {
    Plan {
        shape: Shape::Budget,
        clients: rng.usize(2..6),
        bound: Bound {
            limit: rng.i64(50..4_000),
            generation: 1,
            strict: true,
        },
        window_ms: Some(rng.i64(4_000..12_000)),
        lasts_ms: 16_000,
        requests: 25.0,
        need: rng.i64(1..30),
        takes_ms: rng.i64(0..1_000),
        exact: false,
        beyond: 0,
        delay_ms: 3,
        drops: 0,
        doubles: 0,
        kills: 0.0,
        journal: true,
        cuts: 0.0,
        cut_ms: 0,
        restarts: 0.0,
        lost_ms: 0,
        steps: 0.0,
        skew_ms: rng.i64(0..2_000),
    }
}

/// A network at its worst, a store that restarts and whose clock steps, replicas that are cut off.
fn trouble(rng: &mut Rng) -> Plan {
    Plan {
        delay_ms: rng.i64(0..60),
        drops: rng.u8(0..20),
        doubles: rng.u8(0..20),
        cuts: 3.0,
        cut_ms: 6_000,
        restarts: 1.5,
        steps: 1.0,
        ..peace(rng)
    }
}

fn run(plan: Plan, seed: u64) -> World {
    let text = format!("{plan:?}");
    let run = std::panic::AssertUnwindSafe(|| {
        let mut world = World::new(plan, seed);
        world.run();
        world
    });
    std::panic::catch_unwind(run).unwrap_or_else(|_| panic!("seed {seed}: {text}"))
}

/// Nothing is counted twice, nothing is forgotten; `exact`: and nothing is lost.
fn adds_up(world: &World, seed: u64, exact: bool) {
    let end = world.plan.lasts_ms + world.plan.takes_ms + 16_000;
    for (window, truth) in &world.truth {
        let Totals { used, lost, leased } = world.store.totals(end, *window);
        let all = truth.lines + truth.buried;
        let known = used <= all && all <= used + lost + leased;
        let known = known && (!exact || (used == all && leased == 0));
        assert!(
            known,
            "seed {seed}: {used}, {lost} lost, {leased} held: {truth:?}"
        );
    }
}

fn never_over(world: &World, seed: u64) {
    for truth in world.truth.values() {
        assert!(
            truth.over <= 0,
            "seed {seed}: {truth:?} of {:?}",
            world.plan
        );
    }
}

#[test]
fn a_strict_budget_is_never_passed_and_every_line_is_counted_once() {
    for seed in seeds(60) {
        let mut rng = Rng::with_seed(seed);
        let plan = trouble(&mut rng);
        let world = run(plan, seed);
        never_over(&world, seed);
        adds_up(&world, seed, true);
    }
}

#[test]
fn the_journal_keeps_every_line_of_processes_that_are_killed() {
    for seed in seeds(50) {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan {
            kills: 4.0,
            ..trouble(&mut rng)
        };
        let world = run(plan, seed);
        never_over(&world, seed);
        adds_up(&world, seed, true);
    }
}

#[test]
fn what_processes_take_with_them_that_leave_no_journal_is_lost_and_not_spent_again() {
    for seed in seeds(50) {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan {
            kills: 4.0,
            journal: false,
            ..trouble(&mut rng)
        };
        let world = run(plan, seed);
        never_over(&world, seed);
        adds_up(&world, seed, false);
    }
}

#[test]
fn a_store_that_lost_its_last_second_is_told_again_before_a_strict_budget_is_granted() {
    for seed in seeds(60) {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan {
            delay_ms: rng.i64(0..20),
            cuts: 0.0,
            restarts: 3.0,
            lost_ms: 1_000,
            steps: 0.0,
            kills: 2.0,
            ..trouble(&mut rng)
        };
        let world = run(plan, seed);
        never_over(&world, seed);
        adds_up(&world, seed, true);
    }
}

#[test]
fn a_budget_that_is_not_strict_counts_what_came_beyond_its_reservation() {
    for seed in seeds(40) {
        let mut rng = Rng::with_seed(seed);
        let mut plan = Plan {
            beyond: 30,
            kills: 3.0,
            lost_ms: if rng.bool() { 1_000 } else { 0 },
            ..trouble(&mut rng)
        };
        plan.bound.strict = false;
        let world = run(plan, seed);
        adds_up(&world, seed, true);
    }
}

#[test]
fn who_was_cut_off_for_longer_than_anybody_remembers_begins_anew() {
    for seed in seeds(3) {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan {
            lasts_ms: 3_000_000,
            window_ms: Some(10_000_000),
            requests: 0.2,
            cuts: 4.0,
            cut_ms: 1_500_000,
            drops: 5,
            ..peace(&mut rng)
        };
        let world = run(plan, seed);
        never_over(&world, seed);
        adds_up(&world, seed, false);
    }
}

/// Everything that is admitted in any interval, at what it came to.
fn most_in_any(admitted: &mut [(i64, i64)], length: i64) -> i64 {
    admitted.sort_unstable();
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for at in 0..admitted.len() {
        sum += admitted[at].1;
        while admitted[first].0 <= admitted[at].0 - length {
            sum -= admitted[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

fn rate(rng: &mut Rng, per_ms: u64) -> Plan {
    let plan = trouble(rng);
    Plan {
        shape: Shape::Rate { per_ms },
        bound: Bound {
            limit: rng.i64(50..500),
            ..plan.bound
        },
        window_ms: None,
        takes_ms: rng.i64(0..200),
        steps: 0.0,
        skew_ms: 0,
        ..plan
    }
}

#[test]
fn no_interval_admits_more_than_its_rate() {
    for seed in seeds(50) {
        let mut rng = Rng::with_seed(seed);
        let per_ms = [1_000, 3_000, 10_000][rng.usize(..3)];
        let plan = Plan {
            kills: 3.0,
            journal: rng.bool(),
            ..rate(&mut rng, per_ms)
        };
        let mut world = run(plan, seed);
        let most = most_in_any(&mut world.admitted, i64::try_from(per_ms).unwrap());
        let limit = world.plan.bound.limit;
        assert!(most <= limit, "seed {seed}: {most}: {:?}", world.plan);
    }
}

#[test]
fn slots_are_never_more_than_there_are_while_all_are_heard() {
    for seed in seeds(30) {
        let mut rng = Rng::with_seed(seed);
        let plan = trouble(&mut rng);
        let plan = Plan {
            shape: Shape::Slots,
            bound: Bound {
                limit: rng.i64(3..40),
                ..plan.bound
            },
            need: 1,
            window_ms: None,
            cuts: 0.0,
            drops: 5,
            steps: 0.0,
            ..plan
        };
        let world = run(plan, seed);
        never_over(&world, seed);
    }
}

#[test]
fn nearly_all_of_a_budget_is_usable() {
    for seed in seeds(30) {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan {
            window_ms: Some(60_000),
            skew_ms: 0,
            ..peace(&mut rng)
        };
        let world = run(plan, seed);
        let limit = world.plan.bound.limit;
        let asked = world.plan.requests * 16.0 * world.plan.clients as f64;
        let demand = asked * (world.plan.need as f64) / 2.0 / 2.0;
        if demand > 2.0 * limit as f64 {
            let Truth { lines, .. } = *world.truth.values().next().unwrap();
            let enough = lines * 100 >= limit * 99 || lines > limit - world.plan.need;
            assert!(enough, "seed {seed}: {lines} of {limit}: {:?}", world.plan);
        }
        adds_up(&world, seed, true);
    }
}

#[test]
fn nearly_all_of_a_rate_is_usable() {
    for seed in seeds(6) {
        let mut rng = Rng::with_seed(seed);
        let per_ms = [1_000_u64, 5_000][rng.usize(..2)];
        let plan = peace(&mut rng);
        let clients = i64::try_from(plan.clients).unwrap();
        let length = i64::try_from(per_ms).unwrap();
        let plan = Plan {
            shape: Shape::Rate { per_ms },
            window_ms: None,
            skew_ms: 0,
            // Ten times as much is asked for as is allowed.
            bound: Bound {
                limit: clients * 20 * length / 1_000,
                ..plan.bound
            },
            requests: 200.0,
            need: 1,
            exact: true,
            takes_ms: 0,
            lasts_ms: 4 * length.max(5_000),
            ..plan
        };
        let mut world = run(plan, seed);
        world.admitted.sort_unstable();
        // How long it takes until so many times the limit are through: it comes in bursts, one an interval.
        let limit = usize::try_from(world.plan.bound.limit).unwrap();
        let times = world.admitted.len() / limit;
        let took = world.admitted[limit * times - 1].0 - world.admitted[limit - 1].0;
        let share = length * i64::try_from(times - 1).unwrap() * 100 / took;
        assert!(
            times > 2 && share >= 95,
            "seed {seed}: {share} %: {:?}",
            world.plan
        );
    }
}
