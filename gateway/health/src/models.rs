//! Models of what threads share, run by loom in every interleaving and under every order of memory that the code permits (`make loom`).

use std::sync::Arc;
use std::time::Duration;

use fairlead_snapshot::Health;
use loom::sync::Mutex;
use loom::thread;

use crate::asker::Asker;
use crate::breaker::{Admission, Breaker, BreakerState, Outcome, Token};
use crate::gate::{Gate, Slot, Waiter};
use crate::rest::{CredentialHealth, CredentialState};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Up to three switches of threads that nothing forces: more find hardly more and take very long.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// A place in line that its owner looks at.
#[derive(Clone, Default)]
struct InLine(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Waits,
    Has(#[expect(dead_code, reason = "it is held, not looked at")] Slot<InLine>),
    Gone,
}

impl Waiter for InLine {
    fn give(self, slot: Slot<Self>) -> Result<(), Slot<Self>> {
        let mut state = self.0.lock().unwrap();
        if matches!(*state, State::Gone) {
            return Err(slot);
        }
        *state = State::Has(slot);
        Ok(())
    }

    fn has_gone(&self) -> bool {
        matches!(*self.0.lock().unwrap(), State::Gone)
    }

    fn asker(&self) -> Asker {
        Asker::ONE
    }
}

impl InLine {
    fn has_a_place(&self) -> bool {
        matches!(*self.0.lock().unwrap(), State::Has(_))
    }

    /// Leaves the line, or gives back the place that came.
    fn go(&self, gate: &Gate<Self>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap(), State::Gone);
        gate.tidy();
        drop(before);
    }
}

type Places = Arc<Gate<InLine>>;

/// A place, or one in line.
fn come(gate: &Places) -> (Option<Slot<InLine>>, InLine) {
    let waiter = InLine::default();
    let slot = gate.enter(1, Asker::ONE);
    if slot.is_none() {
        assert!(gate.line_up(9, waiter.clone()), "there is room in line");
    }
    (slot, waiter)
}

#[test]
fn a_place_that_comes_back_while_somebody_lines_up_is_not_lost() {
    model(|| {
        let gate = Places::default();
        let slot = gate.enter(1, Asker::ONE);
        let leaving = thread::spawn(move || drop(slot));
        let (slot, waiter) = come(&gate);
        leaving.join().unwrap();
        assert!(slot.is_some() || waiter.has_a_place());
        assert_eq!((gate.in_flight(), gate.queued()), (1, 0));
    });
}

#[test]
fn a_place_of_one_who_leaves_others_theirs_comes_to_who_lines_up_meanwhile() {
    model(|| {
        let gate = Places::default();
        let least = gate.enter_within(1, Asker::ONE);
        let leaving = thread::spawn(move || drop(least));
        let (slot, waiter) = come(&gate);
        leaving.join().unwrap();
        assert!(slot.is_some() || waiter.has_a_place());
        assert!(gate.enter_within(1, Asker::ONE).is_none());
        assert_eq!((gate.in_flight(), gate.queued()), (1, 0));
    });
}

#[test]
fn of_two_who_come_for_one_place_one_has_it_and_the_other_is_next() {
    model(|| {
        let gate = Places::default();
        let other = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || come(&gate))
        };
        let (slot, waiter) = come(&gate);
        let (others_slot, others_waiter) = other.join().unwrap();
        let count = [
            slot.is_some(),
            others_slot.is_some(),
            waiter.has_a_place(),
            others_waiter.has_a_place(),
        ];
        assert_eq!(count.into_iter().filter(|has| *has).count(), 1);
        assert_eq!((gate.in_flight(), gate.queued()), (1, 1));
        drop((slot, others_slot));
        assert_eq!((gate.in_flight(), gate.queued()), (1, 0));
    });
}

#[test]
fn a_place_that_is_given_to_one_who_is_just_going_comes_to_the_next() {
    model(|| {
        let gate = Places::default();
        let slot = gate.enter(1, Asker::ONE);
        let (first, second) = (InLine::default(), InLine::default());
        assert!(gate.line_up(9, first.clone()) && gate.line_up(9, second.clone()));
        let leaving = thread::spawn(move || drop(slot));
        first.go(&gate);
        leaving.join().unwrap();
        assert!(second.has_a_place());
        assert_eq!((gate.in_flight(), gate.queued()), (1, 0));
        second.go(&gate);
        assert_eq!((gate.in_flight(), gate.queued()), (0, 0));
    });
}

