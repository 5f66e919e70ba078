//! What is left of the accounts that a model is asked with, as its provider says in the headers of its answers.
//!
//! Kept beside the recorders of rules, for an account is one whoever asks: what one rule has used the others cannot. Written once an answer,
//! read at every choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::millis;

/// What remains of an account is packed into this many bits, beside 40 bits of a time.
const LEFT_BITS: u32 = 24;
const LEFT_MOST: u64 = (1 << LEFT_BITS) - 1;
/// Values of credentials change, and those before stay behind until their time is over: not more of them than this.
const MOST: usize = 16;
/// Each answer changes what a request is taken to use by so small a part.
const STEADY: u64 = 16;

/// The accounts of a model, all together.
#[derive(Debug, Default)]
pub struct Accounts {
    /// How many more requests (24 bits), until when (40 bits, ms); 0: of one of them nothing is known.
    all: AtomicU64,
    each: Mutex<SmallVec<[Account; 2]>>,
    /// How many requests have been sent, whoever has.
    sent: AtomicU64,
    /// How many tokens a request uses, input and output; 0: not known.
    tokens: AtomicU64,
}

/// One account.
#[derive(Debug)]
struct Account {
    identity: Arc<str>,
    allowance: Allowance,
}

/// What the provider has said of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many more requests it may send.
    pub left: u64,
    /// Until then, since the process started.
    pub until: Duration,
}

impl Accounts {
    /// The provider has said what is left of the account of a credential, which is one of so many that the model is asked with.
    pub fn told(&self, identity: &Arc<str>, count: usize, told: Allowance, now: Duration) {
        let mut each = self.each.lock();
        each.retain(|account| account.allowance.until > now);
        let known = each
            .iter_mut()
            .find(|account| account.identity == *identity);
        if let Some(account) = known {
            account.allowance = told;
        } else if each.len() < MOST {
            each.push(Account {
                identity: Arc::clone(identity),
                allowance: told,
            });
        }
        let of = each.iter().map(|account| account.allowance);
        let known = each.len() >= count.max(1);
        let until = of.clone().map(|told| told.until).min();
        let left: u64 = of
            .map(|told| told.left)
            .fold(0, u64::saturating_add)
            .min(LEFT_MOST);
        let word = until.filter(|_| known).map_or(0, |until| {
            // Kept a millisecond long at least, or it would look as if nothing had been said.
            millis(until).max(1) << LEFT_BITS | left
        });
        self.all.store(word, Ordering::Relaxed);
    }

    /// What is left of all of them until the first is renewed; `None`: of one nothing is known, or its time is over.
    #[must_use]
    pub fn allowance(&self, now: Duration) -> Option<Allowance> {
        let word = self.all.load(Ordering::Relaxed);
        let until = word >> LEFT_BITS;
        (until > millis(now)).then(|| Allowance {
            left: word & LEFT_MOST,
            until: Duration::from_millis(until),
        })
    }

    /// A request is sent.
    pub fn goes_out(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has used so many tokens.
    pub fn used(&self, tokens: u64) {
        let before = self.tokens.load(Ordering::Relaxed);
        let next = if before == 0 {
            tokens
        } else {
            // Of two who come at once one may be forgotten.
            before - before / STEADY + tokens / STEADY
        };
        self.tokens.store(next, Ordering::Relaxed);
    }

    /// How many requests so many tokens are enough for; `None`: nobody knows.
    #[must_use]
    pub fn requests_for(&self, tokens: u64) -> Option<u64> {
        tokens.checked_div(self.tokens.load(Ordering::Relaxed))
    }

    /// How many requests have been sent. Wraps around.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn told(left: u64, until: u64) -> Allowance {
        Allowance {
            left,
            until: ms(until),
        }
    }

    #[test]
    fn what_is_left_is_left_until_it_is_renewed() {
        let (accounts, one) = (Accounts::default(), "one".into());
        assert_eq!(accounts.allowance(ms(0)), None);
        accounts.told(&one, 1, told(5, 900), ms(0));
        assert_eq!(accounts.allowance(ms(899)), Some(told(5, 900)));
        assert_eq!(accounts.allowance(ms(900)), None);
        accounts.told(&one, 1, told(0, 900), ms(0));
        assert_eq!(accounts.allowance(ms(0)), Some(told(0, 900)));
    }

    #[test]
    fn several_accounts_have_together_what_each_has_once_all_are_known() {
        let accounts = Accounts::default();
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        accounts.told(&one, 2, told(0, 900), ms(0));
        assert_eq!(accounts.allowance(ms(0)), None, "the other may have more");
        accounts.told(&two, 2, told(7, 500), ms(0));
        assert_eq!(accounts.allowance(ms(0)), Some(told(7, 500)));
        accounts.told(&one, 2, told(9, 1_900), ms(501));
        assert_eq!(accounts.allowance(ms(501)), None, "that of two is over");
    }

    #[test]
    fn values_that_are_gone_are_forgotten() {
        let accounts = Accounts::default();
        for number in 0..100 {
            let identity = number.to_string().into();
            accounts.told(&identity, 1, told(1, 900), ms(0));
        }
        assert!(accounts.each.lock().len() <= MOST);
        accounts.told(&"new".into(), 1, told(3, 2_000), ms(1_000));
        assert_eq!(accounts.allowance(ms(1_000)), Some(told(3, 2_000)));
    }

    #[test]
    fn tokens_are_requests_as_far_as_it_is_known_what_one_uses() {
        let accounts = Accounts::default();
        assert_eq!(accounts.requests_for(1_000), None);
        (0..100).for_each(|_| accounts.used(100));
        assert_eq!(accounts.requests_for(1_000), Some(10));
        (0..200).for_each(|_| accounts.used(1_000));
        assert!(matches!(accounts.requests_for(10_000), Some(10..=11)));
    }
}
