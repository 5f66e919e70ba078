//! How much may be used: reserved before anything is sent, settled when it is known what was used.
//!
//! A request passes here twice. Once as a whole, after its plan is made: rates of requests and places, at the levels of its organization,
//! team and key ([`Governor::admit`]). And for each attempt, before it is sent: money and tokens at all levels, the provider's with them
//! ([`Governor::reserve`]). A refusal leaves no trace at any level. A refused attempt is a step of the plan that was skipped, and says nothing
//! of anybody's health.

pub(crate) mod bound;
pub(crate) mod ceiling;
pub(crate) mod chain;
pub(crate) mod dear;
pub(crate) mod holds;
pub(crate) mod instant;
pub(crate) mod place;
pub(crate) mod refusal;
pub(crate) mod report;
pub(crate) mod reservation;
pub(crate) mod soft;
pub(crate) mod strict;
pub(crate) mod tariff;
pub(crate) mod told;
pub(crate) mod usd;
pub(crate) mod user;
pub(crate) mod view;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use fairlead_admit::estimate::Estimates;
use fairlead_store::{Counter, Counters, Hold, Now, Refused, Terms};

use crate::clock::{self, Clock};
use bound::Bound;
use chain::Limited;
use holds::{Amounts, Holds};
use refusal::{Refusal, Why};
use reservation::{Bill, Reservation};
use strict::Strict;
use tariff::Tariff;

/// What all requests are counted by. One in a process.
#[derive(Debug)]
pub(crate) struct Governor {
    /// The counters.
    pub counters: Counters,
    estimates: Estimates,
    clock: Clock,
}

/// A request, as far as limits look at it.
#[derive(Debug, Clone)]
pub(crate) struct Governed {
    /// Whose it is.
    pub caller: Arc<Limited>,
    /// The model as the caller asked for it.
    pub model: Arc<str>,
    /// The end user, if it says.
    pub user: Option<Arc<str>>,
    /// The length of its body, in bytes.
    pub bytes: u64,
    /// The most tokens that each answer may have, if it says.
    pub ceiling: Option<u64>,
    /// How many answers it asks for.
    pub choices: u64,
    /// What it has cost so far.
    pub bill: Arc<Bill>,
}

/// A target, as far as limits look at it.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    /// `namespace/name`.
    pub provider: &'a str,
    /// The upstream's name of the model.
    pub model: &'a str,
    /// The provider's own limits.
    pub limits: &'a [Bound],
    /// What it costs.
    pub tariff: Tariff,
    /// The most tokens that an answer of the model has, if that is known.
    pub max_output: Option<u64>,
}

impl Governed {
    /// What is passed through, of which nothing is known but its length.
    #[must_use]
    pub(crate) fn passed_through(caller: &Arc<Limited>, bytes: usize, bill: &Arc<Bill>) -> Self {
        Self {
            caller: Arc::clone(caller),
            model: "".into(),
            user: None,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            ceiling: None,
            choices: 1,
            bill: Arc::clone(bill),
        }
    }
}

impl Governor {
    /// Counts by these.
    #[must_use]
    pub(crate) fn new(counters: Counters, clock: Clock) -> Self {
        Self {
            counters,
            estimates: Estimates::default(),
            clock,
        }
    }

    /// The time.
    #[must_use]
    pub(crate) fn now(&self) -> Now {
        Now {
            mono: self.clock.uptime(),
            unix_ms: clock::unix_millis(),
        }
    }

    /// Takes what a request takes once, however many attempts it has.
    ///
    /// # Errors
    /// A limit is used up; nothing is taken then.
    pub(crate) async fn admit(&self, asked: &Governed, now: Now) -> Result<Holds, Refusal> {
        let once = |bound: &&Bound| !bound.is_per_attempt() && bound.counts_model(&asked.model);
        let bounds = asked.caller.chain.iter().filter(once);
        self.take(bounds, Amounts::default(), asked, now).await
    }

