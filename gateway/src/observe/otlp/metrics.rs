//! What a scrape would get, as metrics of OTLP: cumulative, under the conventions' own names where they have one.
//!
//! Read off the text that Prometheus gets (source: OpenMetrics 1.0), so that nothing is counted twice and nobody can see two truths. The text is
//! our own, so that what cannot be read of it is left out.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

use super::attributes::attribute;
use super::names::{
    LABELS, METRICS, Names, TOKEN, TOKEN_TYPE, TOKEN_USAGE, TOKEN_USAGE_STABLE, TOKENS_LATEST,
};

/// Since when is counted, and when that was looked at, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) start: u64,
    pub(super) now: u64,
}

/// A family of series as the text has it.
#[derive(Debug, Default)]
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    help: &'a str,
    samples: Vec<Sample<'a>>,
}

/// A line with a value.
#[derive(Debug)]
struct Sample<'a> {
    /// What stands behind the family's name: `_total`, `_bucket`.
    suffix: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

/// The metrics of a text, by these names.
#[must_use]
pub(super) fn of_text(text: &str, names: Names, times: Times) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for family in families(text) {
        if family.name == TOKEN_USAGE {
            tokens(&family, names, times, &mut metrics);
        } else if let Some(data) = data(&family, times) {
            metrics.push(metric(&family, data));
        }
    }
    metrics
}

/// How many values there are in metrics.
#[must_use]
pub(super) fn points(metrics: &[Metric]) -> usize {
    let points = metrics.iter().map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(_) | Data::Summary(_)) | None => 0,
    });
    points.sum()
}

fn families(text: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        let told = line
            .strip_prefix("# ")
            .and_then(|line| line.split_once(' '))
            .and_then(|(what, rest)| Some((what, rest.split_once(' ')?)));
        if let Some((what, (name, said))) = told {
            if families.last().is_none_or(|family| family.name != name) {
                families.push(Family {
                    name,
                    ..Family::default()
                });
            }
            let Some(family) = families.last_mut() else {
                continue;
            };
            match what {
                "TYPE" => family.kind = said,
                "HELP" => family.help = said.trim_end_matches('.'),
                _ => {}
            }
        } else if let Some(family) = families.last_mut()
            && let Some(sample) = sample(line, family.name)
        {
            family.samples.push(sample);
        }
    }
    families
}

/// A line `name_suffix{label="value",..} 1.5 # exemplar`.
fn sample<'a>(line: &'a str, family: &str) -> Option<Sample<'a>> {
    let rest = line.strip_prefix(family)?;
    let (suffix, labels, value) = match rest.split_once('{') {
        Some((suffix, rest)) => {
            let (labels, rest) = labels(rest)?;
            (suffix, labels, rest)
        }
        None => {
            let (suffix, value) = rest.split_once(' ')?;
            (suffix, Vec::new(), value)
        }
    };
    let value = value.split_whitespace().next()?;
    Some(Sample {
        suffix,
        labels,
        value: value.parse().ok()?,
    })
}

/// Labels up to the brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    letter => value.push(letter),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.push((name, value));
        rest = quoted.get(end + 1..)?;
    }
}

fn metric(family: &Family<'_>, data: Data) -> Metric {
    let known = METRICS.iter().find(|(text, ..)| *text == family.name);
    let (name, unit) = match known {
        Some((_, name, unit)) => (*name, *unit),
        None => match family.name.strip_suffix("_seconds") {
            Some(name) => (name, "s"),
            None => (family.name, ""),
        },
    };
    Metric {
        name: name.to_owned(),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn data(family: &Family<'_>, times: Times) -> Option<Data> {
    match family.kind {
        "counter" => {
            let totals = family.samples.iter();
            let totals = totals.filter(|sample| sample.suffix == "_total");
            Some(sum(totals.map(|one| point(one, times, true)).collect()))
        }
        "gauge" => Some(Data::Gauge(Gauge {
            data_points: (family.samples.iter())
                .map(|one| point(one, times, false))
                .collect(),
        })),
        "histogram" => Some(histogram(distributions(family), times)),
        _ => None,
    }
    .filter(|data| !is_empty(data))
}

fn is_empty(data: &Data) -> bool {
    match data {
        Data::Gauge(gauge) => gauge.data_points.is_empty(),
        Data::Sum(sum) => sum.data_points.is_empty(),
        Data::Histogram(histogram) => histogram.data_points.is_empty(),
        Data::ExponentialHistogram(_) | Data::Summary(_) => true,
    }
}

fn sum(data_points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum {
        data_points,
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    })
}

fn point(sample: &Sample<'_>, times: Times, counted: bool) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&sample.labels),
        start_time_unix_nano: if counted { times.start } else { 0 },
        time_unix_nano: times.now,
        value: Some(Number::AsDouble(sample.value)),
        ..NumberDataPoint::default()
    }
}

