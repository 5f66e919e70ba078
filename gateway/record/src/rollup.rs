//! Sums by hour, team, key, provider and upstream model, of a batch of entries: what is added to a store in the transaction of its rows.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::outcome::Outcome;
use crate::usage::{By, LARGEST_USAGE, Sums, Usage, UsageAsk};
use crate::{Entry, Name};

/// An hour, in seconds.
pub(crate) const HOUR: i64 = 3_600;
/// A day, in seconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// What sums are of. Empty names: there was none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The beginning of the hour, in seconds since 1970.
    pub(crate) hour: i64,
    pub(crate) team: Name,
    pub(crate) key: Name,
    pub(crate) provider: Name,
    pub(crate) model: Name,
}

/// Sums of a batch.
#[derive(Debug, Default)]
pub(crate) struct Rollup(pub(crate) BTreeMap<Place, Sums>);

impl Rollup {
    /// Sums over these entries.
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut rollup = Self::default();
        for entry in entries {
            rollup.add(entry);
        }
        rollup
    }

    /// What attempts that did not answer have cost goes to where they ran, the rest to where the request is counted: the sum over all places
    /// is always what requests have cost. A copy that its caller is charged for adds what it has cost, and is no request.
    fn add(&mut self, entry: &Entry) {
        let empty = Name::from("");
        let last = entry.asked_last();
        let home = Place {
            hour: hour(entry.started_unix_us),
            team: entry.team.clone().unwrap_or_else(|| empty.clone()),
            key: entry.key.clone().unwrap_or_else(|| empty.clone()),
            provider: last
                .and_then(|attempt| attempt.provider.clone())
                .unwrap_or_else(|| empty.clone()),
            model: last.map_or_else(|| empty.clone(), |attempt| attempt.model.clone()),
        };
        let mut sums = of(entry);
        for attempt in &entry.attempts {
            if last.is_some_and(|last| std::ptr::eq(last, attempt)) {
                continue;
            }
            let cost = attempt
                .cost
                .filter(|_| entry.cost.is_some())
                .map_or(0, |cost| cost.nanos);
            let tokens = attempt.tokens.unwrap_or_default();
            let lost = count(tokens.input).saturating_add(count(tokens.output));
            let lost = if entry.mirror.is_some() { 0 } else { lost };
            if cost == 0 && lost == 0 {
                continue;
            }
            sums.cost_nanos = sums.cost_nanos.saturating_sub(cost);
            let place = Place {
                provider: attempt.provider.clone().unwrap_or_else(|| empty.clone()),
                model: attempt.model.clone(),
                ..home.clone()
            };
            *self.0.entry(place).or_default() += Sums {
                lost_tokens: lost,
                cost_nanos: cost,
                ..Sums::default()
            };
        }
        *self.0.entry(home).or_default() += sums;
    }
}

/// The hour in which a moment lies, in seconds since 1970.
pub(crate) fn hour(unix_us: i64) -> i64 {
    unix_us.div_euclid(HOUR * 1_000_000) * HOUR
}

fn of(entry: &Entry) -> Sums {
    let cost_nanos = entry.cost.map_or(0, |cost| cost.nanos);
    if entry.mirror.is_some() {
        return Sums {
            cost_nanos,
            ..Sums::default()
        };
    }
    let outcome = Outcome::of(entry);
    let one = |is: bool| i64::from(is);
    let tokens = entry.tokens.unwrap_or_default();
    let answered = entry.answered().is_some();
    Sums {
        requests: 1,
        recovered: one(outcome == Outcome::Recovered),
        refused: one(outcome == Outcome::Refused),
        failed: one(outcome == Outcome::Failed),
        incomplete: one(outcome == Outcome::Incomplete),
        input_tokens: count(tokens.input),
        cache_read_tokens: count(tokens.cache_read),
        cache_write_tokens: count(tokens.cache_write),
        output_tokens: count(tokens.output),
        reasoning_tokens: count(tokens.reasoning),
        lost_tokens: 0,
        cost_nanos,
        estimated: one(entry.cost.is_some_and(|cost| cost.estimated)),
        unpriced: one(answered && entry.cost.is_none()),
        duration_us: signed(entry.duration_us),
    }
}

