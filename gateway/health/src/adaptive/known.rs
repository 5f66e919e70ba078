//! What is known of a candidate, brought up to date at each tick, and the shares that follow from it.

use std::time::Duration;

use crate::adaptive::condition::{Condition, Seen, State};
use crate::adaptive::evidence::{Evidence, Kind, Sums};
use crate::adaptive::motion::Motion;
use crate::adaptive::reason::Reason;
use crate::adaptive::recorder::Totals;
use crate::adaptive::share::{Belief, Best, Part, Penalty, split};
use crate::adaptive::{Candidate, Settings, Standing, parts};

/// After this time without anything new, half as much is believed.
const HALF_LIFE: Duration = Duration::from_secs(300);
/// Fewer times than this say nothing.
const FEWEST: f64 = 4.0;

/// What is known of a candidate.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its share of the requests.
    pub(crate) share: f64,
    motion: Motion,
    weight: f64,
    last: Totals,
    failures: Evidence,
    first: Evidence,
    token: Evidence,
    whole: Evidence,
    condition: Condition,
    /// Requests a second, of late.
    rate: f64,
    /// Requests a second that it may be sent.
    allowed: f64,
    score: f64,
    reason: Reason,
    /// The time to the first token, in microseconds, that those which wait for it must have at least.
    waited: f64,
}

impl Known {
    /// Of one of which nothing is known, as of the others.
    pub(crate) fn new(candidate: &Candidate) -> Self {
        Self {
            share: 0.0,
            motion: Motion::default(),
            weight: f64::from(candidate.weight),
            last: candidate.recorder.totals(),
            failures: Evidence::default(),
            first: Evidence::default(),
            token: Evidence::default(),
            whole: Evidence::default(),
            condition: Condition::default(),
            rate: 0.0,
            allowed: f64::INFINITY,
            score: 1.0,
            reason: Reason::Unknown,
            waited: 0.0,
        }
    }

    /// Of one that joins others which are known.
    pub(crate) fn newcomer(candidate: &Candidate) -> Self {
        Self {
            condition: Condition::newcomer(),
            ..Self::new(candidate)
        }
    }

    /// Whether anything was ever seen of it.
    pub(crate) fn is_known(&self) -> bool {
        self.failures.all().count >= FEWEST
    }

    /// The time to its first token, in microseconds; 0: not known.
    pub(crate) fn believed(&self) -> f64 {
        if self.first.all().count >= FEWEST {
            self.first.mean().0
        } else {
            0.0
        }
    }

    pub(crate) fn wants_probe(&self) -> bool {
        self.condition.wants_probe()
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            share: parts(self.share, 1000),
            score: parts(self.score, 1000),
            state: self.condition.state,
            reason: self.reason,
        }
    }

    /// Takes in what has come since the last tick, which `took` so long where one an `interval` is due.
    pub(crate) fn look(
        &mut self,
        candidate: &Candidate,
        now: Duration,
        took: Duration,
        interval: Duration,
    ) {
        let passed = took.as_secs_f64() / interval.as_secs_f64().max(0.001);
        let ticks = parts(passed, 1).max(1);
        let totals = candidate.recorder.totals();
        let new = totals.since(&self.last);
        self.last = totals;
        self.weight = f64::from(candidate.weight);
        let kept = 0.5_f64.powf(took.as_secs_f64() / HALF_LIFE.as_secs_f64());
        let (answered, failed) = (new.first.count as f64, new.failed as f64);
        let events = Sums::events(answered + failed, failed);
        self.failures.add(&events, Kind::Events, kept);
        for (evidence, times) in [
            (&mut self.first, &new.first),
            (&mut self.token, &new.token),
            (&mut self.whole, &new.whole),
        ] {
            evidence.add(&Sums::times(times), Kind::Times, kept);
        }
        // As fast as it rises, and not as fast as it falls.
        let rate = new.begun as f64 / took.as_secs_f64().max(0.001);
        self.rate = rate.max((self.rate + rate) / 2.0);
        self.waited = waited(candidate.recorder.waiting(), self.rate);
        self.allowed = allowed(candidate, &self.whole, now, took);
        let seen = Seen {
            answered,
            failed,
            failing: self.failures.bounds().0,
            failures: self.failures.all().sum,
            in_a_row: candidate.recorder.in_a_row(),
            ticks,
        };
        if self.condition.step(&seen) {
            self.failures = Evidence::default();
            self.first = Evidence::default();
            self.token = Evidence::default();
            self.motion = Motion::default();
        }
    }

    fn belief(&self) -> Belief {
        let time = |evidence: &Evidence| {
            let (mean, error) = evidence.mean();
            (evidence.all().count >= FEWEST).then_some((mean - error, mean + error))
        };
        let first = time(&self.first);
        let waited = (self.waited > 0.0).then_some((self.waited, self.waited));
        Belief {
            failing: self.failures.bounds(),
            first: first.map_or(waited, |(least, most)| {
                Some((least.max(self.waited), most.max(self.waited)))
            }),
            token: time(&self.token),
            busy: if self.allowed > 0.0 {
                self.rate / self.allowed
            } else {
                1.0
            },
            is_up: self.condition.state != State::Failed,
        }
    }
}

