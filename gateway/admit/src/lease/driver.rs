//! The exchanges of a lease: when to ask, what to say, what to make of the reply.
//!
//! One ask is in flight at a time. Without a reply in [`REPLY_MS`] all is said anew under the next number, which takes back a grant that was
//! never seen; a reply that comes later is ignored.

use std::sync::atomic::Ordering;

use super::pace::Pace;
use super::runs::{Runs, hash};
use super::{BUSY_MS, Bound, EXHAUSTED_MS, Lease, Now, REPLY_MS, REST_MS, Refusal, Waiting};
use crate::exchange::{Aged, Ask, DOUBTED_MS, Outcome, Reply, RunId, Shape, TTL_MS};

/// How often an account that is in use is reported, in milliseconds; rates of under [`SHORT_MS`] and what is nearly used up more often.
const EVERY_MS: u64 = 1_000;
const OFTEN_MS: u64 = 20;
const SHORT_MS: u64 = 10_000;

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It came too late.
    Late,
    /// Taken note of. More may be idle now.
    Noted,
    /// Taken note of, and what was needed is refused.
    Refused(Refusal),
    /// Nothing was taken note of: ask again at once.
    Again,
}

/// What the driver alone reads and writes.
#[derive(Debug)]
pub(super) struct State {
    run: Option<RunId>,
    flight: Option<Flight>,
    bound: Bound,
    pace: Pace,
    /// The store's last word, when it came, and what had been spent here by then.
    last: Option<(Reply, u64, i64)>,
    tail: bool,
    /// Whether more is spent and held than the limit, which fell.
    over: bool,
    draining: bool,
    refusal: Option<Remembered>,
    asked_ms: u64,
    /// How many moves the store has had word of.
    told: u64,
    /// Whether the store was told something that it has not acknowledged.
    unsure: bool,
    /// The newest process of the store by which it was said where it stands.
    checked: Option<RunId>,
}

#[derive(Debug)]
struct Flight {
    seq: u64,
    sent_ms: u64,
    spent: i64,
    held: i64,
    /// What the store had acknowledged, if nothing was told since.
    told: Option<i64>,
    moves: u64,
    need: i64,
    latest: Option<RunId>,
}

#[derive(Debug)]
struct Remembered {
    refusal: Refusal,
    need: i64,
    generation: u64,
    until_ms: u64,
}

impl State {
    pub(super) fn new(now_ms: u64, unsure: bool) -> Self {
        Self {
            run: None,
            flight: None,
            bound: Bound::default(),
            pace: Pace::new(now_ms),
            last: None,
            tail: false,
            over: false,
            draining: false,
            refusal: None,
            asked_ms: now_ms,
            told: 0,
            unsure,
            checked: None,
        }
    }

    pub(super) const fn last(&self) -> Option<&(Reply, u64, i64)> {
        self.last.as_ref()
    }

    /// Whether the store has refused as much a moment ago.
    pub(super) fn refused(&mut self, need: i64, generation: u64, now_ms: u64) -> Option<Refusal> {
        let known = self.refusal.as_ref()?;
        if now_ms >= known.until_ms || generation > known.generation {
            self.refusal = None;
            return None;
        }
        (need >= known.need).then_some(known.refusal)
    }
}

impl Lease {
    /// When [`Self::next_ask`] is due without anybody waiting, in milliseconds since the process started; `None`: when something is taken.
    #[must_use]
    pub fn due(&self, runs: &Runs) -> Option<u64> {
        let state = self.state.lock();
        if let Some(flight) = &state.flight {
            return Some(flight.sent_ms + REPLY_MS);
        }
        let known = self.cells.heard().is_some();
        if known && runs.latest() != state.checked {
            return Some(state.asked_ms + OFTEN_MS);
        }
        let untold = self.moves.load(Ordering::Acquire) != state.told;
        let idle = self.cells.idle();
        if !untold && idle == 0 && self.cells.held() == 0 {
            return None;
        }
        let short = matches!(self.shape, Shape::Rate { per_ms } if per_ms < SHORT_MS);
        let often =
            (untold && (short || state.tail)) || (idle > 0 && (state.tail || state.draining));
        let at = state.asked_ms + if often { OFTEN_MS } else { EVERY_MS };
        if idle > 0 && !often {
            let rests = self.used_ms.load(Ordering::Relaxed) + REST_MS;
            return Some(at.min(rests.max(state.asked_ms + OFTEN_MS)));
        }
        Some(at)
    }

