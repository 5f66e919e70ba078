//! The retry budget: retries may add a fifth to the requests of the last ten seconds, and three more, so that a provider with little
//! traffic is still retried and one that fails everything is not sent three times its load.
//!
//! Only repeated attempts at the same provider are counted; going on to another is bounded by the plan.

use std::time::Duration;

use crate::window::Window;

/// Retries that are always allowed.
const SPARE: u64 = 3;
/// One retry for so many requests.
const REQUESTS_A_RETRY: u64 = 5;

/// The retry budget of a provider.
#[derive(Debug, Default)]
pub struct RetryBudget(Window);

impl RetryBudget {
    /// Counts a request, once however often it is retried.
    pub fn request(&self, now: Duration) {
        self.0.add(now, 1, 0);
    }

    /// Takes a retry, if there is one left. Several threads at once may each take the last.
    #[must_use]
    pub fn withdraw(&self, now: Duration) -> Option<Withdrawal<'_>> {
        let counts = self.0.counts(now);
        let left = counts.marked < SPARE + counts.all / REQUESTS_A_RETRY;
        left.then(|| {
            self.0.add(now, 0, 1);
            Withdrawal {
                budget: self,
                at: now,
                spent: false,
            }
        })
    }
}

/// One retry, taken out of a budget; given back when it is dropped before it was spent.
#[derive(Debug)]
pub struct Withdrawal<'a> {
    budget: &'a RetryBudget,
    at: Duration,
    spent: bool,
}

impl Withdrawal<'_> {
    /// The retry goes out.
    pub fn spend(mut self) {
        self.spent = true;
    }
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if !self.spent {
            self.budget.0.take_back(self.at, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawn(budget: &RetryBudget, now: Duration) -> usize {
        std::iter::from_fn(|| budget.withdraw(now).map(Withdrawal::spend)).count()
    }

    #[test]
    fn a_retry_that_was_never_sent_is_given_back() {
        let budget = RetryBudget::default();
        for _ in 0..100 {
            assert!(budget.withdraw(Duration::ZERO).is_some());
        }
        assert_eq!(withdrawn(&budget, Duration::ZERO), 3);
    }

    #[test]
    fn what_is_given_back_late_takes_nothing_from_later_seconds() {
        let budget = RetryBudget::default();
        let early = budget.withdraw(Duration::ZERO);
        let now = Duration::from_secs(10);
        assert_eq!(withdrawn(&budget, now), 3);
        drop(early);
        assert_eq!(withdrawn(&budget, now), 0);
    }

    #[test]
    fn three_retries_are_always_there() {
        assert_eq!(withdrawn(&RetryBudget::default(), Duration::ZERO), 3);
    }

    #[test]
    fn requests_add_a_fifth() {
        let budget = RetryBudget::default();
        let now = Duration::from_secs(5);
        (0..100).for_each(|_| budget.request(now));
        assert_eq!(withdrawn(&budget, now), 23);
        (0..5).for_each(|_| budget.request(now));
        assert_eq!(withdrawn(&budget, now), 1);
    }

    #[test]
    fn what_is_older_than_ten_seconds_counts_no_more() {
        let budget = RetryBudget::default();
        (0..100).for_each(|_| budget.request(Duration::ZERO));
        assert_eq!(withdrawn(&budget, Duration::ZERO), 23);
        assert_eq!(withdrawn(&budget, Duration::from_secs(9)), 0);
        assert_eq!(withdrawn(&budget, Duration::from_secs(10)), 3);
    }
}
