//! What was decided of limits, whoever has them.

use std::collections::BTreeMap;

use fairlead_snapshot::{Budget, Limits, ObjectName, RateLimit, Snapshot, Unit};

use super::{Action, Change, moment};

pub(super) fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let nothing = Limits::default();
    let mut changes = Vec::new();
    let mut compare = |kind: &'static str, before: All<'_>, after: All<'_>| {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        for name in after.keys().chain(gone) {
            let (old, new) = (before.get(name).copied(), after.get(name).copied());
            if old != new {
                let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
                of_one(kind, name, old, new, &mut changes);
            }
        }
    };
    compare(
        "Organization",
        all(&before.organizations, |owner| &owner.limits),
        all(&after.organizations, |owner| &owner.limits),
    );
    compare(
        "Team",
        all(&before.teams, |owner| &owner.limits),
        all(&after.teams, |owner| &owner.limits),
    );
    compare(
        "LLMProvider",
        all(&before.providers, |provider| &provider.limits),
        all(&after.providers, |provider| &provider.limits),
    );
    compare(
        "VirtualKey",
        all(&before.keys, |key| &key.limits),
        all(&after.keys, |key| &key.limits),
    );
    changes
}

/// The limits of each that has some.
type All<'s> = BTreeMap<&'s ObjectName, &'s Limits>;

fn all<T>(of: &BTreeMap<ObjectName, T>, limits: impl Fn(&T) -> &Limits) -> All<'_> {
    let all = of.iter().map(|(name, holder)| (name, limits(holder)));
    all.filter(|(_, limits)| !limits.is_empty()).collect()
}

fn of_one(
    kind: &'static str,
    name: &ObjectName,
    old: &Limits,
    new: &Limits,
    changes: &mut Vec<Change>,
) {
    let mut tell = |action: Action,
                    limit: String,
                    field: Option<&'static str>,
                    old: Option<String>,
                    new: Option<String>| {
        let mut change = Change::of(action, kind, name);
        (change.limit, change.field, change.old, change.new) = (Some(limit), field, old, new);
        changes.push(change);
    };
    let named = |budget: &&Budget| budget.name.clone();
    for (name, pair) in pairs(&old.budgets, &new.budgets, named) {
        budget(&format!("budget/{name}"), pair, &mut tell);
    }
    let named = |rate: &&RateLimit| rate.name.clone();
    for (name, pair) in pairs(&old.rates, &new.rates, named) {
        let limit = format!("rate_limit/{name}");
        match pair {
            (Some(old), Some(new)) if rate(old) != rate(new) => {
                let (old, new) = (Some(rate(old)), Some(rate(new)));
                tell(Action::LimitChanged, limit, Some("limit"), old, new);
            }
            (Some(old), Some(new)) if old != new => {
                tell(Action::LimitChanged, limit, Some("terms"), None, None);
            }
            (Some(_), Some(_)) | (None, None) => {}
            (None, Some(new)) => tell(Action::LimitAdded, limit, None, None, Some(rate(new))),
            (Some(old), None) => tell(Action::LimitRemoved, limit, None, Some(rate(old)), None),
        }
    }
    max_cost(old, new, &mut tell);
    let limit = "concurrency".to_owned();
    let places = |limits: &Limits| limits.concurrent.map(|places| places.limit.to_string());
    match (places(old), places(new)) {
        (None, Some(new)) => tell(Action::LimitAdded, limit, None, None, Some(new)),
        (Some(old), None) => tell(Action::LimitRemoved, limit, None, Some(old), None),
        (old, new) if old != new => tell(Action::LimitChanged, limit, Some("limit"), old, new),
        _ if old.concurrent != new.concurrent => {
            tell(Action::LimitChanged, limit, Some("terms"), None, None);
        }
        _ => {}
    }
}

/// What a request may cost at most.
fn max_cost(
    old: &Limits,
    new: &Limits,
    tell: &mut impl FnMut(Action, String, Option<&'static str>, Option<String>, Option<String>),
) {
    let limit = "max_cost_per_request".to_owned();
    let amount = |limits: &Limits| limits.max_cost.map(usd);
    match (amount(old), amount(new)) {
        (None, Some(new)) => tell(Action::LimitAdded, limit, None, None, Some(new)),
        (Some(old), None) => tell(Action::LimitRemoved, limit, None, Some(old), None),
        (old, new) if old != new => tell(Action::LimitChanged, limit, Some("amount"), old, new),
        _ => {}
    }
}

/// By name, what was and what is.
fn pairs<'l, T>(
    old: &'l [T],
    new: &'l [T],
    named: impl Fn(&&'l T) -> String,
) -> BTreeMap<String, (Option<&'l T>, Option<&'l T>)> {
    let mut pairs: BTreeMap<String, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for limit in old {
        pairs.entry(named(&limit)).or_default().0 = Some(limit);
    }
    for limit in new {
        pairs.entry(named(&limit)).or_default().1 = Some(limit);
    }
    pairs
}

fn budget(
    limit: &str,
    pair: (Option<&Budget>, Option<&Budget>),
    tell: &mut impl FnMut(Action, String, Option<&'static str>, Option<String>, Option<String>),
) {
    let limit = || limit.to_owned();
    let amount = |budget: &Budget| Some(usd(budget.amount));
    let (old, new) = match pair {
        (Some(old), Some(new)) => (Some(old), new),
        (None, Some(new)) => {
            tell(Action::LimitAdded, limit(), None, None, amount(new));
            (None, new)
        }
        (Some(old), None) => {
            return tell(Action::LimitRemoved, limit(), None, amount(old), None);
        }
        (None, None) => return,
    };
    let raise = |budget: &Budget| {
        let raise = budget.raise?;
        Some(format!(
            "{} until {}",
            usd(raise.amount),
            moment(raise.until)
        ))
    };
    let reset = |budget: &Budget| budget.reset_at.map(moment);
    if let Some(old) = old {
        if old.amount != new.amount {
            let (old, new) = (amount(old), amount(new));
            tell(Action::LimitChanged, limit(), Some("amount"), old, new);
        }
        if terms(old) != terms(new) {
            tell(Action::LimitChanged, limit(), Some("terms"), None, None);
        }
    }
    let (was, is) = (old.and_then(raise), raise(new));
    if was != is {
        tell(Action::LimitOverride, limit(), Some("override"), was, is);
    }
    let (was, is) = (old.and_then(reset), reset(new));
    if was != is {
        tell(Action::LimitReset, limit(), Some("resetAt"), was, is);
    }
}

/// All but what has a line of its own.
fn terms(budget: &Budget) -> Budget {
    Budget {
        amount: 0,
        raise: None,
        reset_at: None,
        ..budget.clone()
    }
}

fn rate(rate: &RateLimit) -> String {
    let unit = match rate.unit {
        Unit::Requests => "Requests",
        Unit::Tokens => "Tokens",
        Unit::InputTokens => "InputTokens",
        Unit::OutputTokens => "OutputTokens",
    };
    format!("{} {unit} per {} ms", rate.limit, rate.per_ms)
}

/// USD with as many digits as it takes and two at least, as everywhere.
fn usd(nanos: i64) -> String {
    const NANOS: i64 = 1_000_000_000;
    let part = format!("{:09}", nanos % NANOS);
    let kept = part.trim_end_matches('0').len().max(2);
    format!("{}.{}", nanos / NANOS, &part[..kept])
}
