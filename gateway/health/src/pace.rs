//! An even draw: the n-th asks the n-th point of a low-discrepancy sequence, so that a share of 10 % is one of ten in any ten.
//!
//! The fractional parts of the multiples of the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).

use crate::sync::{AtomicU64, Ordering};

/// 2^64 divided by the golden ratio, made odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where a draw stands.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Whether this turn falls into a share of `part` in `whole`.
    #[must_use]
    pub(crate) fn falls_within(&self, part: u64, whole: u64) -> bool {
        let point = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(STEP);
        (u128::from(point) * u128::from(whole)) >> 64 < u128::from(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_in_every_hundred() {
        for percent in [0, 1, 10, 50, 99, 100] {
            let pace = Pace::default();
            for _ in 0..20 {
                let within = (0..100).filter(|_| pace.falls_within(percent, 100)).count();
                assert!(
                    u64::try_from(within).unwrap().abs_diff(percent) <= 2,
                    "{within} of {percent}"
                );
            }
        }
    }
}
