//! Limits of any owner: what users write -> what the gateway counts by, every default resolved.

use std::time::Duration;

use fairlead_crds::text::{DurationText, TimeZoneName, Usd};
use fairlead_crds::v1alpha1 as spec;
use fairlead_snapshot::{
    Budget, ConcurrentLimit, FreeTargets, LimitScope, Limits, ModelPattern, ObjectName, OnExceeded,
    OnStoreFailure, Period, Raise, RateLimit, Unit,
};

use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::reference;
use crate::zone;

/// The time zone of a calendar, where none is given.
const UTC: &str = "UTC";
/// From which percentage on a budget is nearly used up, where none is given.
const SOFT_AT_PERCENT: u32 = 80;
/// The shortest and the longest window of a period that is a duration.
const EVERY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(8784 * 3600));
/// The shortest and the longest interval of a rate limit.
const PER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));

/// What an object says of limits.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    budgets: &'a [spec::Budget],
    rates: &'a [spec::RateLimit],
    concurrency: Option<&'a spec::InFlightLimit>,
    max_cost: Option<&'a Usd>,
}

impl<'a> Said<'a> {
    pub(crate) fn new(
        budgets: Option<&'a Vec<spec::Budget>>,
        rates: Option<&'a Vec<spec::RateLimit>>,
        concurrency: Option<&'a spec::InFlightLimit>,
    ) -> Self {
        Self {
            budgets: budgets.map_or(&[], Vec::as_slice),
            rates: rates.map_or(&[], Vec::as_slice),
            concurrency,
            max_cost: None,
        }
    }

    /// With what a request may cost at most.
    pub(crate) fn up_to(self, max_cost: Option<&'a Usd>) -> Self {
        Self { max_cost, ..self }
    }

    /// What CEL refuses, said again for those without an API server, and what only a parser sees.
    pub(crate) fn faults(self, path: &Path) -> Vec<Finding> {
        let (budgets, rates) = (path.field("budgets"), path.field("rateLimits"));
        let per = self.rates.iter().enumerate().filter_map(|(at, rate)| {
            let path = rates.index(at).field("per");
            (!within(&rate.per, PER)).then(|| invalid(&path, "must be from 1s to 24h"))
        });
        let budgets = self
            .budgets
            .iter()
            .enumerate()
            .flat_map(|(at, budget)| budget_faults(budget, &budgets.index(at)));
        budgets.chain(per).collect()
    }

    /// The limits of an owner in the namespace `own`.
    pub(crate) fn build(self, own: &str) -> Limits {
        let budgets = self.budgets.iter().map(|said| budget(said, own));
        let rates = self.rates.iter().map(|said| rate(said, own));
        Limits {
            budgets: budgets.collect(),
            rates: rates.collect(),
            concurrent: self.concurrency.map(|said| ConcurrentLimit {
                limit: said.max_in_flight,
                on_store_failure: failure(said.on_store_failure, OnStoreFailure::Allow),
            }),
            max_cost: self.max_cost.map(Usd::to_nanos),
        }
    }
}

/// The providers that limits name, each with its place.
pub(crate) fn named(limits: &Limits) -> impl Iterator<Item = (Path, &ObjectName)> {
    let path = Path::of("spec");
    let (budgets, rates) = (path.field("budgets"), path.field("rateLimits"));
    let of_budgets = limits.budgets.iter().enumerate();
    let of_budgets = of_budgets.map(move |(at, budget)| (budgets.index(at), &budget.scope));
    let of_rates = limits.rates.iter().enumerate();
    let of_rates = of_rates.map(move |(at, rate)| (rates.index(at), &rate.scope));
    of_budgets.chain(of_rates).flat_map(|(path, scope)| {
        let path = path.field("providers");
        let listed = scope.providers.iter().flatten().enumerate();
        listed.map(move |(at, provider)| (path.index(at), provider))
    })
}

fn budget_faults(budget: &spec::Budget, path: &Path) -> Vec<Finding> {
    use spec::Period;
    let is = |periods: &[Period]| periods.contains(&budget.period);
    let misplaced = [
        (
            "every",
            is(&[Period::Duration]) != budget.every.is_some(),
            "every goes with period: Duration, which needs it",
        ),
        (
            "startDay",
            budget.start_day.is_some() && !is(&[Period::Monthly]),
            "startDay goes with period: Monthly only",
        ),
        (
            "weekStart",
            budget.week_start.is_some() && !is(&[Period::Weekly]),
            "weekStart goes with period: Weekly only",
        ),
        (
            "startMonth",
            budget.start_month.is_some() && !is(&[Period::Quarterly, Period::Yearly]),
            "startMonth goes with period: Quarterly and Yearly only",
        ),
        (
            "timeZone",
            budget.time_zone.is_some() && is(&[Period::Duration]),
            "a Duration is elapsed time and knows no timeZone; remove it",
        ),
        (
            "every",
            budget
                .every
                .as_ref()
                .is_some_and(|every| !within(every, EVERY) || every.as_str().contains("ms")),
            "must be whole seconds, from 1m to 8784h",
        ),
    ];
    let misplaced = misplaced.into_iter().filter(|(_, wrong, _)| *wrong);
    let misplaced = misplaced.map(|(field, _, message)| invalid(&path.field(field), message));
    let zone = budget.time_zone.as_ref().and_then(|name| {
        let message = zone::fault(name)?;
        let path = path.field("timeZone");
        Some(Finding::new(&path, Reason::TimeZoneUnknown, message))
    });
    misplaced.chain(zone).collect()
}

