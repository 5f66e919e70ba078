//! What `/metrics` says: OpenMetrics text to samples (source: OpenMetrics 1.0, "ABNF"), and sums over them.

use std::collections::BTreeMap;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    /// A label's value; empty if it is not there.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Every sample of a text. A line that cannot be read is passed by: newer gateways may say more.
pub(crate) fn parse(text: &str) -> Vec<Sample> {
    text.lines().filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = read_labels(inner, &mut labels)?;
    }
    // What follows the value is a time or an exemplar.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// Reads `name="value",..}`; what comes behind.
fn read_labels<'t>(mut text: &'t str, labels: &mut BTreeMap<String, String>) -> Option<&'t str> {
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some(rest);
        }
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, char) => value.push(char),
            }
        };
        labels.insert(name.to_owned(), value);
        text = rest.get(end + 1..)?;
    }
}

/// A histogram: how many were at most so much, by the upper bounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    /// Adds a bucket; those of the same bound count together.
    pub(crate) fn add(&mut self, bound: &str, count: f64) {
        let Ok(bound) = bound.parse::<f64>() else {
            return;
        };
        match self
            .buckets
            .iter_mut()
            .find(|(known, _)| (known - bound).abs() < f64::EPSILON || *known == bound)
        {
            Some((_, known)) => *known += count,
            None => self.buckets.push((bound, count)),
        }
    }

    /// The value below which this part of all lies, between the bounds of a bucket by straight lines as Prometheus' `histogram_quantile` has it.
    /// `None`: there is nothing.
    pub(crate) fn quantile(&self, part: f64) -> Option<f64> {
        let mut buckets = self.buckets.clone();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        let all = buckets.last()?.1;
        if all <= 0.0 {
            return None;
        }
        let rank = all * part;
        let (mut lower, mut before) = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= rank {
                // Beyond the last bound nothing is known but that.
                if bound.is_infinite() {
                    return Some(lower);
                }
                let within = count - before;
                let share = if within > 0.0 {
                    (rank - before) / within
                } else {
                    1.0
                };
                return Some(lower + (bound - lower) * share);
            }
            (lower, before) = (bound, count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_labels_exemplars_and_without() {
        let text = "# TYPE a counter\na_total 3\nb{x=\"1\",y=\"q\\\"\\\\\\n}\"} 0.5 # {trace_id=\"f\"} 1\nc{} +Inf\nbroken\n# EOF\n";
        let found = parse(text);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].name.as_str(), found[0].value), ("a_total", 3.0));
        assert_eq!(found[1].label("y"), "q\"\\\n}");
        assert!((found[1].value - 0.5).abs() < 1e-9 && found[2].value.is_infinite());
    }

    #[test]
    fn a_quantile_lies_between_the_bounds_of_its_bucket() {
        let mut histogram = Histogram::default();
        // Two replicas.
        for _ in 0..2 {
            for (bound, count) in [("0.1", 5.0), ("1.0", 9.0), ("+Inf", 10.0)] {
                histogram.add(bound, count);
            }
        }
        let half = histogram.quantile(0.5).unwrap();
        assert!((half - 0.1).abs() < 1e-9, "{half}");
        let most = histogram.quantile(0.7).unwrap();
        assert!((most - 0.55).abs() < 1e-9, "{most}");
        // It lies beyond the last bound.
        assert_eq!(histogram.quantile(0.99), Some(1.0));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