const POLICY: Health = Health {
    consecutive_failures: 2,
    error_percent: 0,
    min_requests: 1,
    probe_interval: Duration::from_secs(5),
    ramp_up: Duration::from_secs(10),
};

fn admit(breaker: &Breaker, now: Duration) -> Admission {
    breaker.admit(now, &POLICY, Asker::ONE)
}

fn token(admission: Admission) -> Option<Token> {
    match admission {
        Admission::Allowed(token) | Admission::Probe(token) | Admission::Spared(token) => {
            Some(token)
        }
        Admission::Refused { .. } => None,
    }
}

/// A breaker that has opened at 0 s, and a request that it had let through before.
fn opened() -> (Arc<Breaker>, Token) {
    let breaker = Arc::new(Breaker::default());
    let before = token(admit(&breaker, at(0))).unwrap();
    for _ in 0..POLICY.consecutive_failures {
        breaker.tell(before, Outcome::Failure, at(0), &POLICY);
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Open);
    (breaker, before)
}

#[test]
fn failures_at_the_same_time_open_a_breaker_once() {
    model(|| {
        let breaker = Arc::new(Breaker::default());
        let token = token(admit(&breaker, at(0))).unwrap();
        let fails = move |breaker: &Breaker| breaker.tell(token, Outcome::Failure, at(0), &POLICY);
        let other = {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || fails(&breaker))
        };
        let opened = [fails(&breaker), other.join().unwrap()];
        assert_eq!(opened.into_iter().filter(|opened| *opened).count(), 1);
        assert_eq!(breaker.state(at(0)), BreakerState::Open);
    });
}

#[test]
fn of_those_who_ask_at_the_same_time_one_probes() {
    model(|| {
        let (breaker, _) = opened();
        let asks = |breaker: &Breaker| matches!(admit(breaker, at(5)), Admission::Probe(_));
        let other = {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || asks(&breaker))
        };
        let probes = [asks(&breaker), other.join().unwrap()];
        assert_eq!(probes.into_iter().filter(|probes| *probes).count(), 1);
    });
}

#[test]
fn what_was_in_flight_when_it_opened_neither_closes_it_nor_ends_a_probe() {
    for outcome in [Outcome::Success, Outcome::Alive, Outcome::Failure] {
        model(move || {
            let (breaker, before) = opened();
            let late = {
                let breaker = Arc::clone(&breaker);
                thread::spawn(move || breaker.tell(before, outcome, at(5), &POLICY))
            };
            assert!(matches!(admit(&breaker, at(5)), Admission::Probe(_)));
            assert!(!late.join().unwrap());
            assert_eq!(breaker.state(at(5)), BreakerState::Probing);
        });
    }
}

#[test]
fn of_those_who_come_for_a_benched_credential_one_has_it() {
    model(|| {
        let credential = Arc::new(CredentialHealth::default());
        credential.refused(at(0));
        let other = {
            let credential = Arc::clone(&credential);
            thread::spawn(move || credential.admit(at(5), Asker::ONE).is_ok())
        };
        let admitted = [
            credential.admit(at(5), Asker::ONE).is_ok(),
            other.join().unwrap(),
        ];
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    });
}

#[test]
fn of_a_rest_and_a_bench_at_the_same_time_the_longer_holds() {
    model(|| {
        let credential = Arc::new(CredentialHealth::default());
        let other = {
            let credential = Arc::clone(&credential);
            thread::spawn(move || credential.throttled(at(0), at(30)))
        };
        credential.refused(at(0));
        other.join().unwrap();
        let held = (CredentialState::Benched, Some(at(30)));
        assert_eq!(credential.state(at(1)), held);
    });
}

#[test]
fn refusals_at_the_same_time_are_one() {
    model(|| {
        let credential = Arc::new(CredentialHealth::default());
        let other = {
            let credential = Arc::clone(&credential);
            thread::spawn(move || credential.refused(at(0)))
        };
        credential.refused(at(0));
        other.join().unwrap();
        assert_eq!(credential.ready(at(1), Asker::ONE), Err(at(5)));
    });
}