    /// What to say next; `None` while a reply is waited for. `bound`: the limit, where it is known anew; a lease that was resumed may not know it
    /// and only reports.
    pub fn next_ask(
        &self,
        now: Now,
        bound: Option<Bound>,
        waiting: Waiting,
        runs: &Runs,
    ) -> Option<Ask> {
        let (ms, mut state) = (now.ms(), self.state.lock());
        if let Some(flight) = &state.flight
            && ms < flight.sent_ms + REPLY_MS
        {
            return None;
        }
        if let Some(bound) = bound
            && bound.generation >= state.bound.generation
        {
            state.bound = bound;
        }
        let latest = runs.latest();
        if state.run.is_none() {
            state.run.clone_from(&latest);
        }
        let moves = self.moves.load(Ordering::Acquire);
        let pace = state.pace.at(ms, self.taken.load(Ordering::Relaxed));
        let (need, want) = self.tidy(&state, ms, pace, waiting);
        self.cells.see(ms.saturating_add(self.shift_ms));
        let seq = self.cells.next_seq();
        let (held, aged, spent) = self.figures(ms);
        let known = self.is_known(state.run.as_ref(), now);
        let sure = !std::mem::replace(&mut state.unsure, true);
        let told = sure.then(|| self.cells.tell(spent, now.unix_ms));
        state.flight = Some(Flight {
            seq,
            sent_ms: ms,
            spent,
            held,
            told,
            moves,
            need: waiting.need,
            latest,
        });
        state.asked_ms = ms;
        let run = state.run.clone();
        Some(Ask {
            incarnation: self.cells.incarnation()?,
            seq,
            known,
            spent: match self.shape {
                Shape::Budget => self.cells.spent_of(spent),
                Shape::Rate { .. } | Shape::Slots => 0,
            },
            aged,
            held,
            need,
            want,
            pace,
            generation: state.bound.generation,
            limit: state.bound.limit,
            strict: state.bound.strict,
            met_ms: run.as_ref().map_or(0, |run| runs.met_ms(run, ms)),
            run,
        })
    }

    /// What is held, spent by bucket, and spent. Held is read first: a settlement in between is seen twice, never not at all.
    fn figures(&self, ms: u64) -> (i64, Vec<Aged>, i64) {
        let held = self.cells.held();
        let aged = match self.shape {
            Shape::Rate { .. } => {
                let at = ms.saturating_add(self.shift_ms);
                self.cells.aged(at, self.shape.bucket_ms())
            }
            Shape::Budget | Shape::Slots => Vec::new(),
        };
        (held, aged, self.cells.spent())
    }

    /// Whether the store must know of this life: its process has acknowledged it, or one before it so long ago that it may be forgotten.
    fn is_known(&self, run: Option<&RunId>, now: Now) -> bool {
        self.cells.heard().is_some_and(|(at, by)| {
            run.is_some_and(|run| hash(run) == by) || now.unix_ms.saturating_sub(at) >= DOUBTED_MS
        })
    }

