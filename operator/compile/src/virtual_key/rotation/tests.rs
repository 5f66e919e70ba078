use fairlead_snapshot::{Allow, Limits};

use super::*;

const HOUR: i64 = 3600;

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * super::HOUR)
}

fn digest(value: &str) -> KeyDigest {
    Digest::of_bytes(value.as_bytes())
}

fn before(value: &str, until: i64) -> Previous {
    Previous {
        digest: digest(value),
        until,
    }
}

fn key(value: &str, previous: Option<Previous>) -> Key {
    Key {
        oidc: None,
        networks: Vec::new(),
        digest: Some(digest(value)),
        previous,
        refused: None,
        expires_at: None,
        team: None,
        organization: None,
        allow: Allow::default(),
        limits: Limits::default(),
    }
}

/// What is known at second 10,000 of a key whose overlap is an hour.
fn known(past: &Key) -> Known<'_> {
    Known {
        past: Some(past),
        overlap: Some(hours(1)),
        suspended: false,
        now: 10_000,
    }
}

#[test]
fn a_supplied_value_works_beside_its_successor_for_the_overlap() {
    let past = key("one", None);
    let previous = known(&past).of_supplied(&digest("two"));
    assert_eq!(previous, Some(before("one", 10_000 + HOUR)));
    assert_eq!(known(&past).of_supplied(&digest("one")), None);
    let unwanted = Known {
        overlap: None,
        ..known(&past)
    };
    assert_eq!(unwanted.of_supplied(&digest("two")), None);
}

#[test]
fn the_time_that_is_left_to_a_value_never_grows() {
    for (until, overlap, left) in [
        (10_500, 1, 10_500),
        (10_500, 48, 10_500),
        (20_000, 1, 10_000 + HOUR),
        (20_000, 0, 10_000),
        // One whose time is over is remembered as it is.
        (9_000, 1, 9_000),
        (9_000, 0, 9_000),
    ] {
        let past = key("two", Some(before("one", until)));
        let known = Known {
            overlap: Some(hours(overlap)),
            ..known(&past)
        };
        let (supplied, generated) = (
            known.of_supplied(&digest("two")),
            known.of_generated(&digest("two"), Some(before("one", 99_999)), Some(9_900)),
        );
        assert_eq!(supplied, Some(before("one", left)), "{until} {overlap}h");
        let written = 9_900 + HOUR * i64::try_from(overlap).unwrap();
        let least = until.min(written);
        assert_eq!(generated, Some(before("one", least)), "{until} {overlap}h");
    }
}

#[test]
fn a_value_that_came_back_is_not_its_own_predecessor() {
    let past = key("two", Some(before("one", 20_000)));
    let previous = known(&past).of_supplied(&digest("one"));
    assert_eq!(previous, Some(before("two", 10_000 + HOUR)));
}

#[test]
fn a_value_that_was_replaced_while_the_key_was_suspended_does_not_come_back() {
    let past = Key {
        refused: Some(Refusal::Suspended),
        ..key("one", None)
    };
    let previous = known(&past).of_supplied(&digest("two"));
    assert_eq!(previous, Some(before("one", 10_000)));
    let rotated = key("two", Some(before("one", 20_000)));
    let suspended = Known {
        suspended: true,
        ..known(&rotated)
    };
    let previous = suspended.of_supplied(&digest("two"));
    assert_eq!(previous, Some(before("one", 10_000)));
    let held = Some(before("one", 20_000));
    let previous = suspended.of_generated(&digest("two"), held, None);
    assert_eq!(previous, Some(before("one", 10_000)));
}

#[test]
fn a_key_that_had_no_value_has_none_before() {
    let past = Key {
        digest: None,
        refused: Some(Refusal::NoValue),
        ..key("one", None)
    };
    assert_eq!(known(&past).of_supplied(&digest("one")), None);
    assert_eq!(known(&past).of_generated(&digest("one"), None, None), None);
}

#[test]
fn what_does_not_stand_beside_a_generated_value_is_over() {
    // Its Secret was deleted and made anew, or somebody took the old value out.
    let deleted = key("one", None);
    let previous = known(&deleted).of_generated(&digest("two"), None, None);
    assert_eq!(previous, Some(before("one", 10_000)));
    let taken_out = key("two", Some(before("one", 20_000)));
    let previous = known(&taken_out).of_generated(&digest("two"), None, Some(9_000));
    assert_eq!(previous, Some(before("one", 10_000)));
}

#[test]
fn after_a_restart_that_forgot_everything_the_secret_says_it() {
    let forgotten = Known {
        past: None,
        ..known(&key("", None))
    };
    let held = Some(before("one", 12_000));
    let previous = forgotten.of_generated(&digest("two"), held.clone(), Some(9_900));
    assert_eq!(previous, held);
    assert_eq!(forgotten.of_supplied(&digest("two")), None);
}

fn named(name: &ObjectName) -> Asked<'_> {
    Asked {
        name,
        every: None,
        overlap: hours(24),
        request: None,
    }
}

