//! A circuit breaker: stops sending to what is down, looks once per interval whether it is back, and then lets its share grow.
//!
//! ```text
//! Closed --failures in a row, or a share of failures--> Open --interval over, one winner--> Probing
//!   ^                                                    ^                                    |
//!   +--- ramp over --- Ramping <--------- success -------|------------------------------------+
//!                         +-------- failures ------------+------------------- failure --------+
//! ```
//!
//! State, epoch and a time are one atomic word, so every transition is one compare-and-swap that somebody wins. Each transition but a
//! repeated probe begins a new epoch, and a result counts only in the epoch in which its request was let through: what was in flight when
//! the breaker opened can neither close it nor hold it open.
//!
//! A probe is a permission: one that ends without a word of the target is given back, and the next may ask at once. Whoever gave one back
//! after sending it asks after everybody else for an interval, or a caller who always hangs up would be the only one who ever asks.

use std::time::Duration;

use fairlead_snapshot::Health;
use serde::Serialize;

use crate::asker::{Asker, Fruitless};
use crate::millis;
use crate::pace::Pace;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::window::Window;

const STATE_BITS: u32 = 2;
const EPOCH_BITS: u32 = 22;
const EPOCH_MOST: u64 = (1 << EPOCH_BITS) - 1;

/// The least share of a target that is coming back, in thousandths: it could not show that it is well without any request.
const LEAST_SHARE: u64 = 20;

/// A breaker, shared by all cores.
#[derive(Debug, Default)]
pub struct Breaker {
    word: AtomicU64,
    consecutive: AtomicU32,
    window: Window,
    ramp: Pace,
    fruitless: Fruitless,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// All requests pass.
    Closed,
    /// None passes.
    Open,
    /// One is out to see whether the target is back.
    Probing,
    /// It is back, and its share grows.
    Ramping,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Allowed(Token),
    /// It may, and is the one that finds out whether the target is back.
    Probe(Token),
    /// The target is coming back and it is not this request's turn: it may if nothing else can be tried.
    Spared(Token),
    /// It may not.
    Refused {
        /// When the next may find out.
        until: Duration,
    },
}

/// Goes with a request that was let through; its result is told with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    epoch: u64,
    /// Of a probe: when the next is due, in ms, which tells it from the one after it. 0: it is none.
    probe: u64,
}

impl Token {
    /// Of a request that was let through where nothing is known yet: the first epoch of every breaker.
    pub const FIRST: Self = Self { epoch: 0, probe: 0 };