    /// Of an attempt that no limit counts, of which is to be learned what such requests cost.
    #[must_use]
    pub(crate) fn watch(&self, asked: &Governed, target: &Target<'_>) -> Reservation {
        let mut reservation = Reservation::unlimited(asked, target);
        let learned = self
            .estimates
            .of(asked.caller.number, hash(target.provider, target.model));
        reservation.expect(&learned, asked, target);
        reservation.learned = Some(learned);
        reservation
    }

    /// Takes what an attempt is expected to use.
    ///
    /// # Errors
    /// A limit is used up, or what the target costs is not known; nothing is taken then.
    pub(crate) async fn reserve(
        &self,
        asked: &Governed,
        target: &Target<'_>,
        strict: Option<&Strict>,
    ) -> Result<Box<Reservation>, Refusal> {
        let applies = |bound: &&Bound| {
            bound.is_per_attempt()
                && bound.counts_model(&asked.model)
                && bound.counts_provider(target.provider)
                && !(target.tariff.is_free()
                    && bound.money().is_some_and(bound::Money::lets_free_targets))
        };
        let bounds = || {
            asked
                .caller
                .chain
                .iter()
                .chain(target.limits)
                .filter(applies)
        };
        let mut reservation = Box::new(Reservation::unlimited(asked, target));
        let learned = self
            .estimates
            .of(asked.caller.number, hash(target.provider, target.model));
        if target.tariff.is_unknown()
            && let Some(bound) = bounds().find(|bound| bound.money().is_some())
        {
            return Err(Refusal::because(bound, Why::Unpriced));
        }
        reservation.expect(&learned, asked, target);
        reservation.learned = Some(learned);
        if let Some(strict) = strict {
            reservation.expected.most_nanos = Some(strict.nanos());
        }
        reservation.holds = self
            .take(bounds(), reservation.expected, asked, self.now())
            .await?;
        Ok(reservation)
    }

    /// Takes what a request takes that is passed through: it counts as a request at every level. What it costs nobody can tell, so that a
    /// budget that is used up refuses it, and a strict one always.
    ///
    /// # Errors
    /// A limit is used up; nothing is taken then.
    pub(crate) async fn pass_through(
        &self,
        asked: &Governed,
        provider: &str,
        limits: &[Bound],
    ) -> Result<Holds, Refusal> {
        let now = self.now();
        let bounds = || asked.caller.chain.iter().chain(limits);
        let applies = |bound: &&Bound| bound.counts_provider(provider);
        for (bound, money) in bounds()
            .filter(applies)
            .filter_map(|bound| Some((bound, bound.money()?)))
        {
            if money.is_strict() {
                return Err(Refusal::because(bound, Why::Unbounded));
            }
            let terms = bound.terms(now);
            let standing = bound.standing(&self.counters, None, now);
            if standing.used >= terms.limit {
                let refused = Refused::Exhausted {
                    standing,
                    retry_ms: 0,
                };
                return Err(Refusal::of(bound, terms.window, &refused, now));
            }
        }
        let counted = |bound: &&Bound| bound.counts_requests();
        let bounds = bounds().filter(applies).filter(counted);
        self.take(bounds, Amounts::default(), asked, now).await
    }

