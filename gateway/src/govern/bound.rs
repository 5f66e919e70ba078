//! One limit of one owner, bound to its counter: what counts towards it, and how much of it there is now.
//!
//! Built with the runtime, so that it says what the configuration says; the counter behind it outlives all of them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use fairlead_admit::window::{Calendar, Window};
use fairlead_snapshot::{
    Budget, ConcurrentLimit, FreeTargets, LimitScope, Limits, OnExceeded, OnStoreFailure,
    RateLimit, Unit,
};
use fairlead_store::{Counter, Counters, Now, Shape, Standing, Terms};

/// Whose limit it is. In the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// An organization's.
    Organization,
    /// A team's.
    Team,
    /// A key's.
    Key,
    /// A provider's.
    Provider,
}

impl Level {
    /// The kind of its objects.
    #[must_use]
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Team => "Team",
            Self::Key => "VirtualKey",
            Self::Provider => "LLMProvider",
        }
    }

    /// The level as callers, metrics and names of counters have it.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Team => "team",
            Self::Key => "key",
            Self::Provider => "provider",
        }
    }

    /// The level of this name.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Organization, Self::Team, Self::Key, Self::Provider];
        all.into_iter().find(|level| level.as_str() == name)
    }
}

/// Whose limits these are.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// The level.
    pub level: Level,
    /// `namespace/name`.
    pub name: Arc<str>,
}

/// One limit.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Whose it is.
    pub holder: Holder,
    /// Its name among the limits of its holder.
    pub name: Arc<str>,
    /// What it counts.
    pub measure: Measure,
    scope: LimitScope,
    generation: u64,
    allow_on_failure: bool,
    counter: OnceLock<Arc<Counter>>,
}

/// What a limit counts, and how much of it there may be.
#[derive(Debug)]
pub(crate) enum Measure {
    /// Money, in windows of a calendar.
    Money(Box<Money>),
    /// Requests or tokens, in an interval that slides.
    Rate(Rate),
    /// Requests at a time.
    Places(i64),
}

/// A budget.
#[derive(Debug)]
pub(crate) struct Money {
    budget: Budget,
    /// Made when it is first needed; `None`: there is no such zone, which compile refuses.
    calendar: OnceLock<Option<Calendar>>,
    window: ArcSwap<Window>,
}

/// A rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// What is counted.
    pub unit: Unit,
    /// How much of it.
    pub limit: i64,
    /// The length of the interval, in milliseconds.
    pub per_ms: u64,
    /// Whether each end user has it for itself.
    pub per_user: bool,
}

impl Bound {
    /// The limits of one holder, as of a generation of the configuration.
    #[must_use]
    pub(crate) fn all(holder: &Holder, limits: &Limits, generation: u64) -> Arc<[Self]> {
        let Limits {
            budgets,
            rates,
            concurrent,
            max_cost: _,
        } = limits;
        let make = |name: &str, measure, scope: &LimitScope, on_failure| Self {
            holder: holder.clone(),
            name: name.into(),
            measure,
            scope: scope.clone(),
            generation,
            allow_on_failure: on_failure == OnStoreFailure::Allow,
            counter: OnceLock::new(),
        };
        let budgets = budgets.iter().map(|budget| {
            let measure = Measure::Money(Box::new(Money::new(budget)));
            make(
                &budget.name,
                measure,
                &budget.scope,
                budget.on_store_failure,
            )
        });
        let rates = rates.iter().map(|rate| {
            let measure = Measure::Rate(Rate::new(rate));
            make(&rate.name, measure, &rate.scope, rate.on_store_failure)
        });
        let places = concurrent.iter().map(|places: &ConcurrentLimit| {
            let measure = Measure::Places(i64::from(places.limit));
            make(
                "concurrency",
                measure,
                &LimitScope::default(),
                places.on_store_failure,
            )
        });
        budgets.chain(rates).chain(places).collect()
    }

    /// Where the limits of a holder stand among those of all.
    #[must_use]
    pub(crate) fn place(limits: &[Self]) -> Option<(Level, &str)> {
        let holder = &limits.first()?.holder;
        Some((holder.level, &holder.name))
    }

    /// Whether requests for this model count towards it.
    #[must_use]
    pub(crate) fn counts_model(&self, requested: &str) -> bool {
        self.scope.has_model(requested)
    }

