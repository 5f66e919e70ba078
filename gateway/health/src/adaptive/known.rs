//! What is known of a candidate, brought up to date at each tick, and the shares that follow from it.

use std::time::Duration;

use crate::adaptive::condition::{self, Condition, Seen, State};
use crate::adaptive::evidence::{Evidence, Kind, Sums};
use crate::adaptive::motion::Motion;
use crate::adaptive::reason::Reason;
use crate::adaptive::recorder::{Recorder, Totals};
use crate::adaptive::share::{Belief, Best, Part, Penalty, split};
use crate::adaptive::standing::Standing;
use crate::adaptive::{Candidate, Settings, parts};

/// After this time without anything new, half as much is believed.
const HALF_LIFE: Duration = Duration::from_secs(300);
/// Fewer times than this say nothing.
const FEWEST: f64 = 4.0;
/// Of fewer answers than this it says nothing that some failed, unless as many did as are ground to call it failed: two of two are as soon chance.
const FEWEST_ANSWERS: f64 = 12.0;

/// One tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) now: Duration,
    /// Since the one before, where one an `interval` is due.
    pub(crate) took: Duration,
    pub(crate) interval: Duration,
    /// Ticks that a share takes to grow back.
    pub(crate) ramp: u32,
}

/// What is known of a candidate.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its share of the requests.
    pub(crate) share: f64,
    motion: Motion,
    weight: f64,
    last: Totals,
    failures: Evidence,
    /// Of answers that come whole, and of streams.
    first: [Evidence; 2],
    silent: [Evidence; 2],
    /// Whether too few answers began since the tick before to say whether it has changed.
    is_scarce: [bool; 2],
    token: Evidence,
    whole: Evidence,
    condition: Condition,
    /// Requests a second, of late; of either kind.
    rate: f64,
    rates: [f64; 2],
    /// What all who are sent there had sent as of the last look, whichever rule has.
    sent: [u64; 2],
    /// Requests a second that it may be sent.
    allowed: f64,
    score: f64,
    reason: Reason,
    /// The time to the first token, in microseconds, that those which wait for it must have at least.
    waited: [f64; 2],
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
            first: Default::default(),
            silent: Default::default(),
            is_scarce: [true; 2],
            token: Evidence::default(),
            whole: Evidence::default(),
            condition: Condition::default(),
            rate: 0.0,
            rates: [0.0; 2],
            sent: candidate.sent(),
            allowed: f64::INFINITY,
            score: 1.0,
            reason: Reason::Unknown,
            waited: [0.0; 2],
        }
    }

    /// Of one that joins others which are known.
    pub(crate) fn newcomer(candidate: &Candidate) -> Self {
        Self {
            condition: Condition::newcomer(),
            ..Self::new(candidate)
        }
    }

    /// The same one, with what the configuration says of it now.
    pub(crate) fn of(&self, candidate: &Candidate) -> Self {
        Self {
            weight: f64::from(candidate.weight),
            ..self.clone()
        }
    }

    /// Whether anything was ever seen of it.
    pub(crate) fn is_known(&self) -> bool {
        self.failures.all().count >= FEWEST
    }

    /// The time to its first token, in microseconds, of answers that come whole and of streams; 0: not known.
    ///
    /// Where too few have come of late to say whether it has changed, it is what the last few took, if that is more: who is left for these has
    /// its share again after the tick, or nobody would ever find out.
    pub(crate) fn believed(&self, recorder: &Recorder) -> [f64; 2] {
        [0, 1].map(|kind: usize| {
            let first = &self.first[kind];
            let mean = if first.all().count >= FEWEST {
                first.mean().0
            } else {
                0.0
            };
            let pulse = f64::from(recorder.pulse(kind == 1));
            if self.is_scarce[kind] {
                mean.max(pulse)
            } else {
                mean
            }
        })
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

    /// Takes in what has come since the last tick.
    pub(crate) fn look(&mut self, candidate: &Candidate, tick: &Tick) {
        let passed = tick.took.as_secs_f64() / tick.interval.as_secs_f64().max(0.001);
        let totals = candidate.recorder.totals();
        let new = totals.since(&self.last);
        self.last = totals;
        self.weight = f64::from(candidate.weight);
        let seconds = tick.took.as_secs_f64();
        let kept = 0.5_f64.powf(seconds / HALF_LIFE.as_secs_f64());
        let (answered, failed) = (new.answered as f64, new.failed as f64);
        let events = Sums::events(answered + failed, failed);
        self.failures.add(&events, Kind::Events, kept);
        let [whole_first, streamed_first] = &mut self.first;
        let [whole_silent, streamed_silent] = &mut self.silent;
        let [whole, streams] = &new.kinds;
        for (evidence, times) in [
            (whole_first, &whole.first),
            (streamed_first, &streams.first),
            (whole_silent, &whole.silent),
            (streamed_silent, &streams.silent),
            (&mut self.token, &new.token),
            (&mut self.whole, &new.whole),
        ] {
            evidence.add(&Sums::times(times), Kind::Times, kept);
        }
        self.is_scarce = new.kinds.map(|kind| (kind.first.count as f64) < FEWEST);
        self.asked(candidate, new.kinds.map(|kind| kind.begun), seconds);
        let sent = candidate.sent();
        let began = new.kinds.iter().map(|kind| kind.begun).sum();
        let others = std::mem::replace(&mut self.sent, sent);
        // What other rules send there is not this one's to send.
        let others = [0, 1].map(|at: usize| {
            let sent = sent[at].wrapping_sub(others[at]);
            sent.saturating_sub(began) as f64 / seconds.max(0.001)
        });
        self.allowed = allowed(candidate, &self.whole, others, tick);
        let mut now = Evidence::default();
        now.add(&events, Kind::Events, kept);
        let seen = Seen {
            answered,
            failed,
            failing_now: now.bounds().1,
            failing: self.failures.bounds().0,
            failures: self.failures.all().sum,
            in_a_row: candidate.recorder.in_a_row(),
            ticks: parts(passed, 1).max(1),
            ramp: tick.ramp,
        };
        if self.condition.step(&seen) {
            self.failures = Evidence::default();
            self.first = Default::default();
            self.silent = Default::default();
            self.token = Evidence::default();
            self.motion = Motion::default();
        }
    }

    /// Takes in how many requests have come of late, and how many wait.
    fn asked(&mut self, candidate: &Candidate, begun: [u64; 2], seconds: f64) {
        // As fast as it rises, and not as fast as it falls.
        let next = |before: f64, begun: u64| {
            let rate = begun as f64 / seconds.max(0.001);
            rate.max((before + rate) / 2.0)
        };
        let waiting = candidate.recorder.waiting();
        self.rate = next(self.rate, begun.iter().sum());
        for kind in [0, 1] {
            self.rates[kind] = next(self.rates[kind], begun[kind]);
            self.waited[kind] = waited(waiting[kind], self.rates[kind]);
        }
    }

    /// Between which shares that of its failures is.
    fn failing(&self) -> (f64, f64) {
        let (least, most) = self.failures.bounds();
        let all = self.failures.all();
        let says = all.count >= FEWEST_ANSWERS || all.sum >= condition::FEWEST;
        (if says { least } else { 0.0 }, most)
    }

    fn belief(&self) -> Belief {
        let time = |evidence: &Evidence| {
            let (mean, error) = evidence.mean();
            (evidence.all().count >= FEWEST).then_some((mean - error, mean + error))
        };
        let first = |kind: usize| {
            let (first, waited) = (time(&self.first[kind]), self.waited[kind]);
            match first {
                Some((least, most)) => Some((least.max(waited), most.max(waited))),
                None => {
                    let silent = time(&self.silent[kind]).map_or(0.0, |(least, _)| least);
                    let least = silent.max(waited);
                    (least > 0.0).then_some((least, f64::INFINITY))
                }
            }
        };
        Belief {
            failing: self.failing(),
            first: [first(0), first(1)],
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

/// How many requests a second a candidate may be sent: by what is left of its account until that is renewed, and by its places, each without
/// what `others` send to its model and to its provider.
fn allowed(candidate: &Candidate, whole: &Evidence, others: [f64; 2], tick: &Tick) -> f64 {
    let [at_model, at_provider] = others;
    let account = candidate.allowance(tick.now).and_then(|allowance| {
        let time = allowance.until.saturating_sub(tick.now);
        // What is renewed before the next tick is not to be saved until then.
        (time > tick.took).then(|| allowance.left as f64 / time.as_secs_f64() - at_model)
    });
    let (took, _) = whole.mean();
    let places = (candidate.places > 0 && took > 0.0)
        .then(|| f64::from(candidate.places) / (took / 1_000_000.0) - at_provider);
    let free = f64::INFINITY;
    account.unwrap_or(free).min(places.unwrap_or(free)).max(0.0)
}

/// Scores, states and shares of all candidates, beside each other. To be asked once a look: each time shares follow what is believed by a step.
pub(crate) fn judge(all: &mut [Known], settings: &Settings) {
    let beliefs: Vec<Belief> = all.iter().map(Known::belief).collect();
    let best = Best::of(&beliefs);
    for (known, belief) in all.iter_mut().zip(&beliefs) {
        known.score(belief, &best, settings);
    }
    share_out(all, settings);
}

/// Shares, by the scores that they have.
pub(crate) fn share_out(all: &mut [Known], settings: &Settings) {
    let weights: f64 = all.iter().map(|known| known.weight).sum();
    let demand: f64 = all.iter().map(|known| known.rate).sum();
    let explore = f64::from(settings.explore) / 1000.0 / all.len().max(1) as f64;
    let is_limited = settings.weights.utilization > 0 && demand > 0.0;
    let parts: Vec<Part> = all
        .iter()
        .map(|known| Part {
            due: known.weight * known.score * known.condition.part(settings.ramp),
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
            State::Healthy | State::Degraded if !self.is_known() && penalty.is_slight() => {
                Reason::Unknown
            }
            State::Healthy | State::Degraded => penalty.reason(),
        };
    }
}