    /// Gives back what need not be kept; what more is needed and wanted.
    fn tidy(&self, state: &State, ms: u64, pace: i64, waiting: Waiting) -> (i64, i64) {
        self.cells.own_up();
        let ends = self.shape != Shape::Budget && ms >= self.good_ms.load(Ordering::Acquire);
        let rests = ms.saturating_sub(self.used_ms.load(Ordering::Relaxed)) >= REST_MS;
        let waits = waiting.need > 0;
        // What is used in a second and a half, so that an ask a second suffices.
        let target = pace.saturating_add(pace / 2).max(waiting.need);
        let keep = if ends || state.draining || state.over || (!waits && (rests || state.tail)) {
            0
        } else {
            target.saturating_mul(3)
        };
        self.cells.give_back(keep);
        let idle = self.cells.idle().max(0);
        let need = waiting.need.saturating_sub(idle).max(0);
        let want = if state.tail || state.draining {
            waiting.all.saturating_sub(idle)
        } else if rests && !waits {
            0
        } else {
            target.max(waiting.all).saturating_sub(idle)
        };
        (need, want.max(need))
    }

    /// Takes note of a reply to the ask of that number.
    pub fn answered(&self, now: Now, seq: u64, reply: &Reply, runs: &Runs) -> Answer {
        let ms = now.ms();
        runs.heard(&reply.run, ms);
        let mut state = self.state.lock();
        let Some(flight) = state.flight.take_if(|flight| flight.seq == seq) else {
            return Answer::Late;
        };
        state.run = Some(reply.run.clone());
        match reply.outcome {
            Outcome::OtherRun | Outcome::Old => return Answer::Again,
            Outcome::Gone => {
                self.cells.reopen(flight.told);
                state.unsure = false;
                return Answer::Again;
            }
            Outcome::Granted(_) | Outcome::Exhausted { .. } | Outcome::Busy | Outcome::Unready => {}
        }
        self.cells
            .acknowledge(flight.spent, now.unix_ms, hash(&reply.run));
        let good = flight.sent_ms.saturating_add(TTL_MS.unsigned_abs());
        self.good_ms.store(good, Ordering::Release);
        state.told = flight.moves;
        state.unsure = false;
        state.checked = flight.latest.or_else(|| Some(reply.run.clone()));
        state.tail = reply.tail;
        let others = [reply.used, reply.lost, reply.leased_elsewhere];
        let all = others
            .iter()
            .fold(flight.held, |sum, one| sum.saturating_add(*one));
        state.over = all > reply.limit;
        state.last = Some((reply.clone(), ms, flight.spent));
        let (refusal, for_ms) = match reply.outcome {
            Outcome::Exhausted { retry_ms } => {
                (Refusal::Exhausted { retry_ms }, retry_ms.min(EXHAUSTED_MS))
            }
            Outcome::Busy => (Refusal::Busy, BUSY_MS),
            Outcome::Unready => (Refusal::Unready, BUSY_MS),
            Outcome::Granted(amount) => {
                self.cells.grant(amount);
                state.refusal = None;
                return Answer::Noted;
            }
            Outcome::OtherRun | Outcome::Old | Outcome::Gone => return Answer::Again,
        };
        if flight.need == 0 {
            return Answer::Noted;
        }
        state.refusal = Some(Remembered {
            refusal,
            need: flight.need,
            generation: state.bound.generation,
            until_ms: ms.saturating_add(for_ms),
        });
        Answer::Refused(refusal)
    }

    /// The ask of that number failed, or is waited for no longer.
    pub fn lost_reply(&self, seq: u64) {
        self.state.lock().flight.take_if(|flight| flight.seq == seq);
    }

    /// Gives back all that is idle from now on, and keeps nothing.
    pub fn drain(&self) {
        self.state.lock().draining = true;
    }

    /// Whether nothing is held, and the store knows all of it. It must be said once more if the store's process changes within a while: forget it
    /// a quarter of an hour after its last use, not before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let state = self.state.lock();
        state.flight.is_none()
            && self.moves.load(Ordering::Acquire) == state.told
            && self.cells.held() == 0
            && self.cells.idle() == 0
    }

    /// When something was last taken, in milliseconds since the process started.
    #[must_use]
    pub fn used_ms(&self) -> u64 {
        self.used_ms.load(Ordering::Relaxed)
    }
}