    /// Whether its request is to find out if the target is back.
    #[must_use]
    pub fn probes(self) -> bool {
        self.probe != 0
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Success,
    /// It failed, and the target is to blame.
    Failure,
    /// It failed, and the target is up all the same: throttled, or refusing the request.
    Alive,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word {
    state: BreakerState,
    epoch: u64,
    /// Open, Probing: when a probe is due; Ramping: when the ramp is over; in ms.
    until: u64,
}

impl Breaker {
    /// Asks for a request to be let through. Whoever gets [`Admission::Probe`] is the only one for an interval, or until it gives it back.
    #[must_use]
    pub fn admit(&self, now: Duration, policy: &Health, asker: Asker) -> Admission {
        let word = self.load();
        let token = Token {
            epoch: word.epoch,
            probe: 0,
        };
        match word.state {
            BreakerState::Closed => Admission::Allowed(token),
            BreakerState::Ramping => {
                if self.ramp.falls_within(share(word, now, policy), 1000) {
                    Admission::Allowed(token)
                } else {
                    Admission::Spared(token)
                }
            }
            BreakerState::Open | BreakerState::Probing => self.probe(word, now, policy, asker),
        }
    }

    /// Whether [`Self::admit`] would let a request through now, or when it would; takes no turn and no probe.
    ///
    /// # Errors
    /// The time of the next probe.
    pub fn ready(&self, now: Duration, policy: &Health, asker: Asker) -> Result<(), Duration> {
        let word = self.load();
        match word.state {
            BreakerState::Closed | BreakerState::Ramping => Ok(()),
            BreakerState::Open | BreakerState::Probing => {
                let due = self.due(word, policy, asker);
                if millis(now) >= due {
                    Ok(())
                } else {
                    Err(Duration::from_millis(due))
                }
            }
        }
    }

    /// How much of its share of the requests the target may have now, in thousandths: none while it is down, all when a probe is due.
    #[must_use]
    pub fn share(&self, now: Duration, policy: &Health, asker: Asker) -> u32 {
        let word = self.load();
        let share = match word.state {
            BreakerState::Closed => 1000,
            BreakerState::Ramping => share(word, now, policy),
            BreakerState::Open | BreakerState::Probing => {
                1000 * u64::from(millis(now) >= self.due(word, policy, asker))
            }
        };
        u32::try_from(share).unwrap_or(1000)
    }

    /// Tells what became of a request. Says whether that has opened the breaker.
    pub fn tell(&self, token: Token, outcome: Outcome, now: Duration, policy: &Health) -> bool {
        let word = self.load();
        if word.epoch != token.epoch {
            return false;
        }
        match (word.state, outcome) {
            // Nobody was let through while it was open.
            (BreakerState::Open, _) => false,
            (BreakerState::Probing, Outcome::Success | Outcome::Alive) => {
                self.recover(word, now, policy);
                false
            }
            (BreakerState::Probing, Outcome::Failure) => {
                self.fruitless.forget();
                self.step(word, BreakerState::Open, word.until);
                false
            }
            (BreakerState::Closed | BreakerState::Ramping, Outcome::Alive) => false,
            (BreakerState::Closed | BreakerState::Ramping, Outcome::Success) => {
                self.succeeded(word, now);
                false
            }
            (BreakerState::Closed | BreakerState::Ramping, Outcome::Failure) => {
                self.failed(word, now, policy)
            }
        }
    }

    /// Gives back what was let through and never sent, so that the next may probe in its place. Says whether there was anything to give back.
    pub fn give_back(&self, token: Token, now: Duration) -> bool {
        let word = self.load();
        let its_own = word.state == BreakerState::Probing && word.until == token.probe;
        if token.probes() && its_own && word.epoch == token.epoch {
            let due = Word {
                state: BreakerState::Open,
                until: millis(now),
                ..word
            };
            return self.swap(word, due);
        }
        false
    }

    /// Gives back what was sent and has ended without saying anything of the target: its caller has gone, or had no more time. The next may
    /// probe at once, whoever it is but `asker`, who lets the others go first.
    pub fn abandon(&self, token: Token, now: Duration, asker: Asker) {
        if self.give_back(token, now) {
            self.fruitless.note(asker);
        }
    }

    /// How it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Duration) -> BreakerState {
        let word = self.load();
        if word.state == BreakerState::Ramping && millis(now) >= word.until {
            BreakerState::Closed
        } else {
            word.state
        }
    }

    /// When the next probe is due, or the ramp over; `None` while it is closed.
    #[must_use]
    pub fn until(&self, now: Duration) -> Option<Duration> {
        (self.state(now) != BreakerState::Closed).then(|| Duration::from_millis(self.load().until))
    }

    /// Failures in a row so far.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive.load(Ordering::Relaxed)
    }

    /// Of the last ten seconds: how many results there were, and how many of them failures.
    #[must_use]
    pub fn recent(&self, now: Duration) -> (u64, u64) {
        let counts = self.window.counts(now);
        (counts.all, counts.marked)
    }

    /// When this asker may probe, in ms.
    fn due(&self, word: Word, policy: &Health, asker: Asker) -> u64 {
        if self.fruitless.was(asker) {
            word.until.saturating_add(millis(policy.probe_interval))
        } else {
            word.until
        }
    }

