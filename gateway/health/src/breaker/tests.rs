//! The breaker, by its promises.

use super::*;

const POLICY: Health = Health {
    consecutive_failures: 3,
    error_percent: 50,
    min_requests: 20,
    probe_interval: Duration::from_secs(5),
    ramp_up: Duration::from_secs(10),
};

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn let_through(breaker: &Breaker, now: Duration) -> Token {
    match breaker.admit(now, &POLICY, Asker::ONE) {
        Admission::Allowed(token) | Admission::Probe(token) => token,
        Admission::Spared(_) | Admission::Refused { .. } => panic!("it is down"),
    }
}

/// One request with its result.
fn request(breaker: &Breaker, now: Duration, outcome: Outcome) -> bool {
    let token = let_through(breaker, now);
    breaker.tell(token, outcome, now, &POLICY)
}

fn opened_at(now: Duration) -> Breaker {
    let breaker = Breaker::default();
    let opened: Vec<bool> = (0..3)
        .map(|_| request(&breaker, now, Outcome::Failure))
        .collect();
    assert_eq!(opened, [false, false, true]);
    breaker
}

#[test]
fn opens_after_failures_in_a_row() {
    let breaker = opened_at(at(1_000));
    assert_eq!(breaker.state(at(1_000)), BreakerState::Open);
    assert_eq!(
        breaker.admit(at(1_000), &POLICY, Asker::ONE),
        Admission::Refused { until: at(6_000) }
    );
    assert_eq!(
        breaker.ready(at(5_999), &POLICY, Asker::ONE),
        Err(at(6_000))
    );
    assert_eq!(breaker.ready(at(6_000), &POLICY, Asker::ONE), Ok(()));
}

#[test]
fn a_success_between_begins_the_row_anew() {
    let breaker = Breaker::default();
    for _ in 0..5 {
        request(&breaker, at(0), Outcome::Failure);
        request(&breaker, at(0), Outcome::Failure);
        request(&breaker, at(0), Outcome::Success);
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Closed);
}

#[test]
fn being_throttled_is_neither_a_failure_nor_a_success() {
    let breaker = Breaker::default();
    request(&breaker, at(0), Outcome::Failure);
    request(&breaker, at(0), Outcome::Failure);
    for _ in 0..100 {
        request(&breaker, at(0), Outcome::Alive);
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Closed);
    assert!(request(&breaker, at(0), Outcome::Failure));
}

#[test]
fn opens_at_a_share_of_failures_once_there_are_enough() {
    let breaker = Breaker::default();
    for pair in 0..9 {
        request(&breaker, at(pair * 100), Outcome::Success);
        request(&breaker, at(pair * 100), Outcome::Failure);
    }
    request(&breaker, at(900), Outcome::Success);
    assert_eq!(
        breaker.state(at(900)),
        BreakerState::Closed,
        "19 are too few"
    );
    assert!(request(&breaker, at(900), Outcome::Failure), "10 of 20");
}

#[test]
fn failures_of_more_than_ten_seconds_ago_make_no_share() {
    let breaker = Breaker::default();
    for pair in 0..15 {
        request(&breaker, at(pair * 1_500), Outcome::Success);
        assert!(!request(&breaker, at(pair * 1_500), Outcome::Failure));
    }
}

#[test]
fn never_opens_where_nothing_is_asked_of_it() {
    let policy = Health {
        consecutive_failures: 0,
        error_percent: 0,
        ..POLICY
    };
    let breaker = Breaker::default();
    for _ in 0..1_000 {
        let Admission::Allowed(token) = breaker.admit(at(0), &policy, Asker::ONE) else {
            panic!("it is closed")
        };
        assert!(!breaker.tell(token, Outcome::Failure, at(0), &policy));
    }
}

#[test]
fn one_probe_an_interval() {
    let breaker = opened_at(at(0));
    let probes: Vec<u64> = (0..30_000)
        .step_by(10)
        .filter(|now| match breaker.admit(at(*now), &POLICY, Asker::ONE) {
            Admission::Probe(token) => {
                breaker.tell(token, Outcome::Failure, at(*now + 3), &POLICY);
                true
            }
            Admission::Allowed(_) | Admission::Spared(_) | Admission::Refused { .. } => false,
        })
        .collect();
    assert_eq!(probes, [5_000, 10_000, 15_000, 20_000, 25_000]);
}

#[test]
fn a_probe_that_never_ends_does_not_hold_up_the_next() {
    let breaker = opened_at(at(0));
    let first = let_through(&breaker, at(5_000));
    assert_eq!(
        breaker.ready(at(9_999), &POLICY, Asker::ONE),
        Err(at(10_000))
    );
    let second = let_through(&breaker, at(10_000));
    assert!(!breaker.tell(second, Outcome::Failure, at(10_001), &POLICY));
    assert_eq!(breaker.state(at(10_001)), BreakerState::Open);
    // The first, slow as it was, has ended in an epoch that is over.
    breaker.tell(first, Outcome::Success, at(11_000), &POLICY);
    assert_eq!(breaker.state(at(11_000)), BreakerState::Open);
}

