//! How a candidate stands from tick to tick.
//!
//! ```text
//! Healthy <--> Degraded --most answers fail--> Failed --a probe is answered--> Recovering --ramp over--> Healthy
//!    +------------------------------------------^  ^------------ fails again ------+
//! ```
//!
//! What fails again soon after it came back rests twice as long before it is probed the next time (as Envoy's outlier detection does), so that
//! one that flaps is asked ever less.

use serde::Serialize;

/// It has failed when more than half of the answers did, as sure as can be, or so many in a row.
const FAILED: f64 = 0.5;
const IN_A_ROW: u32 = 5;
/// Fewer failures than this are no ground to call it failed.
pub(crate) const FEWEST: f64 = 4.0;
/// Of one that is coming back so many are.
const FEWEST_AGAIN: f64 = 2.0;
/// It is degraded below this score, and well again above the other.
const DEGRADED: f64 = 0.5;
const WELL: f64 = 0.7;
/// Ticks from one probe to the next, of one that stays down.
const REST: u32 = 2;
/// The same at most, of one that has failed again and again.
const LONGEST_REST: u32 = 12;
/// After so many ticks without a failure earlier ones are forgiven.
const FORGIVEN: u32 = 12;

/// How a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It is about as good as the others.
    #[default]
    Healthy,
    /// It is up, and so much worse than the others that it gets less than half of what its weight is due.
    Degraded,
    /// Most of its answers fail: nothing but a probe now and then is sent to it.
    Failed,
    /// It is new or has come back, and its share grows.
    Recovering,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Healthy,
        Self::Degraded,
        Self::Failed,
        Self::Recovering,
    ];

    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Recovering => "recovering",
        }
    }
}

/// The state, and what it takes to leave it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Condition {
    pub(crate) state: State,
    /// Ticks in this state; for one that is coming back, ticks of its ramp.
    age: u32,
    /// Whether it has joined since the last tick: its ramp begins with the next one, or it would miss a part of it.
    is_new: bool,
    /// Whether it has come back and is not forgiven yet.
    is_back: bool,
    /// How often it has failed again.
    strikes: u32,
    /// Ticks until the next probe.
    rest: u32,
}

/// What a tick has seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) answered: f64,
    pub(crate) failed: f64,
    /// The most that the share of failures may be among those alone that this tick has seen.
    pub(crate) failing_now: f64,
    /// The least that the share of failures may be, of everything that is remembered.
    pub(crate) failing: f64,
    /// How many failures are remembered.
    pub(crate) failures: f64,
    /// How many were the last, without an answer between.
    pub(crate) in_a_row: u32,
    /// How many ticks have passed: of a rule without requests nobody looks at its candidates.
    pub(crate) ticks: u32,
    /// Ticks that a share takes to grow back.
    pub(crate) ramp: u32,
}

impl Seen {
    /// Whether one that had failed answers: a lone probe, or most of those that went there all the same, as where everybody had failed.
    fn is_back(&self) -> bool {
        let mostly = self.failing_now < FAILED && self.in_a_row < IN_A_ROW;
        self.answered > 0.0 && (self.failed <= 0.0 || mostly)
    }

    fn is_down(&self) -> bool {
        self.in_a_row >= IN_A_ROW || self.failing >= FAILED && self.failures >= FEWEST
    }
}

impl Condition {
    /// Of one that joins others which are known already.
    pub(crate) fn newcomer() -> Self {
        Self {
            state: State::Recovering,
            is_new: true,
            ..Self::default()
        }
    }

    /// One tick on, before scores are known. Says whether what is remembered of it is to be forgotten: it speaks of what it was before.
    pub(crate) fn step(&mut self, seen: &Seen) -> bool {
        if !std::mem::take(&mut self.is_new) {
            self.age = self.age.saturating_add(1);
        }
        match self.state {
            State::Healthy | State::Degraded => {
                if seen.is_down() {
                    self.fail();
                } else if seen.failed > 0.0 {
                    self.age = 0;
                } else if self.age >= FORGIVEN {
                    self.strikes = 0;
                    self.is_back = false;
                }
                false
            }
            State::Recovering => {
                let again = seen.failed >= FEWEST_AGAIN && seen.failed >= seen.answered;
                if again || seen.is_down() {
                    self.fail();
                } else if self.age >= seen.ramp {
                    self.enter(State::Healthy);
                }
                false
            }
            State::Failed => {
                self.rest = self.rest.saturating_sub(seen.ticks);
                if seen.is_back() {
                    self.enter(State::Recovering);
                    self.is_back = true;
                    return true;
                }
                if seen.failed > 0.0 && self.age > 1 {
                    self.rest = self.rest().max(REST);
                }
                false
            }
        }
    }

    /// Looks at the score of one that is up; what is between the thresholds stays as it was.
    pub(crate) fn judge(&mut self, score: f64) {
        match self.state {
            State::Healthy if score < DEGRADED => self.state = State::Degraded,
            State::Degraded if score > WELL => self.state = State::Healthy,
            State::Healthy | State::Degraded | State::Failed | State::Recovering => {}
        }
    }

