//! This replica's part of one account: its lease, who waits for it, and what the driver does with it.

mod exchange;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use fairlead_admit::exchange::{Account, Incarnation, Shape};
use fairlead_admit::lease::{self, Bound, Lease, Now, Refusal, Standing, Taken};
use fairlead_admit::window::Window;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::hold::{Hold, Offer};
use crate::journal::{Remains, Slot};
use crate::shared::{Shared, Wake};
use crate::terms::{Refused, Short, Terms};

/// A view of an account that is older than this is asked for anew when it is looked at, in milliseconds.
const FRESH_MS: u64 = 1_000;
/// After the store did not answer those who waited, others do not wait for this long, in milliseconds.
const SILENT_MS: u64 = 500;

/// Rates over less than this are asked for once in a step of the driver, for all who wait, in milliseconds.
const SHORT_MS: u64 = 10_000;

/// What somebody who waits is told.
#[derive(Debug)]
pub(crate) enum Answer {
    Held(Offer),
    Refused(Refused),
    /// Nobody can say.
    Unavailable,
}

/// One account's lease.
#[derive(Debug)]
pub(crate) struct Part {
    account: Account,
    lease: Lease,
    shared: Arc<Shared>,
    slot: Mutex<Option<Slot>>,
    /// Of a dead process: it only reports.
    former: bool,
    bound: Mutex<Option<Bound>>,
    /// As in `bound`, to tell without a lock whether it is as it was.
    generation: AtomicU64,
    limit: AtomicI64,
    /// Whether the driver looks at it by itself.
    tracked: AtomicBool,
    /// Whether the driver has been told that somebody waits.
    called: AtomicBool,
    /// The number of the ask whose answer is waited for; 0: none is.
    flying: AtomicU64,
    waiters: Mutex<VecDeque<Waiter>>,
    silent_until: AtomicU64,
    /// Nothing is left in it: its record goes with it.
    done: AtomicBool,
}

#[derive(Debug)]
struct Waiter {
    need: i64,
    generation: u64,
    sender: oneshot::Sender<Answer>,
}

impl Part {
    /// A part that holds nothing yet. Without a journal its numbers end with the process.
    pub(crate) fn open(account: Account, terms: &Terms, shared: Arc<Shared>) -> Option<Arc<Self>> {
        let now = shared.clock.now();
        let slot = shared.journal.slot(&account, lease::cells(account.shape));
        let lease = Lease::open(slot.cells(), account.shape, Incarnation(random()), now)?;
        let part = Self::over(account, lease, slot, shared, false);
        part.learn(terms);
        Some(Arc::new(part))
    }

    /// What a process that died left of an account.
    pub(crate) fn resume(left: Remains, shared: Arc<Shared>) -> Option<Arc<Self>> {
        let Remains { account, slot } = left;
        let now = shared.clock.now();
        match Lease::resume(slot.cells(), account.shape, now) {
            Some(lease) => {
                let part = Arc::new(Self::over(account, lease, slot, shared, true));
                part.track();
                Some(part)
            }
            None => {
                slot.give_back();
                None
            }
        }
    }

    fn over(account: Account, lease: Lease, slot: Slot, shared: Arc<Shared>, former: bool) -> Self {
        Self {
            account,
            lease,
            shared,
            slot: Mutex::new(Some(slot)),
            former,
            bound: Mutex::default(),
            generation: AtomicU64::new(0),
            limit: AtomicI64::new(i64::MIN),
            tracked: AtomicBool::new(false),
            called: AtomicBool::new(false),
            flying: AtomicU64::new(0),
            waiters: Mutex::default(),
            silent_until: AtomicU64::new(0),
            done: AtomicBool::new(false),
        }
    }

    /// Whether this window is charged here.
    pub(crate) fn is_of(&self, window: Option<Window>) -> bool {
        !self.former && self.account.window == window
    }

    /// Whether it comes back so soon that little can be kept without asking.
    pub(crate) fn is_short(&self) -> bool {
        matches!(self.account.shape, Shape::Rate { per_ms } if per_ms < SHORT_MS)
    }

    /// Takes what is needed, if it is here.
    pub(crate) fn try_take(
        self: &Arc<Self>,
        terms: &Terms,
        need: i64,
        now: Now,
    ) -> Result<Hold, Short> {
        self.learn(terms);
        match self.lease.try_take(need, terms.generation, now) {
            Ok(taken) => Ok(self.hold(taken)),
            Err(lease::Short::Ask) => Err(Short::Ask),
            Err(lease::Short::Refused(refusal)) => Err(Short::Refused(self.refused(refusal))),
        }
    }