/// How long those that wait must be waiting, in microseconds: as many as come in a time wait that long (Little's law), give or take two standard
/// errors. It tells of answers that have not begun, which is all there is to see of a target that has just become very slow.
fn waited(waiting: u32, rate: f64) -> f64 {
    let waiting = f64::from(waiting);
    let surely = (waiting - 2.0 * waiting.sqrt()).max(0.0);
    if rate > 0.0 {
        1_000_000.0 * surely / rate
    } else {
        0.0
    }
}

/// How many requests a second a candidate may be sent: by what is left of its account until that is renewed, and by its places.
fn allowed(candidate: &Candidate, whole: &Evidence, now: Duration, tick: Duration) -> f64 {
    let account = candidate.recorder.allowance(now).and_then(|allowance| {
        let time = allowance.until.saturating_sub(now);
        // What is renewed before the next tick is not to be saved until then.
        (time > tick).then(|| f64::from(allowance.left) / time.as_secs_f64())
    });
    let (took, _) = whole.mean();
    let places = (candidate.places > 0 && took > 0.0)
        .then(|| f64::from(candidate.places) / (took / 1_000_000.0));
    let free = f64::INFINITY;
    account.unwrap_or(free).min(places.unwrap_or(free))
}

/// Scores, states and shares of all candidates, beside each other.
pub(crate) fn judge(all: &mut [Known], settings: &Settings) {
    let beliefs: Vec<Belief> = all.iter().map(Known::belief).collect();
    let best = Best::of(&beliefs);
    for (known, belief) in all.iter_mut().zip(&beliefs) {
        known.score(belief, &best, settings);
    }
    let weights: f64 = all.iter().map(|known| known.weight).sum();
    let demand: f64 = all.iter().map(|known| known.rate).sum();
    let explore = f64::from(settings.explore) / 1000.0 / all.len().max(1) as f64;
    let is_limited = settings.weights.utilization > 0 && demand > 0.0;
    let parts: Vec<Part> = all
        .iter()
        .map(|known| Part {
            due: known.weight * known.score * known.condition.part(),
            least: explore,
            most: known.most(demand, weights.max(1.0), is_limited),
        })
        .collect();
    for (known, share) in all.iter_mut().zip(split(&parts)) {
        known.share = share;
    }
}

impl Known {
    /// The share that it may have: by how it has borne what it had, and by what it may be sent.
    fn most(&self, demand: f64, weights: f64, is_limited: bool) -> f64 {
        let borne = self.motion.most(self.share, self.weight / weights);
        if is_limited {
            borne.min(self.allowed / demand)
        } else {
            borne
        }
    }

    fn score(&mut self, belief: &Belief, best: &Best, settings: &Settings) {
        let penalty = Penalty::of(belief, best, &settings.weights);
        let slow = self.motion.follow(penalty.slow(), self.share);
        self.score = (-penalty.failures - slow).exp();
        self.condition.judge(self.score);
        self.reason = match self.condition.state {
            State::Failed => Reason::Failed,
            State::Recovering => Reason::ComingBack,
            State::Healthy | State::Degraded if !self.is_known() => Reason::Unknown,
            State::Healthy | State::Degraded => penalty.reason(),
        };
    }
}
