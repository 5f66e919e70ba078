//! How limits stand, for whoever may know it: the holder of a key, and the operator.

use fairlead_snapshot::Unit;
use fairlead_store::{Shape, Unavailable};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Governor;
use super::bound::{Bound, Measure};
use super::instant::instant;
use super::usd::Usd;

/// How one limit stands, over all replicas.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// `organization`, `team`, `key` or `provider`.
    pub level: &'static str,
    /// `namespace/name`.
    pub holder: Box<str>,
    /// The limit's name.
    pub name: Box<str>,
    /// `budget`, `rate_limit` or `concurrency`.
    pub kind: &'static str,
    /// `usd`, `requests`, `tokens`, `input_tokens` or `output_tokens`.
    pub unit: &'static str,
    /// How much there is.
    pub limit: Box<RawValue>,
    /// How much is used.
    pub used: Box<RawValue>,
    /// How much is left.
    pub remaining: Box<RawValue>,
    /// The window of a budget, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// The interval of a rate, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_seconds: Option<f64>,
}

/// From when to when.
#[derive(Debug, Serialize)]
pub(crate) struct Span {
    /// The first moment in it.
    pub start: String,
    /// The first moment after it.
    pub end: String,
}

impl Governor {
    /// How these limits stand, over all replicas. Those of end users are not told: only their own user could be.
    ///
    /// # Errors
    /// The store cannot be reached, or does not say how one of them stands.
    pub(crate) async fn report(
        &self,
        bounds: impl Iterator<Item = &Bound>,
    ) -> Result<Vec<Line>, Unavailable> {
        let lines = self.report_each(bounds).await?.into_iter();
        lines.map(|(_, line)| line.ok_or(Unavailable)).collect()
    }

    /// The same, of each with whose it is; `None` in the place of one that could not be read.
    ///
    /// # Errors
    /// The store cannot be reached, or nothing of it be read.
    pub(crate) async fn report_each<'b>(
        &self,
        bounds: impl Iterator<Item = &'b Bound>,
    ) -> Result<Vec<(&'b Bound, Option<Line>)>, Unavailable> {
        let now = self.now();
        let bounds: Vec<&'b Bound> = bounds.filter(|bound| !bound.is_per_user()).collect();
        let asked: Vec<_> = bounds
            .iter()
            .map(|bound| {
                let terms = bound.terms(now);
                (bound.id(), bound.shape(), terms.window, terms.limit)
            })
            .collect();
        let standings = self.counters.read(&asked).await?;
        if !standings.is_empty() && standings.iter().all(Result::is_err) {
            return Err(Unavailable);
        }
        let lines = bounds.iter().zip(&asked).zip(standings);
        Ok(lines
            .map(|((bound, (_, shape, window, limit)), standing)| {
                let Ok(standing) = standing else {
                    return (*bound, None);
                };
                // Places that are taken are leased, and nothing of them is ever spent.
                let used = standing.map_or(0, |standing| match shape {
                    Shape::Slots => standing.leased,
                    Shape::Budget | Shape::Rate { .. } => standing.used,
                });
                let window = window.map(|window| (window.start, window.end));
                (*bound, Some(line(bound, *limit, used, window)))
            })
            .collect())
    }
}

/// What kind of limit it is, and what it counts, as they are told.
#[must_use]
pub(crate) fn kind_and_unit(bound: &Bound) -> (&'static str, &'static str) {
    match &bound.measure {
        Measure::Money(_) => ("budget", "usd"),
        Measure::Rate(rate) => ("rate_limit", name(rate.unit)),
        Measure::Places(_) => ("concurrency", "requests"),
    }
}

fn line(bound: &Bound, limit: i64, used: i64, window: Option<(i64, i64)>) -> Line {
    let (kind, unit) = kind_and_unit(bound);
    let amount = |amount: i64| {
        let text = match &bound.measure {
            Measure::Money(_) => Usd(amount).to_string(),
            Measure::Rate(_) | Measure::Places(_) => amount.to_string(),
        };
        RawValue::from_string(text).unwrap_or_default()
    };
    let per_seconds = match &bound.measure {
        Measure::Rate(rate) => Some(std::time::Duration::from_millis(rate.per_ms).as_secs_f64()),
        Measure::Money(_) | Measure::Places(_) => None,
    };
    Line {
        level: bound.holder.level.as_str(),
        holder: (&*bound.holder.name).into(),
        name: (&*bound.name).into(),
        kind,
        unit,
        limit: amount(limit),
        used: amount(used),
        remaining: amount(limit.saturating_sub(used).max(0)),
        window: window.map(|(start, end)| Span {
            start: instant(start),
            end: instant(end),
        }),
        per_seconds,
    }
}

/// A unit as it is told.
#[must_use]
pub(crate) fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Requests => "requests",
        Unit::Tokens => "tokens",
        Unit::InputTokens => "input_tokens",
        Unit::OutputTokens => "output_tokens",
    }
}