    /// Whether attempts at this provider (`namespace/name`) count towards it.
    #[must_use]
    pub(crate) fn counts_provider(&self, provider: &str) -> bool {
        let providers = self.scope.providers.as_ref();
        providers.is_none_or(|providers| {
            providers.iter().any(|name| {
                let named = provider.split_once('/');
                named == Some((&*name.namespace, &*name.name))
            })
        })
    }

    /// Whether attempts count towards it at whomever they are.
    #[must_use]
    pub(crate) fn counts_all_providers(&self) -> bool {
        self.scope.providers.is_none()
    }

    /// Whether it depends on who is asked.
    #[must_use]
    pub(crate) fn is_per_attempt(&self) -> bool {
        let once = match &self.measure {
            Measure::Money(_) => false,
            Measure::Rate(rate) => rate.unit == Unit::Requests,
            Measure::Places(_) => true,
        };
        !once || self.holder.level == Level::Provider || self.scope.providers.is_some()
    }

    /// Whether it counts requests, within an interval or at a time.
    #[must_use]
    pub(crate) fn counts_requests(&self) -> bool {
        match &self.measure {
            Measure::Money(_) => false,
            Measure::Rate(rate) => rate.unit == Unit::Requests,
            Measure::Places(_) => true,
        }
    }

    /// Its budget, if it is one.
    #[must_use]
    pub(crate) fn money(&self) -> Option<&Money> {
        match &self.measure {
            Measure::Money(money) => Some(money),
            Measure::Rate(_) | Measure::Places(_) => None,
        }
    }

    /// What is asked of its counter now.
    #[must_use]
    pub(crate) fn terms(&self, now: Now) -> Terms {
        let (limit, window, strict) = match &self.measure {
            Measure::Money(money) => (
                money.amount(now),
                Some(money.window(now)),
                money.budget.strict,
            ),
            Measure::Rate(rate) => (rate.limit, None, false),
            Measure::Places(places) => (*places, None, true),
        };
        Terms {
            limit,
            generation: self.generation,
            window,
            strict,
            allow_on_failure: self.allow_on_failure,
        }
    }

    /// Its counter; that of an end user, where each has one. Its own is only lent: to count who holds it costs more than to find it.
    #[must_use]
    pub(crate) fn counter(&self, counters: &Counters, user: Option<&str>) -> Cow<'_, Arc<Counter>> {
        match user.filter(|_| self.is_per_user()) {
            Some(user) => {
                let id = format!("{}/user/{}", self.id(), super::user::digest(user));
                Cow::Owned(counters.counter(&id, self.shape()))
            }
            None => {
                let own = || counters.counter(&self.id(), self.shape());
                Cow::Borrowed(self.counter.get_or_init(own))
            }
        }
    }

    /// How it stands, as far as this replica knows.
    #[must_use]
    pub(crate) fn standing(&self, counters: &Counters, user: Option<&str>, now: Now) -> Standing {
        self.counter(counters, user).standing(&self.terms(now), now)
    }

    /// How it stood when this replica last heard of it; `None`: nothing is counted of it here. Asks nobody, and makes nothing: the counter of
    /// another configuration is found by its name.
    #[must_use]
    pub(crate) fn known(&self, counters: &Counters, now: Now) -> Option<Standing> {
        let found;
        let counter = match self.counter.get() {
            Some(counter) => counter,
            None => {
                found = counters.existing(&self.id(), self.shape())?;
                &found
            }
        };
        // A calendar costs more than all else: it is for those alone that are counted.
        let window = self.money().map(|money| money.window(now));
        counter.known(window)
    }

    /// How much is used of what stands so: nothing of a rate that was not heard of for a whole interval.
    #[must_use]
    pub(crate) fn used(&self, standing: &Standing, now: Now) -> i64 {
        let is_over = standing.as_of.is_some_and(|as_of| {
            let age = now.mono.saturating_sub(as_of).as_millis();
            matches!(&self.measure, Measure::Rate(rate) if age >= u128::from(rate.per_ms))
        });
        if is_over { 0 } else { standing.used }
    }

    /// The name of its counter: the same whatever becomes of the object, as long as it has its name.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        let kind = match &self.measure {
            Measure::Money(_) => "budget",
            Measure::Rate(_) => "rate",
            Measure::Places(_) => "slots",
        };
        format!(
            "{kind}/{}/{}/{}",
            self.holder.level.as_str(),
            self.holder.name,
            self.name
        )
    }

    /// How its counter counts.
    #[must_use]
    pub(crate) fn shape(&self) -> Shape {
        match &self.measure {
            Measure::Money(_) => Shape::Budget,
            Measure::Rate(rate) => Shape::Rate {
                per_ms: rate.per_ms,
            },
            Measure::Places(_) => Shape::Slots,
        }
    }

    /// Whether each end user has it for itself.
    #[must_use]
    pub(crate) fn is_per_user(&self) -> bool {
        matches!(&self.measure, Measure::Rate(rate) if rate.per_user)
    }
}