fn attributes(labels: &[(&str, String)]) -> Vec<KeyValue> {
    let told = labels.iter().filter(|(_, value)| !value.is_empty());
    told.map(|(label, value)| {
        let known = LABELS.iter().find(|(text, _)| text == label);
        let name = known.map_or(*label, |(_, name)| name);
        attribute(name, Value::StringValue(value.clone()))
    })
    .collect()
}

/// A histogram's series: what is below each bound, all of them together, and their sum.
#[derive(Debug, Default)]
struct Distribution {
    buckets: Vec<(f64, f64)>,
    count: f64,
    sum: f64,
}

type Distributions<'a> = BTreeMap<Vec<(&'a str, String)>, Distribution>;

fn distributions<'a>(family: &Family<'a>) -> Distributions<'a> {
    let mut series = Distributions::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels
            .iter()
            .position(|(label, _)| *label == "le")
            .map(|at| labels.remove(at).1);
        let one = series.entry(labels).or_default();
        match (sample.suffix, bound) {
            ("_bucket", Some(bound)) => {
                let bound = bound.parse().unwrap_or(f64::INFINITY);
                one.buckets.push((bound, sample.value));
            }
            ("_count", _) => one.count = sample.value,
            ("_sum", _) => one.sum = sample.value,
            _ => {}
        }
    }
    series
}

fn histogram(series: Distributions<'_>, times: Times) -> Data {
    let points = series.into_iter().map(|(labels, mut one)| {
        one.buckets
            .sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let bounds = one.buckets.iter().map(|(bound, _)| *bound);
        // The text has the sums up to each bound, OTLP what is between two.
        let mut below = 0.0;
        let between = one.buckets.iter().map(|(_, up_to)| {
            let count = whole(up_to - below);
            below = *up_to;
            count
        });
        let bucket_counts = between.collect();
        HistogramDataPoint {
            attributes: attributes(&labels),
            start_time_unix_nano: times.start,
            time_unix_nano: times.now,
            count: whole(one.count),
            sum: Some(one.sum),
            bucket_counts,
            explicit_bounds: bounds.filter(|bound| bound.is_finite()).collect(),
            ..HistogramDataPoint::default()
        }
    });
    Data::Histogram(Histogram {
        data_points: points.collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    })
}

/// A count as the text has it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole, and not below zero"
)]
fn whole(count: f64) -> u64 {
    count.max(0.0) as u64
}

/// The tokens: a histogram with a label for their kind in v1.41, a counter and a histogram for each kind in the latest conventions.
fn tokens(family: &Family<'_>, names: Names, times: Times, metrics: &mut Vec<Metric>) {
    let named = |name: &str, data: Data| Metric {
        name: name.to_owned(),
        unit: TOKEN.to_owned(),
        ..metric(family, data)
    };
    let series = distributions(family);
    if series.is_empty() {
        return;
    }
    if names.has_latest() {
        for (kind, counter, sizes) in TOKENS_LATEST {
            let of_kind = series.iter().filter_map(|(labels, one)| {
                let at = labels.iter().position(|(label, _)| *label == TOKEN_TYPE)?;
                let mut labels = labels.clone();
                (labels.remove(at).1 == kind).then(|| {
                    let same = Distribution {
                        buckets: one.buckets.clone(),
                        ..*one
                    };
                    (labels, same)
                })
            });
            let of_kind: Distributions<'_> = of_kind.collect();
            let totals = of_kind.iter().map(|(labels, one)| NumberDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: times.start,
                time_unix_nano: times.now,
                value: Some(Number::AsDouble(one.sum)),
                ..NumberDataPoint::default()
            });
            metrics.push(named(counter, sum(totals.collect())));
            metrics.push(named(sizes, histogram(of_kind, times)));
        }
    }
    if names.has_stable() {
        metrics.push(named(TOKEN_USAGE_STABLE, histogram(series, times)));
    }
}

#[cfg(test)]
mod tests;
