//! What the driver does with a part: when it asks, what it asks, and who is served by the answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fairlead_admit::exchange::{KNOWN_MS, Reply};
use fairlead_admit::lease::{self, Now, Waiting};

use super::{Answer, Part, millis};
use crate::hold::Offer;
use crate::place::{Call, Fault};
use crate::terms::Refused;

impl Part {
    /// When the driver should ask by itself; `None`: it need not look at it any more, until it is told.
    pub(crate) fn due(&self) -> Option<u64> {
        let due = || self.lease.due(&self.shared.link.runs);
        due().or_else(|| {
            self.tracked.store(false, Ordering::Release);
            // Something may have been taken between the look and the word.
            due().filter(|_| self.may_track())
        })
    }

    /// What to ask now; `None` while an answer is waited for.
    pub(crate) fn ask(&self, now: Now) -> Option<Call> {
        self.called.store(false, Ordering::Release);
        if self.is_flying() {
            // Who waits is looked at again when it lands.
            return None;
        }
        let waiting = self.waiting();
        let bound = *self.bound.lock();
        let runs = &self.shared.link.runs;
        let ask = self.lease.next_ask(now, bound, waiting, runs)?;
        self.flying.store(ask.seq, Ordering::Relaxed);
        let account = self.account.clone();
        Some(Call { account, ask })
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_flying(&self) -> bool {
        self.flying.load(Ordering::Relaxed) != 0
    }

    fn waiting(&self) -> Waiting {
        let mut waiters = self.waiters.lock();
        waiters.retain(|waiter| !waiter.sender.is_closed());
        let all = waiters.iter().map(|waiter| waiter.need);
        Waiting {
            need: waiters.front().map_or(0, |first| first.need),
            all: all.fold(0, i64::saturating_add),
        }
    }

    /// What came of an ask. Whether to ask again at once.
    pub(crate) fn landed(
        self: &Arc<Self>,
        seq: u64,
        result: &Result<Reply, Fault>,
        now: Now,
    ) -> bool {
        self.flying.store(0, Ordering::Relaxed);
        match result {
            Ok(reply) => {
                self.silent_until.store(0, Ordering::Relaxed);
                let runs = &self.shared.link.runs;
                match self.lease.answered(now, seq, reply, runs) {
                    lease::Answer::Late => false,
                    lease::Answer::Again => true,
                    lease::Answer::Noted | lease::Answer::Refused(_) => self.serve(now),
                }
            }
            Err(_) => {
                self.lease.lost_reply(seq);
                self.turn_away();
                false
            }
        }
    }

    /// No reply came in time. Whether to ask again at once.
    #[cfg(feature = "valkey")]
    pub(crate) fn unanswered(&self, seq: u64) -> bool {
        self.flying.store(0, Ordering::Relaxed);
        self.lease.lost_reply(seq);
        self.waiting().need > 0
    }

    /// Gives what is here to those who wait, in their order; whether some are left.
    fn serve(self: &Arc<Self>, now: Now) -> bool {
        let mut left = VecDeque::new();
        let waiters = std::mem::take(&mut *self.waiters.lock());
        for waiter in waiters {
            if waiter.sender.is_closed() {
                continue;
            }
            let answer = match self.lease.try_take(waiter.need, waiter.generation, now) {
                Ok(taken) => Answer::Held(Offer::new(self.hold(taken))),
                Err(lease::Short::Refused(refusal)) => match self.refused(refusal) {
                    Refused::Unavailable => Answer::Unavailable,
                    refused @ (Refused::Exhausted { .. } | Refused::Busy { .. }) => {
                        Answer::Refused(refused)
                    }
                },
                Err(lease::Short::Ask) => {
                    left.push_back(waiter);
                    continue;
                }
            };
            // Who does not wait any more gets nothing: the offer goes back.
            drop(waiter.sender.send(answer));
        }
        let mut waiters = self.waiters.lock();
        // Who came meanwhile is behind them.
        left.append(&mut waiters);
        *waiters = left;
        !waiters.is_empty()
    }

    /// The store cannot be asked: nobody waits for it.
    pub(crate) fn turn_away(&self) {
        self.called.store(false, Ordering::Release);
        for waiter in std::mem::take(&mut *self.waiters.lock()) {
            drop(waiter.sender.send(Answer::Unavailable));
        }
    }

    /// Gives back what is idle, for good.
    pub(crate) fn drain(&self) {
        self.lease.drain();
    }

    /// Whether nothing is held and the store knows all of it.
    pub(crate) fn is_told(&self) -> bool {
        self.lease.is_empty()
    }

    /// Whether it can be forgotten: told, and not used for so long that no new process of the store would miss it.
    pub(crate) fn is_done(&self, now: Now) -> bool {
        let rested = self.lease.used_ms() + KNOWN_MS.unsigned_abs();
        let done = self.lease.is_empty()
            && rested < millis(now)
            && !self.tracked.load(Ordering::Acquire)
            && self.waiters.lock().is_empty();
        if done {
            self.done.store(true, Ordering::Release);
        }
        done
    }
}