/// Stores know no unsigned numbers; none of ours is near the end of the signed ones.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(tokens: Option<u64>) -> i64 {
    tokens.map_or(0, signed)
}

impl Sums {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    /// The names of the columns, in the order of [`Sums::values`].
    pub(crate) const COLUMNS: [&'static str; 15] = [
        "requests",
        "recovered",
        "refused",
        "failed",
        "incomplete",
        "input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
        "lost_tokens",
        "cost_nanos",
        "estimated",
        "unpriced",
        "duration_us",
    ];

    /// Every sum.
    pub(crate) fn values(&self) -> [i64; 15] {
        [
            self.requests,
            self.recovered,
            self.refused,
            self.failed,
            self.incomplete,
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.output_tokens,
            self.reasoning_tokens,
            self.lost_tokens,
            self.cost_nanos,
            self.estimated,
            self.unpriced,
            self.duration_us,
        ]
    }

    /// The sums of these values.
    pub(crate) fn from_values(values: [i64; 15]) -> Self {
        let [
            requests,
            recovered,
            refused,
            failed,
            incomplete,
            input_tokens,
            cache_read_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            lost_tokens,
            cost_nanos,
            estimated,
            unpriced,
            duration_us,
        ] = values;
        Self {
            requests,
            recovered,
            refused,
            failed,
            incomplete,
            input_tokens,
            cache_read_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            lost_tokens,
            cost_nanos,
            estimated,
            unpriced,
            duration_us,
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        let mut values = self.values();
        for (value, more) in values.iter_mut().zip(other.values()) {
            *value = value.saturating_add(more);
        }
        *self = Self::from_values(values);
    }
}

/// Rows of what is asked for, put together from sums by place.
#[derive(Debug, Default)]
pub(crate) struct Grouped(BTreeMap<Group, Sums>);

/// What a row is of, in the order of [`Usage`]'s fields.
type Group = (
    Option<i64>,
    Option<Name>,
    Option<Name>,
    Option<Name>,
    Option<Name>,
);

impl Grouped {
    /// Adds sums, if they are asked for.
    pub(crate) fn add(&mut self, ask: &UsageAsk, place: &Place, sums: Sums) {
        if !wanted(ask, place) {
            return;
        }
        let by = |by: By| ask.by.contains(&by);
        let start = if by(By::Hour) {
            Some(place.hour)
        } else {
            by(By::Day).then(|| place.hour.div_euclid(DAY) * DAY)
        };
        let group = (
            start,
            by(By::Team).then(|| place.team.clone()),
            by(By::Key).then(|| place.key.clone()),
            by(By::Provider).then(|| place.provider.clone()),
            by(By::Model).then(|| place.model.clone()),
        );
        *self.0.entry(group).or_default() += sums;
    }

    #[cfg(feature = "sqlite")]
    /// Adds rows that are put together already, in the same way.
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = Usage>) {
        for row in rows {
            let group = (row.start_unix_s, row.team, row.key, row.provider, row.model);
            *self.0.entry(group).or_default() += row.sums;
        }
    }

    /// The rows.
    pub(crate) fn rows(self) -> Vec<Usage> {
        let rows = self.0.into_iter().take(LARGEST_USAGE);
        rows.map(|((start_unix_s, team, key, provider, model), sums)| Usage {
            start_unix_s,
            team,
            key,
            provider,
            model,
            sums,
        })
        .collect()
    }
}

fn wanted(ask: &UsageAsk, place: &Place) -> bool {
    let is = |wanted: &Option<Name>, found: &Name| wanted.as_ref().is_none_or(|name| name == found);
    ask.scope.shows_key(&place.key)
        && ask
            .from_unix_s
            .is_none_or(|from| place.hour >= from.div_euclid(HOUR) * HOUR)
        && ask.to_unix_s.is_none_or(|to| place.hour < to)
        && is(&ask.team, &place.team)
        && is(&ask.key, &place.key)
        && is(&ask.provider, &place.provider)
        && is(&ask.model, &place.model)
}