impl Money {
    fn new(budget: &Budget) -> Self {
        Self {
            budget: budget.clone(),
            calendar: OnceLock::new(),
            window: ArcSwap::from_pointee(Window { start: 0, end: 0 }),
        }
    }

    /// How much there is, in nano-USD: another amount as long as it is raised.
    #[must_use]
    pub(crate) fn amount(&self, now: Now) -> i64 {
        let raise = self.budget.raise;
        let raised = raise.filter(|raise| now.unix_ms < raise.until.saturating_mul(1000));
        raised.map_or(self.budget.amount, |raise| raise.amount)
    }

    /// The window that is open now.
    #[must_use]
    pub(crate) fn window(&self, now: Now) -> Window {
        let known = **self.window.load();
        if (known.start..known.end).contains(&now.unix_ms) {
            return known;
        }
        let budget = &self.budget;
        let make = || Calendar::of(&budget.period, &budget.time_zone, budget.reset_at).ok();
        let calendar = self.calendar.get_or_init(make).as_ref();
        let window = calendar.map_or(known, |calendar| calendar.at(now.unix_ms));
        self.window.store(Arc::new(window));
        window
    }

    /// Whether it is never passed.
    #[must_use]
    pub(crate) fn is_strict(&self) -> bool {
        self.budget.strict
    }

    /// Whether targets that cost nothing may be asked when it is used up.
    #[must_use]
    pub(crate) fn lets_free_targets(&self) -> bool {
        self.budget.free_targets == FreeTargets::Allow
    }

    /// Whether cheaper targets go first from some amount on.
    #[must_use]
    pub(crate) fn is_soft(&self) -> bool {
        self.budget.on_exceeded == OnExceeded::Fallback
    }

    /// From how much on cheaper targets go first, of so much in all; `None`: never.
    #[must_use]
    pub(crate) fn soft_from(&self, limit: i64) -> Option<i64> {
        let part = i128::from(limit) * i128::from(self.budget.soft_at_percent) / 100;
        self.is_soft()
            .then(|| i64::try_from(part).unwrap_or(i64::MAX))
    }
}

impl Rate {
    fn new(rate: &RateLimit) -> Self {
        Self {
            unit: rate.unit,
            limit: rate.limit,
            per_ms: rate.per_ms,
            per_user: rate.per_user,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fairlead_snapshot::{ObjectName, Period};
    use fairlead_store::{Options, Where};
    use tokio::time::Instant;

    use super::*;
    use crate::govern::chain::holder;

    fn daily() -> Budget {
        Budget {
            name: "day".into(),
            amount: 1,
            period: Period::Daily,
            time_zone: "Europe/Berlin".into(),
            on_exceeded: OnExceeded::Reject,
            soft_at_percent: 80,
            strict: false,
            raise: None,
            reset_at: None,
            scope: LimitScope::default(),
            free_targets: FreeTargets::Allow,
            on_store_failure: OnStoreFailure::Allow,
        }
    }

    #[tokio::test]
    async fn a_budget_that_nobody_uses_costs_whoever_looks_no_calendar() {
        let limits = Limits {
            budgets: vec![daily()],
            ..Limits::default()
        };
        let holder = holder(Level::Team, &ObjectName::new("search", "research"));
        let bounds = Bound::all(&holder, &limits, 1);
        let options = Options {
            place: Where::Embedded { dir: None },
            journal: None,
            started: Instant::now(),
        };
        let counters = Counters::open(options).await.unwrap();
        let now = Now {
            mono: Duration::from_secs(1),
            unix_ms: 1_790_812_800_000,
        };
        let has_calendar = || bounds[0].money().unwrap().calendar.get().is_some();
        assert_eq!(bounds[0].known(&counters, now), None);
        assert!(!has_calendar());
        let _counter = bounds[0].counter(&counters, None);
        assert_eq!(bounds[0].known(&counters, now), None);
        assert!(has_calendar());
    }
}
