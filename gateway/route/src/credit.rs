//! A share of a rule's requests, kept exactly: each request pays in its percentage, and whatever is done for a share of them costs 100.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one costs.
const PRICE: u32 = 100;
/// What a quiet time may save up: ten in a row, so that a provider that falls silent does not find all its requests without one.
const MOST: u32 = 10 * PRICE;

/// What has been paid in and not been used. Shared by all threads.
#[derive(Debug, Default)]
pub struct Credit(AtomicU32);

impl Credit {
    /// A request of which `percent` in 100 may have it.
    pub fn pay_in(&self, percent: u32) {
        let paid = |saved: u32| Some(saved.saturating_add(percent).min(MOST));
        // The closure always has an answer.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid);
    }

    /// Pays for one more, if there is enough.
    #[must_use]
    pub fn take(&self) -> Option<Paid<'_>> {
        let price = |saved: u32| saved.checked_sub(PRICE);
        let paid = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, price);
        paid.is_ok().then(|| Paid {
            credit: self,
            spent: false,
        })
    }
}

/// What was paid for one; given back when it is dropped before it was spent.
#[derive(Debug)]
pub struct Paid<'a> {
    credit: &'a Credit,
    spent: bool,
}

impl Paid<'_> {
    /// What was paid for is had.
    pub fn spend(mut self) {
        self.spent = true;
    }
}

impl Drop for Paid<'_> {
    fn drop(&mut self) {
        if !self.spent {
            self.credit.pay_in(PRICE);
        }
    }
}

/// Credit says where a rule stands, not what it is: rules are compared without it.
impl PartialEq for Credit {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(percent: u32, requests: u32) -> u32 {
        let credit = Credit::default();
        let mut taken = 0;
        for _ in 0..requests {
            credit.pay_in(percent);
            if let Some(paid) = credit.take() {
                paid.spend();
                taken += 1;
            }
        }
        taken
    }

    #[test]
    fn never_more_than_its_share_has_it() {
        for percent in 1..=100 {
            for requests in [1, 9, 10, 99, 1_000] {
                assert_eq!(
                    taken(percent, requests),
                    percent * requests / 100,
                    "{percent} % of {requests}"
                );
            }
        }
    }

    #[test]
    fn a_quiet_time_saves_up_only_a_few() {
        let credit = Credit::default();
        for _ in 0..10_000 {
            credit.pay_in(50);
        }
        let taken: Vec<Paid<'_>> = std::iter::from_fn(|| credit.take()).collect();
        assert_eq!(taken.len(), 10);
    }

    #[test]
    fn what_was_never_had_is_given_back() {
        let credit = Credit::default();
        credit.pay_in(100);
        for _ in 0..100 {
            assert!(credit.take().is_some());
        }
        credit.take().unwrap().spend();
        assert!(credit.take().is_none());
    }
}