fn replaces(plan: &Plan) -> Option<Option<&str>> {
    match plan {
        Plan::Now(RotationStep::Replace { served, .. }) => Some(served.as_deref()),
        Plan::Now(RotationStep::Forget) | Plan::At(_) => None,
    }
}

#[test]
fn a_request_is_served_once() {
    let name = ObjectName::new("a", "k");
    let asked = Asked {
        request: Some("2026-12-01"),
        ..named(&name)
    };
    let mut seen = RotationState::default();
    assert_eq!(
        replaces(&asked.plan(&seen, None, 0)),
        Some(Some("2026-12-01"))
    );
    seen.served = Some("2026-12-01".to_owned());
    assert_eq!(replaces(&asked.plan(&seen, None, i64::MAX)), None);
    let again = Asked {
        request: Some("2026-12-02"),
        ..named(&name)
    };
    assert_eq!(
        replaces(&again.plan(&seen, None, 0)),
        Some(Some("2026-12-02"))
    );
    assert_eq!(replaces(&named(&name).plan(&seen, None, 0)), None);
}

#[test]
fn a_request_is_no_longer_than_can_be_noted() {
    assert_eq!(request(None), Ok(None));
    assert_eq!(request(Some("")), Ok(None));
    let longest = "x".repeat(ROTATION_REQUEST_BYTES);
    assert_eq!(request(Some(&longest)), Ok(Some(&*longest)));
    let finding = request(Some(&format!("{longest}x"))).unwrap_err();
    assert!(finding.message.contains("256 bytes"), "{finding}");
}

#[test]
fn a_value_becomes_no_older_than_it_may_and_what_was_served_stays_served() {
    let name = ObjectName::new("a", "k");
    let asked = Asked {
        every: Some(hours(720)),
        ..named(&name)
    };
    let seen = RotationState {
        created: Some(5),
        rotated_at: Some(1_000),
        previous_until: None,
        served: Some("x".to_owned()),
    };
    let Plan::At(Some(due)) = asked.plan(&seen, None, 1_000) else {
        panic!("it is rotated at once");
    };
    assert!((1_000 + 648 * HOUR..=1_000 + 720 * HOUR).contains(&due));
    assert_eq!(replaces(&asked.plan(&seen, None, due - 1)), None);
    assert_eq!(replaces(&asked.plan(&seen, None, due)), Some(Some("x")));
    let new = RotationState {
        rotated_at: None,
        ..seen
    };
    let Plan::At(Some(first)) = asked.plan(&new, None, 5) else {
        panic!("it is rotated at once");
    };
    assert_eq!(
        due - first,
        995,
        "a value is as old as its Secret until it is rotated"
    );
}

#[test]
fn keys_that_were_made_together_are_not_rotated_together() {
    let every = hours(240);
    let due = |at: usize| {
        let name = ObjectName::new("a", format!("k{at}"));
        let asked = Asked {
            every: Some(every),
            ..named(&name)
        };
        match asked.plan(
            &RotationState {
                created: Some(0),
                ..RotationState::default()
            },
            None,
            0,
        ) {
            Plan::At(due) => due.unwrap(),
            Plan::Now(_) => panic!("it is rotated at once"),
        }
    };
    let mut all: Vec<i64> = (0..10_000).map(due).collect();
    all.sort_unstable();
    assert!(*all.first().unwrap() >= 216 * HOUR && *all.last().unwrap() <= 240 * HOUR);
    let in_one_second = all.chunk_by(|a, b| a == b).map(<[i64]>::len).max();
    assert!(in_one_second < Some(8), "{in_one_second:?}");
    assert_eq!(due(7), due(7));
}

#[test]
fn no_rotation_by_time_ends_the_overlap_of_the_last() {
    for (every, overlap) in [(2, 1), (25, 24), (1, 0), (8784, 8783)] {
        for at in 0..50 {
            let name = ObjectName::new("a", format!("k{at}"));
            let asked = Asked {
                every: Some(hours(every)),
                overlap: hours(overlap),
                ..named(&name)
            };
            let early = asked.spread(hours(every));
            let left = HOUR * i64::try_from(every).unwrap() - early;
            assert!(left >= HOUR * i64::try_from(overlap).unwrap(), "{every}");
        }
    }
}

#[test]
fn the_value_before_is_taken_away_when_its_time_is_over() {
    let name = ObjectName::new("a", "k");
    let seen = RotationState {
        previous_until: Some(500),
        ..RotationState::default()
    };
    let step =
        |previous: Option<Previous>, now| match named(&name).plan(&seen, previous.as_ref(), now) {
            Plan::Now(RotationStep::Forget) => None,
            Plan::Now(RotationStep::Replace { .. }) => panic!("nobody asked"),
            Plan::At(at) => at,
        };
    assert_eq!(step(Some(before("one", 500)), 499), Some(500));
    assert_eq!(step(Some(before("one", 500)), 500), None);
    // It was ended early: its key is suspended, or the overlap is shorter now.
    assert_eq!(step(Some(before("one", 300)), 300), None);
    // Somebody took the value out, and not what is said of it.
    assert_eq!(step(None, 500), None);
}
