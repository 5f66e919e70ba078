//! Who asks, as far as permissions of which there is one at a time need to know it.

use crate::sync::{AtomicU64, Ordering};

/// Tells callers apart: any number that is the same for a caller each time, a hash of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker(u64);

impl Asker {
    #[cfg(test)]
    pub(crate) const ONE: Self = Self(1);
    #[cfg(test)]
    pub(crate) const TWO: Self = Self(3);

    /// The caller of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        // 0 stands for nobody.
        Self(number | 1)
    }

    /// Which of so many counts is this caller's.
    #[must_use]
    pub fn among(self, counts: usize) -> usize {
        let counts = u64::try_from(counts).unwrap_or(u64::MAX).max(1);
        usize::try_from((self.0 >> 1) % counts).unwrap_or(0)
    }
}

/// Who last had a permission and gave it back with nothing found out. Remembering one is enough: two who take turns at it are found out by
/// every third.
#[derive(Debug, Default)]
pub(crate) struct Fruitless(AtomicU64);

impl Fruitless {
    pub(crate) fn note(&self, asker: Asker) {
        self.0.store(asker.0, Ordering::Relaxed);
    }

    /// Whether it was this one.
    pub(crate) fn was(&self, asker: Asker) -> bool {
        self.0.load(Ordering::Relaxed) == asker.0
    }

    pub(crate) fn forget(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}