    /// Takes what nobody granted.
    pub(crate) fn take_unasked(self: &Arc<Self>, need: i64, now: Now) -> Hold {
        let taken = self.lease.force(need, now);
        self.hold(taken)
    }

    fn hold(self: &Arc<Self>, taken: Taken) -> Hold {
        self.track();
        Hold::new(self.clone(), taken)
    }

    pub(crate) fn raise(self: &Arc<Self>, taken: &mut Taken, to: i64) {
        self.lease.raise(taken, to);
        self.track();
    }

    pub(crate) fn settle(self: &Arc<Self>, taken: Taken, actual: i64) {
        self.lease.settle(taken, actual);
        self.track();
    }

    /// Takes note of a limit that is new.
    fn learn(&self, terms: &Terms) {
        let known = self.generation.load(Ordering::Relaxed);
        let limit = self.limit.load(Ordering::Relaxed);
        if terms.generation < known || (terms.generation == known && terms.limit == limit) {
            return;
        }
        let mut bound = self.bound.lock();
        if bound.is_none_or(|bound| bound.generation <= terms.generation) {
            *bound = Some(Bound {
                limit: terms.limit,
                generation: terms.generation,
                strict: terms.strict,
            });
            self.generation.store(terms.generation, Ordering::Relaxed);
            self.limit.store(terms.limit, Ordering::Relaxed);
        }
    }

    fn refused(&self, refusal: Refusal) -> Refused {
        match refusal {
            Refusal::Exhausted { retry_ms } => Refused::Exhausted {
                standing: self.known(),
                retry_ms,
            },
            Refusal::Busy => Refused::Busy {
                standing: self.known(),
            },
            Refusal::Unready => Refused::Unavailable,
        }
    }

    /// How it stands, by the limit that counts here. One that has not been heard of for a while is asked for.
    pub(crate) fn standing(self: &Arc<Self>, terms: &Terms, now: Now) -> Standing {
        let mut standing = self.known();
        let stale = standing.as_of.is_none_or(|as_of| {
            let age = now.mono.saturating_sub(as_of);
            age.as_millis() >= u128::from(FRESH_MS)
        });
        if stale && !self.shared.link.is_away() {
            self.call();
        }
        if terms.generation >= self.generation.load(Ordering::Relaxed) {
            standing.limit = terms.limit;
        }
        standing
    }

    /// The same, as it was last heard of. Asks nobody.
    pub(crate) fn known(&self) -> Standing {
        let standing = self.lease.standing();
        if standing.as_of.is_some() {
            return standing;
        }
        let limit = self.bound.lock().map_or(0, |bound| bound.limit);
        Standing {
            leased: self.lease.reserved(),
            limit,
            ..standing
        }
    }

    /// Waits for the store, behind those who wait already.
    pub(crate) fn wait(
        self: &Arc<Self>,
        need: i64,
        generation: u64,
        sender: oneshot::Sender<Answer>,
    ) {
        self.waiters.lock().push_back(Waiter {
            need,
            generation,
            sender,
        });
        self.call();
    }

    /// Tells the driver that something is to be asked now.
    pub(crate) fn call(self: &Arc<Self>) {
        if !self.called.swap(true, Ordering::AcqRel) {
            self.shared.wake(Wake::Called(self.clone()));
        }
    }

    /// Tells the driver that it is in use, which it nearly always knows.
    pub(crate) fn track(self: &Arc<Self>) {
        if !self.tracked.load(Ordering::Relaxed) && self.may_track() {
            self.shared.wake(Wake::Used(self.clone()));
        }
    }

    /// Whether the driver should look at it from now on, and did not.
    pub(crate) fn may_track(&self) -> bool {
        !self.tracked.swap(true, Ordering::AcqRel)
    }

    /// Whether the store has just kept others waiting in vain.
    pub(crate) fn is_silent(&self, now: Now) -> bool {
        millis(now) < self.silent_until.load(Ordering::Relaxed)
    }

    pub(crate) fn falls_silent(&self) {
        let until = millis(self.shared.clock.now()) + SILENT_MS;
        self.silent_until.store(until, Ordering::Relaxed);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.done.load(Ordering::Acquire)
            && self.lease.is_empty()
            && let Some(slot) = self.slot.get_mut().take()
        {
            slot.give_back();
        }
    }
}

fn millis(now: Now) -> u64 {
    u64::try_from(now.mono.as_millis()).unwrap_or(u64::MAX)
}

/// What nobody has drawn before.
pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // The kernel has no randomness: then what a hash map is seeded with will do.
        bytes = fastrand::u128(..).to_ne_bytes();
    }
    u128::from_ne_bytes(bytes)
}
