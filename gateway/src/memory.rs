//! One cap on all bytes that requests and held answers occupy: permits are taken before reading, in steps of 64 KiB.
//!
//! Whoever asks much leaves something to all others: the requests of one key may take three times what is left free, so that alone it has
//! three quarters of the cap, two such keys have three sevenths each, and somebody who comes with a small request always finds room. (This is
//! how switches share their buffers among ports: A. K. Choudhury and E. L. Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet
//! Switches, IEEE/ACM Transactions on Networking 6(2), 1998. It needs no list of who is there, and one who is alone loses little.)

mod gathering;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fairlead_health::Asker;

pub(crate) use gathering::Gathering;

/// Permits are counted in steps of this many bytes, so that a body that arrives in small pieces touches the counter seldom.
const STEP: usize = 64 * 1024;
/// The share of the memory limit that bodies may take, in percent.
const SHARE: usize = 40;
/// What is assumed where no limit can be read.
const FALLBACK: usize = 1024 * 1024 * 1024;
/// How many times what it leaves free the requests of one key may take.
const TIMES_THE_REST: usize = 3;
/// What nobody waits for may take one part in so many of what is left free: a ninth of all, where nobody else is there, and the less the more are.
const SPARE: usize = 8;
/// Keys are counted by a hash of their names. Two that share an account have the share of one between them.
const ACCOUNTS: usize = 1024;

/// The cap, and what is taken of it.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    taken: AtomicUsize,
    /// What of it the requests of each key have taken, and behind them what nobody waits for.
    accounts: Box<[AtomicUsize]>,
}

/// The memory as far as one key may take of it.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    memory: Arc<Memory>,
    account: usize,
}

/// The cap is reached, or the share of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Memory {
    /// A cap of `limit` bytes.
    #[must_use]
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicUsize::new(0),
            accounts: (0..=ACCOUNTS).map(|_| AtomicUsize::new(0)).collect(),
        })
    }

    /// A cap of 40 % of what this process may use: the cgroup's limit (v2, then v1), else the machine's memory.
    #[must_use]
    pub(crate) fn of_this_process() -> Arc<Self> {
        let total = [
            cgroup("/sys/fs/cgroup/memory.max"),
            cgroup("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            machine(),
        ];
        Self::new(total.into_iter().flatten().min().unwrap_or(FALLBACK) / 100 * SHARE)
    }

    /// The share of whoever asks.
    #[must_use]
    pub(crate) fn of(self: &Arc<Self>, asker: Asker) -> Share {
        Share {
            memory: Arc::clone(self),
            account: asker.among(ACCOUNTS),
        }
    }

    /// What is left over for work that nobody waits for.
    #[must_use]
    pub(crate) fn spare(self: &Arc<Self>) -> Share {
        Share {
            memory: Arc::clone(self),
            account: ACCOUNTS,
        }
    }

    /// The cap, in bytes.
    #[must_use]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes are taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes a permit for `bytes`.
    ///
    /// # Errors
    /// [`Exhausted`] when there is no room; nothing is taken then.
    pub(crate) fn permit(&self, bytes: usize) -> Result<Permit, Exhausted> {
        let mut permit = self.nothing();
        permit.grow_to(bytes)?;
        Ok(permit)
    }

    /// A permit that covers nothing yet.
    fn nothing(&self) -> Permit {
        Permit {
            share: self.clone(),
            taken: 0,
        }
    }

    fn account(&self) -> &AtomicUsize {
        &self.memory.accounts[self.account]
    }

    fn take(&self, more: usize) -> Result<(), Exhausted> {
        let own = self.account().fetch_add(more, Ordering::AcqRel) + more;
        let fits = |taken: usize| {
            let sum = taken.checked_add(more)?;
            let rest = self.memory.limit.checked_sub(sum)?;
            (own <= self.most(rest)).then_some(sum)
        };
        let taken = &self.memory.taken;
        if taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits)
            .is_err()
        {
            self.account().fetch_sub(more, Ordering::AcqRel);
            return Err(Exhausted);
        }
        Ok(())
    }

    /// How much this share may be, where so much is left free.
    fn most(&self, rest: usize) -> usize {
        if self.account == ACCOUNTS {
            rest / SPARE
        } else {
            rest.saturating_mul(TIMES_THE_REST)
        }
    }

    fn give_back(&self, bytes: usize) {
        self.memory.taken.fetch_sub(bytes, Ordering::AcqRel);
        self.account().fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// A part of the cap, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    share: Share,
    taken: usize,
}

