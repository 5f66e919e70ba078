//! What is true at present: how targets are, what is in flight at them, what is left of accounts.

use std::time::Duration;

use crate::scenario::{Account, Nature, Scenario};

/// Times to the first token spread around their median like this (a standard deviation of logarithms).
const SPREAD: f64 = 0.35;
/// How long it takes to be told of a fault, in milliseconds.
const FAULT: f64 = 120.0;
/// How long it takes to be refused, in milliseconds.
const REFUSAL: f64 = 30.0;

/// The present.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub now: Duration,
    /// How many requests are at each target.
    pub in_flight: Vec<u32>,
    accounts: Vec<Option<Left>>,
}

/// What is left of an account.
#[derive(Debug, Clone, Copy)]
struct Left {
    account: Account,
    requests: f64,
    /// As of then; of one that is filled with each minute, the minute.
    since: Duration,
}

/// What becomes of a request that is sent.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// It is answered.
    Answer {
        /// Until the first token.
        first: Duration,
        /// Until the last.
        whole: Duration,
        /// How many.
        tokens: u64,
    },
    /// It fails after a time.
    Fault(Duration),
    /// The account has nothing left: refused after a time; more is there after another.
    Refused(Duration, Duration),
}

/// The luck of one attempt: the same for whoever routes it, and the same wherever it goes.
#[derive(Debug, Clone, Copy)]
pub struct Luck {
    speed: f64,
    tail: f64,
    fault: f64,
    length: f64,
}

/// What the headers of an answer say of the account: how many requests are left, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// How many are left.
    pub left: u64,
    /// Until when.
    pub until: Duration,
}

impl Luck {
    /// Of the attempt of this number at the request of this number.
    #[must_use]
    pub fn of(seed: u64, request: u64, attempt: u64) -> Self {
        let mixed = seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(request)
            .wrapping_mul(0xD1B5_4A32_D192_ED03)
            .wrapping_add(attempt);
        let mut random = fastrand::Rng::with_seed(mixed);
        // Two normal numbers (Box and Muller).
        let (one, two) = (1.0 - random.f64(), random.f64());
        let (length, angle) = ((-2.0 * one.ln()).sqrt(), two * std::f64::consts::TAU);
        Self {
            speed: length * angle.cos(),
            length: length * angle.sin(),
            tail: random.f64(),
            fault: random.f64(),
        }
    }
}

impl World {
    /// The beginning of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let left = |account: Account| Left {
            account,
            requests: account.a_minute,
            since: Duration::ZERO,
        };
        Self {
            now: Duration::ZERO,
            in_flight: vec![0; scenario.targets.len()],
            accounts: scenario
                .targets
                .iter()
                .map(|target| target.account.map(left))
                .collect(),
        }
    }

    /// How a target is now.
    #[must_use]
    pub fn nature(&self, scenario: &Scenario, at: usize) -> Nature {
        let target = &scenario.targets[at];
        (target.nature)(self.now.as_secs_f64())
    }

    /// Whether a target is there.
    #[must_use]
    pub fn is_there(&self, scenario: &Scenario, at: usize) -> bool {
        scenario.targets[at].from <= self.now
    }

    /// The mean time to the first token of one more request at a target, in milliseconds.
    #[must_use]
    pub fn expected(&self, scenario: &Scenario, at: usize) -> f64 {
        let nature = self.nature(scenario, at);
        let tail = 1.0 + nature.tail * (nature.tail_times - 1.0);
        let load = self.load(&nature, at);
        nature.first * (1.0 + load * load) * tail * (SPREAD * SPREAD / 2.0).exp()
    }

    /// Which part of an account is left; 1 where it is not limited.
    #[must_use]
    pub fn left(&mut self, at: usize) -> f64 {
        let now = self.now;
        self.accounts[at].as_mut().map_or(1.0, |left| {
            left.fill(now);
            if left.requests < 1.0 {
                0.0
            } else {
                left.requests / left.account.a_minute
            }
        })
    }

    /// What the headers of an answer of this target say.
    #[must_use]
    pub fn told(&self, at: usize) -> Option<Told> {
        self.accounts[at].map(|left| Told {
            left: whole(left.requests),
            until: left.full_at(),
        })
    }

    /// Sends a request.
    pub fn send(&mut self, scenario: &Scenario, at: usize, luck: &Luck) -> Fate {
        let nature = self.nature(scenario, at);
        let load = self.load(&nature, at);
        let millis = |millis: f64| Duration::from_secs_f64(millis / 1_000.0);
        let now = self.now;
        if let Some(left) = &mut self.accounts[at] {
            left.fill(now);
            if left.requests < 1.0 {
                return Fate::Refused(millis(REFUSAL), left.next_at().saturating_sub(now));
            }
            left.requests -= 1.0;
        }
        self.in_flight[at] += 1;
        if luck.fault < nature.failing {
            return Fate::Fault(millis(FAULT));
        }
        let tail = if luck.tail < nature.tail {
            nature.tail_times
        } else {
            1.0
        };
        let first = nature.first * (1.0 + load * load) * tail * (SPREAD * luck.speed).exp();
        let tokens = (scenario.tokens * (0.8 * luck.length - 0.32).exp()).max(1.0);
        // Tokens are made together, so that what is in flight slows them less.
        let whole_time = first + nature.token * (1.0 + load) * tokens;
        Fate::Answer {
            first: millis(first),
            whole: millis(whole_time),
            tokens: whole(tokens),
        }
    }

    /// What one more request at a target costs all together, in milliseconds until first tokens: its own time, and what those that are sent there
    /// while it is there have to wait longer.
    #[must_use]
    pub fn marginal(&self, scenario: &Scenario, at: usize) -> f64 {
        let nature = self.nature(scenario, at);
        let load = self.load(&nature, at);
        let others = 2.0 * load * load * (1.0 + load) / (1.0 + load * load);
        self.expected(scenario, at) * (1.0 + others)
    }

    /// What is in flight beside the capacity.
    fn load(&self, nature: &Nature, at: usize) -> f64 {
        f64::from(self.in_flight[at]) / nature.capacity
    }
}

impl Left {
    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since).as_secs_f64();
        if self.account.is_bucket {
            let more = passed * self.account.a_minute / 60.0;
            self.requests = (self.requests + more).min(self.account.a_minute);
            self.since = now;
        } else if passed >= 60.0 {
            self.requests = self.account.a_minute;
            self.since = Duration::from_secs(now.as_secs() / 60 * 60);
        }
    }

    /// When it is as full as it gets.
    fn full_at(&self) -> Duration {
        if self.account.is_bucket {
            let missing = (self.account.a_minute - self.requests) / self.account.a_minute;
            self.since + Duration::from_secs_f64(60.0 * missing)
        } else {
            self.since + Duration::from_secs(60)
        }
    }

    /// When there is one more.
    fn next_at(&self) -> Duration {
        if self.account.is_bucket {
            let missing = (1.0 - self.requests).max(0.0);
            self.since + Duration::from_secs_f64(60.0 * missing / self.account.a_minute)
        } else {
            self.full_at()
        }
    }
}

/// A whole number of something that is not negative and not very large.
fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is neither negative nor large"
    )]
    let whole = number.max(0.0) as u64;
    whole
}
