//! One cap on all bytes that requests and held answers occupy: permits are taken before reading, in steps of 64 KiB.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Permits are counted in steps of this many bytes, so that a body that arrives in small pieces touches the counter seldom.
const STEP: usize = 64 * 1024;
/// The share of the memory limit that bodies may take, in percent.
const SHARE: usize = 40;
/// What is assumed where no limit can be read.
const FALLBACK: usize = 1024 * 1024 * 1024;

/// The cap, and what is taken of it.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    taken: AtomicUsize,
}

/// The cap is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Memory {
    /// A cap of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicUsize::new(0),
        })
    }

    /// A cap of 40 % of what this process may use: the cgroup's limit (v2, then v1), else the machine's memory.
    #[must_use]
    pub fn of_this_process() -> Arc<Self> {
        let total = [
            cgroup("/sys/fs/cgroup/memory.max"),
            cgroup("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            machine(),
        ];
        Self::new(total.into_iter().flatten().min().unwrap_or(FALLBACK) / 100 * SHARE)
    }

    /// Takes a permit for `bytes`.
    ///
    /// # Errors
    /// [`Exhausted`] when the cap leaves no room; nothing is taken then.
    pub fn permit(self: &Arc<Self>, bytes: usize) -> Result<Permit, Exhausted> {
        let mut permit = Permit {
            memory: Arc::clone(self),
            taken: 0,
        };
        permit.grow_to(bytes)?;
        Ok(permit)
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// A share of the cap, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    memory: Arc<Memory>,
    taken: usize,
}

impl Permit {
    /// Makes the permit cover `bytes` in all.
    ///
    /// # Errors
    /// [`Exhausted`] when the cap leaves no room; what was taken stays taken.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let wanted = bytes.div_ceil(STEP) * STEP;
        let Some(more) = wanted.checked_sub(self.taken).filter(|more| *more > 0) else {
            return Ok(());
        };
        let fits = |taken: usize| {
            taken
                .checked_add(more)
                .filter(|sum| *sum <= self.memory.limit)
        };
        self.memory
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits)
            .map_err(|_| Exhausted)?;
        self.taken = wanted;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.memory.taken.fetch_sub(self.taken, Ordering::AcqRel);
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

    #[test]
    fn a_permit_is_counted_in_steps_and_given_back() {
        let memory = Memory::new(3 * STEP);
        let mut one = memory.permit(1).unwrap();
        assert_eq!(memory.taken(), STEP);
        one.grow_to(STEP + 1).unwrap();
        assert_eq!(memory.taken(), 2 * STEP);
        drop(one);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn a_permit_beyond_the_cap_takes_nothing() {
        let memory = Memory::new(2 * STEP);
        let mut one = memory.permit(STEP).unwrap();
        assert_eq!(memory.permit(2 * STEP).unwrap_err(), Exhausted);
        assert_eq!(one.grow_to(3 * STEP), Err(Exhausted));
        assert_eq!(memory.taken(), STEP);
    }
}