#[test]
fn a_probe_slower_than_the_interval_closes_it_all_the_same() {
    let breaker = opened_at(at(0));
    let first = let_through(&breaker, at(5_000));
    let _second = let_through(&breaker, at(10_000));
    breaker.tell(first, Outcome::Success, at(12_000), &POLICY);
    assert_eq!(breaker.state(at(12_000)), BreakerState::Ramping);
}

#[test]
fn a_probe_that_was_not_sent_leaves_its_place() {
    let breaker = opened_at(at(0));
    let token = let_through(&breaker, at(5_000));
    breaker.give_back(token, at(5_001));
    assert!(matches!(
        breaker.admit(at(5_001), &POLICY, Asker::ONE),
        Admission::Probe(_)
    ));
}

#[test]
fn a_throttled_probe_shows_that_it_is_up() {
    let breaker = opened_at(at(0));
    request(&breaker, at(5_000), Outcome::Alive);
    assert_eq!(breaker.state(at(5_000)), BreakerState::Ramping);
}

#[test]
fn the_share_grows_evenly_after_a_success() {
    let breaker = opened_at(at(0));
    request(&breaker, at(5_000), Outcome::Success);
    let within = |from: u64| {
        let allowed = (from..from + 1_000).filter(|now| {
            matches!(
                breaker.admit(at(*now), &POLICY, Asker::ONE),
                Admission::Allowed(_)
            )
        });
        allowed.count()
    };
    for (second, expected) in [(5, 50), (9, 450), (14, 950)] {
        let allowed = within(second * 1_000);
        assert!(
            allowed.abs_diff(expected) <= 15,
            "{allowed} in second {second}"
        );
    }
    assert_eq!(within(15_000), 1_000);
    assert_eq!(breaker.state(at(15_000)), BreakerState::Closed);
}

#[test]
fn without_a_ramp_everything_is_back_at_once() {
    let policy = Health {
        ramp_up: Duration::ZERO,
        ..POLICY
    };
    let breaker = opened_at(at(0));
    let token = let_through(&breaker, at(5_000));
    breaker.tell(token, Outcome::Success, at(5_000), &policy);
    assert_eq!(breaker.state(at(5_000)), BreakerState::Closed);
}

#[test]
fn failures_while_coming_back_open_it_again() {
    let breaker = opened_at(at(0));
    request(&breaker, at(5_000), Outcome::Success);
    let Admission::Allowed(token) = breaker.admit(at(14_999), &POLICY, Asker::ONE) else {
        panic!("the ramp is nearly over")
    };
    let opened: Vec<bool> = (0..3)
        .map(|_| breaker.tell(token, Outcome::Failure, at(14_999), &POLICY))
        .collect();
    assert_eq!(opened, [false, false, true]);
}

#[test]
fn what_was_in_flight_when_it_opened_counts_no_more() {
    let breaker = Breaker::default();
    let before = let_through(&breaker, at(0));
    for _ in 0..3 {
        request(&breaker, at(0), Outcome::Failure);
    }
    breaker.tell(before, Outcome::Success, at(1), &POLICY);
    assert_eq!(breaker.state(at(1)), BreakerState::Open);
    request(&breaker, at(5_000), Outcome::Success);
    for _ in 0..10 {
        breaker.tell(before, Outcome::Failure, at(5_001), &POLICY);
    }
    assert_eq!(breaker.state(at(5_001)), BreakerState::Ramping);
    assert_eq!(breaker.recent(at(5_001)), (0, 0));
}

#[test]
fn words_survive_packing() {
    for state in [
        BreakerState::Closed,
        BreakerState::Open,
        BreakerState::Probing,
        BreakerState::Ramping,
    ] {
        for epoch in [0, 1, EPOCH_MOST] {
            for until in [0, 1, (1 << 40) - 1] {
                let word = Word {
                    state,
                    epoch,
                    until,
                };
                assert_eq!(unpack(pack(word)), word);
            }
        }
    }
}

