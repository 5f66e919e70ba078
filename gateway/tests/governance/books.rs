//! Access lines beside the ledgers of providers.

use std::collections::HashMap;

use serde_json::Value;

use crate::vendor::{Entry, Vendor};

/// What an access line says of money.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The trace.
    pub(crate) trace: String,
    /// What it cost, in nano-USD; 0 where nothing was sent.
    pub(crate) nanos: i64,
    /// Whether some of that is an estimate.
    pub(crate) estimated: bool,
    /// Whether anything was asked of a provider, and of more than one.
    pub(crate) attempts: usize,
    /// When it began and ended, in milliseconds since 1970.
    pub(crate) began: f64,
    pub(crate) ended: f64,
    /// How many tokens were used, as far as that was told.
    pub(crate) tokens: u64,
    /// All of it.
    pub(crate) text: String,
}

/// USD as a JSON number to nano-USD: exact below nine million.
#[expect(
    clippy::cast_possible_truncation,
    reason = "amounts are far below 2^53 nano-USD"
)]
pub(crate) fn nanos(usd: f64) -> i64 {
    (usd * 1e9).round() as i64
}

impl Line {
    /// Of a parsed line.
    pub(crate) fn of(line: &Value) -> Self {
        let attempts = line["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        let sent = attempts.iter().filter(|one| one["outcome"] != "limited");
        let tokens = |value: &Value| value.as_u64().unwrap_or(0);
        let lost: u64 = attempts
            .iter()
            .map(|one| tokens(&one["lost_input_tokens"]))
            .sum();
        let ended = line["time_unix_ms"].as_f64().unwrap_or(0.0);
        Self {
            attempts: sent.count(),
            began: ended - line["duration_ms"].as_f64().unwrap_or(0.0),
            ended,
            tokens: tokens(&line["gen_ai.usage.input_tokens"])
                + tokens(&line["gen_ai.usage.output_tokens"])
                + lost,
            trace: line["trace_id"].as_str().unwrap_or_default().to_owned(),
            nanos: line["cost_usd"].as_f64().map_or(0, nanos),
            estimated: line["cost_estimated"] == true,
            text: line.to_string(),
        }
    }
}

/// What came of comparing lines with ledgers.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// How many lines there were that are no estimates.
    pub(crate) exact: usize,
    /// How many of these say something else than the ledgers.
    pub(crate) wrong: Vec<String>,
    /// How many had several attempts.
    pub(crate) several: usize,
    /// How many lines are marked as estimates.
    pub(crate) estimated: usize,
    /// What these say, and what the ledgers do, where the provider was heard to the end or ended it.
    pub(crate) estimate: (i64, i64),
}

/// Compares the lines of requests with what the providers have billed for them.
pub(crate) fn compare(lines: &[Line], vendors: &[Vendor]) -> Comparison {
    let mut billed: HashMap<String, Vec<Entry>> = HashMap::new();
    for entry in vendors.iter().flat_map(Vendor::ledger) {
        billed.entry(entry.trace.clone()).or_default().push(entry);
    }
    let mut found = Comparison::default();
    for line in lines.iter().filter(|line| line.attempts > 0) {
        found.several += usize::from(line.attempts > 1);
        let entries = billed.get(&line.trace).map_or(&[][..], Vec::as_slice);
        let sum: i64 = entries.iter().map(|entry| entry.nanos).sum();
        if line.estimated {
            found.estimated += 1;
            // What becomes of an answer that nobody waits for is not told to anybody.
            if entries.iter().all(|entry| !entry.left) {
                found.estimate.0 += line.nanos;
                found.estimate.1 += sum;
            }
        } else {
            found.exact += 1;
            if sum != line.nanos {
                found
                    .wrong
                    .push(format!("{sum} billed: {} {entries:?}", line.text));
            }
        }
    }
    found
}

impl Comparison {
    /// No line that is no estimate says anything else than the ledgers; and there were estimates, and requests of several attempts.
    pub(crate) fn holds(&self) {
        let some = &self.wrong[..self.wrong.len().min(3)];
        assert!(
            some.is_empty(),
            "{} of {} are wrong: {some:#?}",
            self.wrong.len(),
            self.exact
        );
        assert!(self.several > 0 && self.estimated > 0, "{self:?}");
    }
}