impl Permit {
    /// Makes the permit cover `bytes` in all.
    ///
    /// # Errors
    /// [`Exhausted`] when there is no room; what was taken stays taken.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let wanted = bytes.div_ceil(STEP) * STEP;
        let Some(more) = wanted.checked_sub(self.taken).filter(|more| *more > 0) else {
            return Ok(());
        };
        self.share.take(more)?;
        self.taken = wanted;
        Ok(())
    }

    /// Gives back what is beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let wanted = bytes.div_ceil(STEP) * STEP;
        self.share.give_back(self.taken.saturating_sub(wanted));
        self.taken = self.taken.min(wanted);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.share.give_back(self.taken);
    }
}

impl Permit {
    /// The bytes that it covers. It is given back when the last of them is gone, wherever they have gone to.
    #[must_use]
    pub(crate) fn keep(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Kept {
            bytes,
            _permit: self,
        })
    }
}

struct Kept {
    bytes: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn cgroup(path: &str) -> Option<usize> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn machine() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<usize>()
        .ok()?
        .checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Asker {
        Asker::new(2)
    }

    #[test]
    fn what_nobody_waits_for_takes_little_and_less_the_more_others_have() {
        let memory = Memory::new(90 * STEP);
        let spare = || memory.spare().permit(STEP);
        let taken: Vec<Permit> = std::iter::from_fn(|| spare().ok()).collect();
        assert_eq!(taken.len(), 10);
        drop(taken);
        let others = memory.of(one()).permit(60 * STEP).unwrap();
        let taken: Vec<Permit> = std::iter::from_fn(|| spare().ok()).collect();
        assert_eq!(taken.len(), 3);
        // Whoever is waited for finds room as before.
        assert!(memory.of(Asker::new(4)).permit(20 * STEP).is_ok());
        drop((others, taken));
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn a_permit_is_counted_in_steps_and_given_back() {
        let memory = Memory::new(4 * STEP);
        let mut permit = memory.of(one()).permit(1).unwrap();
        assert_eq!(memory.taken(), STEP);
        permit.grow_to(STEP + 1).unwrap();
        assert_eq!(memory.taken(), 2 * STEP);
        drop(permit);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn a_permit_beyond_the_cap_takes_nothing() {
        let memory = Memory::new(2 * STEP);
        let share = memory.of(one());
        let mut permit = share.permit(STEP).unwrap();
        assert_eq!(share.permit(2 * STEP).unwrap_err(), Exhausted);
        assert_eq!(permit.grow_to(3 * STEP), Err(Exhausted));
        assert_eq!(memory.taken(), STEP);
        drop(permit);
        assert!(
            share.permit(STEP).is_ok(),
            "what was refused is not counted"
        );
    }

    #[test]
    fn one_key_leaves_something_to_all_others_and_two_have_the_same() {
        let memory = Memory::new(700 * STEP);
        let keys = [2, 4, 6].map(|number| memory.of(Asker::new(number)));
        let most = |share: &Share| -> Vec<Permit> {
            std::iter::from_fn(|| share.permit(STEP).ok()).collect()
        };
        let alone = most(&keys[0]);
        assert_eq!(alone.len(), 525, "three quarters");
        let beside = keys[1].permit(100 * STEP);
        assert!(beside.is_ok(), "somebody else finds room");
        drop((alone, beside));
        // Two that take turns.
        let (mut one, mut two) = (Vec::new(), Vec::new());
        loop {
            let (first, second) = (keys[0].permit(STEP), keys[1].permit(STEP));
            if first.is_err() && second.is_err() {
                break;
            }
            one.extend(first);
            two.extend(second);
        }
        assert_eq!((one.len(), two.len()), (300, 300), "three sevenths each");
        assert!(keys[2].permit(50 * STEP).is_ok());
        drop((one, two));
        assert_eq!(most(&keys[0]).len(), 525, "all of it is given back");
    }

    #[test]
    fn bytes_that_are_kept_hold_their_permit_until_the_last_of_them_is_gone() {
        let memory = Memory::new(2 * STEP);
        let permit = memory.of(one()).permit(5).unwrap();
        let mut bytes = permit.keep(Bytes::from_static(b"hello"));
        let first = bytes.split_to(2);
        drop(bytes);
        assert_eq!((&first[..], memory.taken()), (&b"he"[..], STEP));
        drop(first);
        assert_eq!(memory.taken(), 0);
    }
}