    /// Which part of its share it may have, where it takes so many ticks to grow back.
    pub(crate) fn part(&self, ramp: u32) -> f64 {
        match self.state {
            State::Healthy | State::Degraded => 1.0,
            State::Failed => 0.0,
            State::Recovering => {
                let part =
                    f64::from(self.age.saturating_add(1)) / f64::from(ramp.saturating_add(1));
                part.min(1.0)
            }
        }
    }

    /// Whether somebody should find out if it is back.
    pub(crate) fn wants_probe(&self) -> bool {
        self.state == State::Failed && self.rest == 0
    }

    fn fail(&mut self) {
        self.strikes = self.strikes.saturating_add(u32::from(self.is_back));
        self.enter(State::Failed);
        self.rest = self.rest();
    }

    fn rest(&self) -> u32 {
        1_u32
            .checked_shl(self.strikes)
            .map_or(LONGEST_REST, |rest| rest.min(LONGEST_REST))
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.age = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL_SEEN: Seen = Seen {
        answered: 5.0,
        failed: 0.0,
        failing_now: 0.0,
        failing: 0.0,
        failures: 0.0,
        in_a_row: 0,
        ticks: 1,
        ramp: 2,
    };
    const DOWN: Seen = Seen {
        answered: 0.0,
        failed: 5.0,
        failing_now: 1.0,
        failing: 0.8,
        failures: 5.0,
        in_a_row: 5,
        ticks: 1,
        ramp: 2,
    };
    const SILENT: Seen = Seen {
        answered: 0.0,
        ..WELL_SEEN
    };

    #[test]
    fn few_failures_condemn_nobody() {
        let mut condition = Condition::default();
        for failures in 1..4 {
            let failures = f64::from(failures);
            condition.step(&Seen {
                failed: failures,
                failures,
                in_a_row: 3,
                ..DOWN
            });
            assert_eq!(condition.state, State::Healthy);
        }
        condition.step(&DOWN);
        assert_eq!(condition.state, State::Failed);
    }

    #[test]
    fn what_is_down_is_probed_after_a_rest_and_its_share_grows_when_it_answers() {
        let mut condition = Condition::default();
        condition.step(&DOWN);
        assert!(!condition.wants_probe() && condition.part(2) == 0.0);
        condition.step(&SILENT);
        assert!(condition.wants_probe());
        assert!(condition.step(&WELL_SEEN), "the past is forgotten");
        let parts: Vec<f64> = std::iter::repeat_with(|| {
            let part = condition.part(2);
            condition.step(&WELL_SEEN);
            part
        })
        .map(|part| (part * 6.0).round())
        .take(3)
        .collect();
        assert_eq!(parts, [2.0, 4.0, 6.0]);
        assert_eq!(condition.state, State::Healthy);
    }

    #[test]
    fn a_share_grows_in_as_many_whole_ticks_as_it_is_to() {
        // The first one is half over when a candidate joins, or less or more.
        for (ramp, parts) in [
            (0, vec![1.0]),
            (1, vec![0.5, 0.5, 1.0]),
            (3, vec![0.25, 0.25, 0.5, 0.75, 1.0]),
        ] {
            let mut condition = Condition::newcomer();
            let seen = Seen { ramp, ..WELL_SEEN };
            for part in &parts {
                assert!((condition.part(ramp) - part).abs() < 1e-9, "{ramp}");
                condition.step(&seen);
            }
            assert_eq!(condition.state, State::Healthy);
        }
    }

    #[test]
    fn what_fails_again_rests_ever_longer_and_is_forgiven_after_a_minute() {
        let mut condition = Condition::default();
        let mut rests = Vec::new();
        for _ in 0..6 {
            condition.step(&DOWN);
            let mut rest = 0;
            while !condition.wants_probe() {
                condition.step(&SILENT);
                rest += 1;
            }
            rests.push(rest);
            condition.step(&WELL_SEEN);
        }
        assert_eq!(rests, [1, 2, 4, 8, 12, 12]);
        (0..20).for_each(|_| {
            condition.step(&WELL_SEEN);
        });
        condition.step(&DOWN);
        assert_eq!(condition.rest, 1);
    }

    #[test]
    fn what_is_down_has_rested_too_while_nobody_looked() {
        let mut condition = Condition::default();
        for _ in 0..3 {
            condition.step(&DOWN);
            condition.step(&WELL_SEEN);
        }
        condition.step(&DOWN);
        let hour = Seen {
            ticks: 720,
            ..SILENT
        };
        condition.step(&hour);
        assert!(condition.wants_probe());
    }

    #[test]
    fn a_score_between_the_thresholds_changes_nothing() {
        let mut condition = Condition::default();
        let states: Vec<State> = [0.6, 0.4, 0.6, 0.8, 0.6]
            .into_iter()
            .map(|score| {
                condition.judge(score);
                condition.state
            })
            .collect();
        let (healthy, degraded) = (State::Healthy, State::Degraded);
        assert_eq!(states, [healthy, degraded, degraded, healthy, healthy]);
    }
}