#[test]
fn of_many_threads_one_opens_it_and_one_probes() {
    for round in 0..200 {
        let breaker = Breaker::default();
        let start = std::sync::Barrier::new(4);
        let (opened, probes) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..3 {
                        if let Admission::Allowed(token) =
                            breaker.admit(at(round), &POLICY, Asker::ONE)
                            && breaker.tell(token, Outcome::Failure, at(round), &POLICY)
                        {
                            opened.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    start.wait();
                    if let Admission::Probe(_) =
                        breaker.admit(at(round + 5_000), &POLICY, Asker::ONE)
                    {
                        probes.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(opened.into_inner(), 1);
        assert_eq!(probes.into_inner(), 1);
    }
}

#[test]
fn whatever_happens_probes_keep_their_distance_and_a_healthy_target_comes_back() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let breaker = Breaker::default();
        let (mut now, mut last_probe) = (0, None::<u64>);
        let mut in_flight: Vec<Token> = Vec::new();
        for _ in 0..2_000 {
            now += random.u64(0..50);
            match breaker.admit(at(now), &POLICY, Asker::ONE) {
                Admission::Allowed(token) => in_flight.push(token),
                Admission::Probe(token) => {
                    assert!(
                        last_probe.is_none_or(|last| now >= last + 5_000),
                        "seed {seed}"
                    );
                    last_probe = Some(now);
                    in_flight.push(token);
                }
                Admission::Spared(_) => {}
                Admission::Refused { until } => assert!(until > at(now), "seed {seed}"),
            }
            while in_flight.len() > random.usize(0..10) {
                let token = in_flight.swap_remove(random.usize(..in_flight.len()));
                let outcome =
                    [Outcome::Success, Outcome::Failure, Outcome::Alive][random.usize(..3)];
                breaker.tell(token, outcome, at(now), &POLICY);
            }
        }
        // From here on it is well.
        let well_from = now;
        while breaker.state(at(now)) != BreakerState::Closed {
            now += 50;
            assert!(now <= well_from + 16_000, "seed {seed}: not back in time");
            if let Admission::Allowed(token) | Admission::Probe(token) =
                breaker.admit(at(now), &POLICY, Asker::ONE)
            {
                breaker.tell(token, Outcome::Success, at(now), &POLICY);
            }
        }
    }
}

#[test]
fn a_probe_that_says_nothing_is_given_back_and_another_asks_at_once() {
    let breaker = opened_at(at(0));
    let token = let_through(&breaker, at(5_000));
    assert_eq!(breaker.share(at(5_010), &POLICY, Asker::TWO), 0);
    breaker.abandon(token, at(5_010), Asker::ONE);
    assert_eq!(breaker.ready(at(5_010), &POLICY, Asker::TWO), Ok(()));
    let Admission::Probe(token) = breaker.admit(at(5_010), &POLICY, Asker::TWO) else {
        panic!("the place is free")
    };
    breaker.tell(token, Outcome::Success, at(5_020), &POLICY);
    assert_eq!(breaker.state(at(5_020)), BreakerState::Ramping);
}

#[test]
fn who_never_finds_out_anything_does_not_keep_the_others_from_asking() {
    let breaker = opened_at(at(0));
    let mut probes = 0;
    for now in 5_000..15_000 {
        // One hangs up after a millisecond, again and again; the other comes twice a second.
        if let Admission::Probe(token) = breaker.admit(at(now), &POLICY, Asker::ONE) {
            probes += 1;
            breaker.abandon(token, at(now + 1), Asker::ONE);
        }
        if now % 500 == 499 {
            assert!(
                matches!(
                    breaker.admit(at(now), &POLICY, Asker::TWO),
                    Admission::Probe(token) if { breaker.give_back(token, at(now)); true }
                ),
                "at {now}"
            );
        }
    }
    assert!((1..=2).contains(&probes), "{probes}");
}

#[test]
fn the_only_caller_asks_again_after_an_interval() {
    let breaker = opened_at(at(0));
    let token = let_through(&breaker, at(5_000));
    breaker.abandon(token, at(5_010), Asker::ONE);
    let refused = Admission::Refused { until: at(10_010) };
    assert_eq!(breaker.admit(at(5_010), &POLICY, Asker::ONE), refused);
    let_through(&breaker, at(10_010));
}

#[test]
fn a_slow_probe_gives_back_nothing_that_another_has_begun() {
    let breaker = opened_at(at(0));
    let first = let_through(&breaker, at(5_000));
    let _second = let_through(&breaker, at(10_000));
    breaker.abandon(first, at(10_001), Asker::TWO);
    assert_eq!(breaker.state(at(10_001)), BreakerState::Probing);
}

#[test]
fn what_was_no_probe_gives_back_none() {
    let breaker = Breaker::default();
    let token = let_through(&breaker, at(0));
    breaker.abandon(token, at(0), Asker::ONE);
    assert_eq!(breaker.state(at(0)), BreakerState::Closed);
    assert_eq!(token, Token::FIRST);
}

#[test]
fn its_share_is_nothing_while_it_is_down_and_grows_as_it_comes_back() {
    let breaker = opened_at(at(0));
    let share = |now| breaker.share(at(now), &POLICY, Asker::ONE);
    assert_eq!((share(4_999), share(5_000)), (0, 1_000));
    request(&breaker, at(5_000), Outcome::Success);
    assert_eq!(
        (share(5_000), share(10_000), share(15_000)),
        (20, 500, 1_000)
    );
}

#[test]
fn a_probe_that_was_told_of_is_no_fruitless_one() {
    let breaker = opened_at(at(0));
    for now in [5_000, 10_000, 15_000] {
        let token = let_through(&breaker, at(now));
        breaker.tell(token, Outcome::Failure, at(now), &POLICY);
        // Whoever holds it lets go of it in the end.
        breaker.abandon(token, at(now), Asker::ONE);
    }
}
