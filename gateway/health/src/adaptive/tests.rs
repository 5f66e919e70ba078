//! Whole ticks: what is recorded, and who gets the requests then.

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn candidate(name: &str, weight: u32) -> Candidate {
    Candidate {
        name: name.into(),
        weight,
        places: 0,
        recorder: Arc::default(),
        accounts: Some(Arc::default()),
        provider: None,
    }
}

fn of(weights: &[u32]) -> Adaptive {
    of_settings(weights, Settings::default())
}

fn of_settings(weights: &[u32], settings: Settings) -> Adaptive {
    let candidates = weights.iter().zip(["a", "b", "c"]);
    let candidates = candidates.map(|(weight, name)| candidate(name, *weight));
    Adaptive::new(settings, candidates.collect(), Duration::ZERO)
}

/// What happens at each candidate in a tick: so many answers, the time of their first token, and so many failures.
fn tick(adaptive: &Adaptive, number: u64, happens: &[(usize, u64, usize)]) {
    for (candidate, (answers, first, failures)) in adaptive.candidates().zip(happens) {
        for _ in 0..*answers {
            let mut flight = candidate.recorder.begin(true);
            flight.answered(ms(*first), 0);
            flight.complete(100, ms(*first), ms(first + 2_000));
        }
        (0..*failures).for_each(|_| candidate.recorder.begin(true).failed());
    }
    assert!(adaptive.tick(at(5 * number)));
}

fn ask(seconds: u64, first: u64, second: u64) -> Ask {
    Ask {
        now: at(seconds),
        stream: true,
        probes: true,
        first,
        second,
    }
}

/// The position of whoever is picked.
fn picked(adaptive: &Adaptive, permitted: impl Fn(usize) -> u32, ask: &Ask) -> Option<usize> {
    adaptive.pick(permitted, ask).map(|pick| pick.position)
}

fn shares(adaptive: &Adaptive) -> Vec<u32> {
    (0..adaptive.slots.len())
        .map(|at| adaptive.share(at))
        .collect()
}

#[test]
fn weights_are_what_is_believed_before_anything_is_known() {
    assert_eq!(shares(&of(&[6, 3, 1])), [600, 300, 100]);
}

#[test]
fn a_tick_comes_once_an_interval() {
    let adaptive = of(&[1, 1]);
    assert!(!adaptive.tick(ms(4_999)));
    assert!(adaptive.tick(ms(5_000)));
    assert!(!adaptive.tick(ms(9_999)));
}

#[test]
fn of_those_that_do_equally_well_each_keeps_the_share_of_its_weight() {
    let adaptive = of(&[7, 3]);
    for number in 1..20 {
        tick(&adaptive, number, &[(35, 400, 0), (15, 420, 0)]);
        assert_eq!(shares(&adaptive), [700, 300]);
    }
}

#[test]
fn a_slow_one_is_left_with_what_explores_it() {
    let adaptive = of(&[1, 1, 1]);
    (1..4).for_each(|number| {
        tick(
            &adaptive,
            number,
            &[(17, 400, 0), (17, 400, 0), (17, 1_600, 0)],
        );
    });
    let shares = shares(&adaptive);
    assert!(shares[2] <= 7 && shares[0] > 480, "{shares:?}");
    let slow = adaptive.standings()[2];
    assert_eq!(slow.state, State::Degraded);
    assert!(matches!(slow.reason, Reason::SlowFirstToken(times) if times > 300));
}

#[test]
fn explores_nothing_where_it_must_not() {
    let settings = Settings {
        explore: 0,
        ..Settings::default()
    };
    let adaptive = of_settings(&[1, 1], settings);
    (1..8).for_each(|number| tick(&adaptive, number, &[(50, 400, 0), (50, 4_000, 0)]));
    assert_eq!(shares(&adaptive), [1000, 0]);
}

#[test]
fn one_failure_of_few_changes_nothing_and_many_failures_do() {
    let adaptive = of(&[1, 1, 1]);
    tick(&adaptive, 1, &[(17, 400, 0), (17, 400, 0), (16, 400, 1)]);
    assert!(adaptive.share(2) > 320);
    (2..8).for_each(|number| {
        tick(
            &adaptive,
            number,
            &[(17, 400, 0), (17, 400, 0), (15, 400, 2)],
        );
    });
    assert!(adaptive.share(2) < 30, "{:?}", shares(&adaptive));
}