    fn probe(&self, word: Word, now: Duration, policy: &Health, asker: Asker) -> Admission {
        let due = self.due(word, policy, asker);
        if millis(now) < due {
            return Admission::Refused {
                until: Duration::from_millis(due),
            };
        }
        // The epoch stays: a probe that takes longer than the interval must still be able to close the breaker.
        let next = now + policy.probe_interval;
        let probing = Word {
            state: BreakerState::Probing,
            until: millis(next),
            ..word
        };
        if self.swap(word, probing) {
            Admission::Probe(Token {
                epoch: word.epoch,
                probe: probing.until,
            })
        } else {
            Admission::Refused { until: next }
        }
    }

    fn succeeded(&self, word: Word, now: Duration) {
        self.window.add(now, 1, 0);
        if self.consecutive.load(Ordering::Relaxed) != 0 {
            self.consecutive.store(0, Ordering::Relaxed);
        }
        if word.state == BreakerState::Ramping && millis(now) >= word.until {
            self.step(word, BreakerState::Closed, 0);
        }
    }

    fn failed(&self, word: Word, now: Duration, policy: &Health) -> bool {
        self.window.add(now, 1, 1);
        let consecutive = self.consecutive.fetch_add(1, Ordering::Relaxed) + 1;
        let in_a_row =
            policy.consecutive_failures > 0 && consecutive >= policy.consecutive_failures;
        if !in_a_row && !self.too_many(now, policy) {
            return false;
        }
        let opened = self.step(
            word,
            BreakerState::Open,
            millis(now + policy.probe_interval),
        );
        if opened {
            self.consecutive.store(0, Ordering::Relaxed);
        }
        opened
    }

    fn too_many(&self, now: Duration, policy: &Health) -> bool {
        let counts = self.window.counts(now);
        policy.error_percent > 0
            && counts.all >= u64::from(policy.min_requests)
            && counts.marked * 100 >= counts.all * u64::from(policy.error_percent)
    }

    fn recover(&self, word: Word, now: Duration, policy: &Health) {
        let (state, until) = if policy.ramp_up.is_zero() {
            (BreakerState::Closed, 0)
        } else {
            (BreakerState::Ramping, millis(now + policy.ramp_up))
        };
        // What was counted before it opened says nothing of how it does now. Cleared first: results of the new epoch come only after.
        self.window.clear();
        self.consecutive.store(0, Ordering::Relaxed);
        self.fruitless.forget();
        self.step(word, state, until);
    }

    /// Into a new epoch; `false` if somebody else was there first.
    fn step(&self, from: Word, state: BreakerState, until: u64) -> bool {
        let next = Word {
            state,
            epoch: (from.epoch + 1) & EPOCH_MOST,
            until,
        };
        self.swap(from, next)
    }

    fn load(&self) -> Word {
        unpack(self.word.load(Ordering::Acquire))
    }

    fn swap(&self, from: Word, to: Word) -> bool {
        self.word
            .compare_exchange(pack(from), pack(to), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// How much of its requests a target that is coming back gets, in thousandths.
fn share(word: Word, now: Duration, policy: &Health) -> u64 {
    let left = word.until.saturating_sub(millis(now));
    let whole = millis(policy.ramp_up).max(1);
    (1000 - 1000 * left.min(whole) / whole).max(LEAST_SHARE)
}

fn pack(word: Word) -> u64 {
    let state = match word.state {
        BreakerState::Closed => 0,
        BreakerState::Open => 1,
        BreakerState::Probing => 2,
        BreakerState::Ramping => 3,
    };
    (word.until << (STATE_BITS + EPOCH_BITS)) | (word.epoch << STATE_BITS) | state
}

fn unpack(word: u64) -> Word {
    let state = match word & 3 {
        0 => BreakerState::Closed,
        1 => BreakerState::Open,
        2 => BreakerState::Probing,
        _ => BreakerState::Ramping,
    };
    Word {
        state,
        epoch: (word >> STATE_BITS) & EPOCH_MOST,
        until: word >> (STATE_BITS + EPOCH_BITS),
    }
}

#[cfg(test)]
mod tests;