    /// Takes of each limit in turn, or of none. Where what was granted here suffices for all of them nobody is waited for, and no more is moved
    /// about than what was taken.
    async fn take<'a>(
        &self,
        bounds: impl Iterator<Item = &'a Bound> + Clone,
        amounts: Amounts,
        asked: &Governed,
        now: Now,
    ) -> Result<Holds, Refusal> {
        match self.take_granted(bounds, amounts, asked, now) {
            Ok(holds) => Ok(holds),
            Err(short) => Box::pin(self.take_asking(short, amounts, asked, now)).await,
        }
    }

    /// Takes of each limit in turn from what was granted here, as far as that suffices.
    fn take_granted<'a, Bounds: Iterator<Item = &'a Bound>>(
        &self,
        mut bounds: Bounds,
        amounts: Amounts,
        asked: &Governed,
        now: Now,
    ) -> Result<Holds, Box<Short<'a, Bounds>>> {
        let mut holds = Holds::default();
        while let Some(bound) = bounds.next() {
            let counter = bound.counter(&self.counters, asked.user.as_deref());
            match counter.try_take(&bound.terms(now), amounts.needed(bound), now) {
                Ok(hold) => holds.push(bound, hold),
                Err(_) => {
                    return Err(Box::new(Short {
                        taken: Unsent(holds),
                        bound,
                        rest: bounds,
                    }));
                }
            }
        }
        Ok(holds)
    }

    /// Goes on where the store has to be asked.
    async fn take_asking<'a>(
        &self,
        short: Box<Short<'a, impl Iterator<Item = &'a Bound>>>,
        amounts: Amounts,
        asked: &Governed,
        now: Now,
    ) -> Result<Holds, Refusal> {
        let Short {
            mut taken,
            bound,
            mut rest,
        } = *short;
        let mut next = Some(bound);
        while let Some(bound) = next {
            let counter = bound.counter(&self.counters, asked.user.as_deref());
            let (terms, need) = (bound.terms(now), amounts.needed(bound));
            match take(&counter, &terms, need, amounts.least(bound), now).await {
                Ok(hold) => taken.0.push(bound, hold),
                Err(refused) => {
                    drop(taken);
                    let refusal = Refusal::of(bound, terms.window, &refused, now);
                    return Err(self.longest(refusal, rest, asked, now));
                }
            }
            next = rest.next();
        }
        Ok(taken.all())
    }

    /// Of all limits that are used up, the one that stays so for longest: who waits for another would be refused again.
    fn longest<'a>(
        &self,
        first: Refusal,
        rest: impl Iterator<Item = &'a Bound>,
        asked: &Governed,
        now: Now,
    ) -> Refusal {
        if first.why != Why::Exhausted {
            return first;
        }
        let exhausted = rest.filter_map(|bound| {
            let terms = bound.terms(now);
            let window = terms.window?;
            let standing = bound.standing(&self.counters, asked.user.as_deref(), now);
            let refused = Refused::Exhausted {
                standing,
                retry_ms: 0,
            };
            (standing.used >= terms.limit).then(|| Refusal::of(bound, Some(window), &refused, now))
        });
        let later = exhausted.max_by_key(|refusal| refusal.retry_after);
        match later {
            Some(later) if later.retry_after > first.retry_after => later,
            _ => first,
        }
    }
}

/// What was taken before a limit had not enough here.
struct Short<'a, Bounds> {
    taken: Unsent,
    bound: &'a Bound,
    rest: Bounds,
}

/// What was taken so far for what is not sent before all of it is. Dropped, because a limit refuses or nobody waits any more, it goes back.
struct Unsent(Holds);

impl Unsent {
    fn all(mut self) -> Holds {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).cancel();
    }
}

/// Takes what is needed, or, where nobody else has anything of a budget, what must be spent at least: else the last estimate's worth of it
/// could never be used.
async fn take(
    counter: &Arc<Counter>,
    terms: &Terms,
    need: i64,
    least: Option<i64>,
    now: Now,
) -> Result<Hold, Refused> {
    let refused = match counter.take(terms, need, now).await {
        Err(refused) if !terms.strict => refused,
        taken => return taken,
    };
    let alone = match &refused {
        Refused::Exhausted { standing, .. } | Refused::Busy { standing } => standing.leased == 0,
        Refused::Unavailable => false,
    };
    let Some(least) = least.filter(|least| alone && *least < need) else {
        return Err(refused);
    };
    let mut hold = counter.take(terms, least.max(1), now).await?;
    hold.raise(need);
    Ok(hold)
}

/// What tells the models of providers apart.
fn hash(provider: &str, model: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (provider, model).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