#[test]
fn two_failures_of_two_are_chance_and_four_are_not() {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(2, 400, 0), (0, 0, 2)]);
    assert_eq!(shares(&adaptive), [500, 500]);
    tick(&adaptive, 2, &[(25, 400, 0), (25, 400, 0)]);
    assert!(adaptive.share(1) > 400, "{:?}", shares(&adaptive));
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(4, 400, 0), (0, 0, 4)]);
    assert_eq!(adaptive.standings()[1].state, State::Failed);
}

/// How many of 1,000 requests the second one is drawn for.
fn drawn(adaptive: &Adaptive) -> usize {
    let mut random = fastrand::Rng::with_seed(13);
    let mut next = || picked(adaptive, |_| 1000, &ask(0, random.u64(..), random.u64(..)));
    (0..1_000).filter(|_| next() == Some(1)).count()
}

fn answers(adaptive: &Adaptive, at: usize, count: usize, first: u64) {
    let candidate = adaptive.candidates().nth(at).unwrap();
    (0..count).for_each(|_| candidate.recorder.begin(true).answered(ms(first), 0));
}

#[test]
fn who_is_left_between_ticks_for_few_slow_answers_has_its_share_again_after_one() {
    // Of both much is known, and nothing.
    for ticks in [3, 0] {
        let adaptive = of(&[1, 1]);
        (1..=ticks).for_each(|number| tick(&adaptive, number, &[(50, 200, 0), (50, 200, 0)]));
        answers(&adaptive, 0, 2, 200);
        answers(&adaptive, 1, 2, 1_000);
        assert_eq!(drawn(&adaptive), 0, "{ticks}");
        tick(&adaptive, ticks + 1, &[(50, 200, 0), (0, 0, 0)]);
        let had = drawn(&adaptive);
        assert!((350..550).contains(&had), "{ticks}: {had}");
    }
}

#[test]
fn times_that_count_nothing_count_nothing_between_ticks() {
    let weights = Weights {
        first_token: 0,
        per_token: 0,
        ..Weights::default()
    };
    let settings = Settings {
        weights,
        ..Settings::default()
    };
    let adaptive = of_settings(&[1, 1], settings);
    answers(&adaptive, 0, 5, 200);
    answers(&adaptive, 1, 5, 2_000);
    let had = drawn(&adaptive);
    assert!((450..550).contains(&had), "{had}");
}

#[test]
fn what_is_down_gets_a_probe_and_its_share_back_when_it_answers() {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(20, 400, 0), (0, 0, 20)]);
    assert_eq!(shares(&adaptive), [1000, 0]);
    tick(&adaptive, 2, &[(40, 400, 0), (0, 0, 0)]);
    let picks = |count: usize| {
        let next = |number: u64| picked(&adaptive, |_| 1000, &ask(10, number << 40, 0));
        (0..count)
            .filter(|number| next(u64::try_from(*number).unwrap()) == Some(1))
            .count()
    };
    assert_eq!((picks(20), picks(20)), (1, 0), "one probe");
    let back = [(20, 400, 0), (1, 400, 0)];
    let seen: Vec<u32> = (3..8)
        .map(|number| {
            tick(&adaptive, number, &back);
            adaptive.share(1)
        })
        .collect();
    assert_eq!(seen, [250, 400, 500, 500, 500]);
}

/// The position of the next to be picked, who is sent there.
fn sent(adaptive: &Adaptive) -> Option<usize> {
    let at = picked(adaptive, |_| 1000, &ask(10, 0, 0))?;
    let candidate = adaptive.candidates().nth(at)?;
    drop(candidate.recorder.begin(true));
    Some(at)
}

/// Two, of which the second is down and wants a probe.
fn with_one_down() -> Adaptive {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(20, 400, 0), (0, 0, 20)]);
    tick(&adaptive, 2, &[(40, 400, 0), (0, 0, 0)]);
    adaptive
}

#[test]
fn a_probe_that_was_never_sent_is_for_the_next_one() {
    let adaptive = with_one_down();
    let next = || picked(&adaptive, |_| 1000, &ask(10, 0, 0));
    let recorder = Arc::clone(&adaptive.candidates().nth(1).unwrap().recorder);
    for _ in 0..3 {
        assert_eq!(next(), Some(1));
        let lent = recorder.lent_probe();
        assert!(lent.is_some());
        assert_eq!(next(), Some(0), "one at a time");
        // Whoever had it was refused for something of its own.
        drop(lent);
    }
    assert_eq!(next(), Some(1));
    let lent = recorder.lent_probe();
    drop(recorder.begin(true));
    drop(lent);
    assert_eq!(next(), Some(0), "it was sent");
}