fn budget(said: &spec::Budget, own: &str) -> Budget {
    Budget {
        name: said.name.to_string(),
        amount: said.amount.to_nanos(),
        period: period(said),
        time_zone: said
            .time_zone
            .as_ref()
            .map_or(UTC, TimeZoneName::as_str)
            .to_owned(),
        on_exceeded: match said.on_exceeded {
            None | Some(spec::OnExceeded::Reject) => OnExceeded::Reject,
            Some(spec::OnExceeded::Fallback) => OnExceeded::Fallback,
        },
        soft_at_percent: u8::try_from(said.soft_at_percent.unwrap_or(SOFT_AT_PERCENT))
            .unwrap_or(100),
        strict: said.strict == Some(true),
        raise: said.raise.as_ref().map(|raise| Raise {
            amount: raise.amount.to_nanos(),
            until: raise.until.0.as_second(),
        }),
        reset_at: said.reset_at.as_ref().map(|time| time.0.as_second()),
        scope: scope(said.models.as_deref(), said.providers.as_deref(), own),
        free_targets: match said.free_targets {
            None | Some(spec::FreeTargets::Allow) => FreeTargets::Allow,
            Some(spec::FreeTargets::Reject) => FreeTargets::Reject,
        },
        on_store_failure: failure(said.on_store_failure, OnStoreFailure::Deny),
    }
}

/// What `faults` has let pass; where a stored object would have been refused, it is as if it had said nothing.
fn period(said: &spec::Budget) -> Period {
    let month = || said.start_month.map_or(1, |month| month as u8 + 1);
    match said.period {
        spec::Period::Daily => Period::Daily,
        spec::Period::Weekly => Period::Weekly {
            starts: said.week_start.map_or(1, |day| day as u8 + 1),
        },
        spec::Period::Monthly => Period::Monthly {
            starts: u8::try_from(said.start_day.unwrap_or(1)).unwrap_or(1),
        },
        spec::Period::Quarterly => Period::Quarterly { starts: month() },
        spec::Period::Yearly => Period::Yearly { starts: month() },
        spec::Period::Duration => Period::Every {
            seconds: said
                .every
                .as_ref()
                .map_or(EVERY.1, DurationText::to_duration)
                .as_secs(),
        },
    }
}

fn rate(said: &spec::RateLimit, own: &str) -> RateLimit {
    RateLimit {
        name: said.name.to_string(),
        unit: match said.unit {
            spec::RateUnit::Requests => Unit::Requests,
            spec::RateUnit::Tokens => Unit::Tokens,
            spec::RateUnit::InputTokens => Unit::InputTokens,
            spec::RateUnit::OutputTokens => Unit::OutputTokens,
        },
        limit: said.limit,
        per_ms: u64::try_from(said.per.to_duration().as_millis()).unwrap_or(u64::MAX),
        per_user: said.per_user == Some(true),
        scope: scope(said.models.as_deref(), said.providers.as_deref(), own),
        on_store_failure: failure(said.on_store_failure, OnStoreFailure::Allow),
    }
}

fn scope(
    models: Option<&[fairlead_crds::text::ModelPattern]>,
    providers: Option<&[spec::ProviderReference]>,
    own: &str,
) -> LimitScope {
    let pattern = |pattern: &fairlead_crds::text::ModelPattern| ModelPattern(pattern.to_string());
    let resolve = |provider: &spec::ProviderReference| reference::resolve(own, provider);
    LimitScope {
        models: models.map(|models| models.iter().map(pattern).collect()),
        providers: providers.map(|providers| providers.iter().map(resolve).collect()),
    }
}

fn failure(said: Option<spec::OnStoreFailure>, absent: OnStoreFailure) -> OnStoreFailure {
    match said {
        None => absent,
        Some(spec::OnStoreFailure::Allow) => OnStoreFailure::Allow,
        Some(spec::OnStoreFailure::Deny) => OnStoreFailure::Deny,
    }
}

fn within(text: &DurationText, (least, most): (Duration, Duration)) -> bool {
    (least..=most).contains(&text.to_duration())
}

fn invalid(path: &Path, message: impl Into<String>) -> Finding {
    Finding::new(path, Reason::Invalid, message)
}