#[test]
fn nobody_probes_whose_request_is_not_noted() {
    let adaptive = with_one_down();
    let unnoted = Ask {
        probes: false,
        ..ask(10, 0, 0)
    };
    assert_eq!(picked(&adaptive, |_| 1000, &unnoted), Some(0));
    assert_eq!(sent(&adaptive), Some(1));
}

#[test]
fn a_probe_that_hangs_is_followed_by_no_other() {
    let adaptive = with_one_down();
    assert_eq!(picked(&adaptive, |_| 1000, &ask(10, 0, 0)), Some(1));
    let hangs = adaptive.candidates().nth(1).unwrap().recorder.begin(true);
    for number in 3..9 {
        tick(&adaptive, number, &[(40, 400, 0), (0, 0, 0)]);
        assert_eq!(sent(&adaptive), Some(0), "{number}");
    }
    drop(hangs);
    tick(&adaptive, 9, &[(40, 400, 0), (0, 0, 0)]);
    assert_eq!(sent(&adaptive), Some(1));
}

#[test]
fn those_that_all_had_failed_are_back_though_a_few_of_very_many_answers_fail() {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(0, 0, 20), (0, 0, 20)]);
    let states = || adaptive.standings().into_iter().map(|one| one.state);
    assert!(states().all(|state| state == State::Failed));
    // Where nobody is up all are asked by their weights.
    (2..10).for_each(|number| tick(&adaptive, number, &[(1_000, 400, 2), (1_000, 400, 2)]));
    assert!(states().all(|state| state == State::Healthy));
    assert_eq!(shares(&adaptive), [500, 500]);
}

#[test]
fn one_that_conversations_keep_to_though_it_had_failed_is_back_when_it_answers_them() {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(500, 400, 0), (0, 0, 20)]);
    (2..10).for_each(|number| tick(&adaptive, number, &[(900, 400, 2), (500, 400, 1)]));
    assert_eq!(shares(&adaptive), [500, 500]);
    // And one of which most still fail is not.
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(500, 400, 0), (0, 0, 20)]);
    (2..10).for_each(|number| tick(&adaptive, number, &[(900, 400, 2), (50, 400, 60)]));
    assert_eq!(adaptive.standings()[1].state, State::Failed);
}

#[test]
fn an_edit_is_no_look() {
    let adaptive = of(&[1, 1]);
    (1..4).for_each(|number| tick(&adaptive, number, &[(50, 400, 0), (50, 400, 0)]));
    tick(&adaptive, 4, &[(50, 400, 0), (50, 700, 0)]);
    let mut edited = adaptive;
    let before = shares(&edited);
    assert!(before[1] < 450, "{before:?}");
    for _ in 0..40 {
        let candidates = edited.candidates().cloned().collect();
        edited = edited.succeed(Settings::default(), candidates, at(21));
        assert_eq!(shares(&edited), before);
    }
    // What has another weight has another share at once.
    let mut candidates: Vec<Candidate> = edited.candidates().cloned().collect();
    candidates[0].weight = 4;
    let heavier = shares(&edited.succeed(Settings::default(), candidates, at(21)));
    assert!(heavier[0] > before[0] + 50, "{heavier:?} {before:?}");
}

#[test]
fn an_edit_asks_for_no_other_probe() {
    let adaptive = with_one_down();
    assert_eq!((sent(&adaptive), sent(&adaptive)), (Some(1), Some(0)));
    let candidates = adaptive.candidates().cloned().collect();
    let edited = adaptive.succeed(Settings::default(), candidates, at(11));
    assert_eq!(sent(&edited), Some(0));
    // And forgets none.
    let adaptive = with_one_down();
    let candidates = adaptive.candidates().cloned().collect();
    let edited = adaptive.succeed(Settings::default(), candidates, at(11));
    assert_eq!(sent(&edited), Some(1));
}

#[test]
fn what_it_does_not_know_speaks_against_it_where_nothing_else_comes() {
    let recorder = Arc::new(Recorder::default());
    let unknown = |count: usize| (0..count).for_each(|_| recorder.begin(true).is_unknown());
    for _ in 0..50 {
        unknown(15);
        recorder.begin(true).answered(ms(100), 0);
    }
    assert_eq!(
        recorder.totals().failed,
        0,
        "requests can name what is not there"
    );
    unknown(30);
    assert_eq!(recorder.totals().failed, 10);
}

#[test]
fn a_probe_is_kept_for_when_the_breaker_permits_it() {
    let adaptive = of(&[1, 1]);
    tick(&adaptive, 1, &[(20, 400, 0), (0, 0, 20)]);
    tick(&adaptive, 2, &[(40, 400, 0), (0, 0, 0)]);
    let closed = |position: usize| if position == 0 { 1000 } else { 0 };
    assert_eq!(picked(&adaptive, closed, &ask(10, 0, 0)), Some(0));
    assert_eq!(picked(&adaptive, |_| 1000, &ask(10, 0, 0)), Some(1));
}

#[test]
fn an_account_is_spread_over_the_time_that_it_has_to_last() {
    let adaptive = of(&[1, 1]);
    let second = adaptive.candidates().nth(1).unwrap();
    let accounts = second.accounts.as_ref().unwrap();
    let told = |left| {
        let until = at(55);
        accounts.told(&"one".into(), 1, Allowance { left, until }, at(0));
    };
    // 100 requests left for 50 seconds, of 20 a second.
    told(100);
    tick(&adaptive, 1, &[(50, 400, 0), (50, 400, 0)]);
    assert!(
        (90..=100).contains(&adaptive.share(1)),
        "{:?}",
        shares(&adaptive)
    );
    // Those whose answers have begun are counted in what was told.
    told(20);
    let streams: Vec<Flight> = (0..25)
        .map(|_| {
            let mut flight = second.recorder.begin(true);
            flight.answered(ms(400), 0);
            flight
        })
        .collect();
    let only = |at: usize| if at == 1 { 1000 } else { 0 };
    assert_eq!(second.allowance(at(5)).map(|told| told.left), Some(20));
    assert_eq!(picked(&adaptive, only, &ask(5, 0, 0)), Some(1));
    drop(streams);
    // Spent: nobody is sent there, whatever its share.
    told(0);
    let next = |number: u64| picked(&adaptive, |_| 1000, &ask(5, number << 54, 0));
    assert!((0..1000).all(|number| next(number) == Some(0)));
    assert_eq!(
        picked(
            &adaptive,
            |at| if at == 1 { 1000 } else { 0 },
            &ask(5, 0, 0)
        ),
        Some(1)
    );
}

#[test]
fn who_joins_grows_into_its_share_and_who_stays_keeps_what_is_known() {
    let adaptive = of(&[1, 1]);
    (1..4).for_each(|number| tick(&adaptive, number, &[(50, 400, 0), (50, 4_000, 0)]));
    let mut candidates: Vec<Candidate> = adaptive.candidates().cloned().collect();
    candidates.push(candidate("c", 1));
    let next = adaptive.succeed(Settings::default(), candidates, at(15));
    assert!((240..260).contains(&next.share(2)), "{:?}", shares(&next));
    assert!(next.share(1) < 20);
    (4..8).for_each(|number| tick(&next, number, &[(40, 400, 0), (1, 4_000, 0), (10, 400, 0)]));
    assert!((480..500).contains(&next.share(2)), "{:?}", shares(&next));
}

#[test]
fn nobody_is_picked_where_nobody_may_be() {
    assert_eq!(of(&[1, 1]).pick(|_| 0, &ask(0, 0, 0)), None);
}

#[test]
fn a_draw_among_sixteen_allocates_nothing_that_lasts_and_ends_soon() {
    let candidates = (0..16).map(|number| candidate(&format!("c{number}"), 1));
    let adaptive = Adaptive::new(Settings::default(), candidates.collect(), Duration::ZERO);
    let mut random = fastrand::Rng::with_seed(1);
    let mut counts = [0; 16];
    for _ in 0..16_000 {
        let next = picked(&adaptive, |_| 1000, &ask(0, random.u64(..), random.u64(..)));
        counts[next.unwrap()] += 1;
    }
    assert!(
        counts.iter().all(|count| (850..1_150).contains(count)),
        "{counts:?}"
    );
}
