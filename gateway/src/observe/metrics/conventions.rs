//! What OpenTelemetry's conventions name: how long requests take, and how many tokens they are.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::series::{Kept, Series};
use super::{FIRST_TOKEN, SECONDS, histogram, provider_of};
use crate::observe::record::Entry;

/// Bucket boundaries the conventions give for times per token of the output, in seconds.
const PER_TOKEN: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];
/// Bucket boundaries the conventions give for token counts.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Histograms of requests of which anybody was asked.
#[derive(Debug)]
pub(super) struct Conventions {
    duration: Family<RequestLabels, Traced>,
    first_token: Family<RequestLabels, Traced>,
    per_token: Family<RequestLabels, Traced>,
    tokens: Family<TokenLabels, Histogram>,
}

/// A histogram whose buckets name a trace each, of one that is kept.
pub(super) type Traced = HistogramWithExemplars<TraceLabels>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TraceLabels {
    trace_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: Arc<str>,
    gen_ai_request_model: Arc<str>,
    fairlead_provider: Arc<str>,
    error_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: Arc<str>,
    gen_ai_request_model: Arc<str>,
    fairlead_provider: Arc<str>,
    gen_ai_token_type: &'static str,
}

fn traced(buckets: &[f64]) -> Traced {
    HistogramWithExemplars::new(buckets.iter().copied())
}

impl Default for Conventions {
    fn default() -> Self {
        Self {
            duration: Family::new_with_constructor(|| traced(&SECONDS)),
            first_token: Family::new_with_constructor(|| traced(&FIRST_TOKEN)),
            per_token: Family::new_with_constructor(|| traced(&PER_TOKEN)),
            tokens: Family::new_with_constructor(|| histogram(&TOKENS)),
        }
    }
}

impl Conventions {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "gen_ai_server_request_duration",
            "From the head of a request to the end of its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_to_first_token",
            "From the head of a request to the first content of its answer",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_per_output_token",
            "Of a stream that is whole, how long each token of its output took after the first",
            Unit::Seconds,
            self.per_token.clone(),
        );
        registry.register(
            "gen_ai_client_token_usage",
            "Tokens of a request, as the provider counted them",
            self.tokens.clone(),
        );
    }

    /// Counts a finished request, of which somebody was asked.
    pub(super) fn finished(&self, entry: &Entry, series: &Series) {
        self.took(entry, series);
        self.used(entry, series);
    }

    fn took(&self, entry: &Entry, series: &Series) {
        let trace = entry.trace.as_ref();
        // One that is not exported leads nowhere.
        let trace = trace.filter(|trace| trace.sampled && trace.span != [0; 8]);
        let note = |family: &Family<RequestLabels, Traced>,
                    histogram: &OnceLock<Traced>,
                    time: Duration| {
            let exemplar = trace.map(|trace| TraceLabels {
                trace_id: trace.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            });
            let made = || family.get_or_create_owned(&RequestLabels::of(&series.labels));
            let histogram = histogram.get_or_init(made);
            histogram.observe(time.as_secs_f64(), exemplar, None);
        };
        note(&self.duration, &series.duration, entry.duration);
        let Some(first) = entry.first_token.filter(|_| entry.stream) else {
            return;
        };
        note(&self.first_token, &series.first_token, first);
        let written = entry.usage.and_then(|usage| usage.output_tokens);
        let after_first = written.unwrap_or(0).saturating_sub(1);
        if let Ok(after_first @ 1..) = u32::try_from(after_first)
            && entry.complete
        {
            let writing = entry.duration.saturating_sub(first);
            note(&self.per_token, &series.per_token, writing / after_first);
        }
    }

    fn used(&self, entry: &Entry, series: &Series) {
        let Some(usage) = &entry.usage else { return };
        for (kind, histogram, count) in [
            ("input", &series.input, usage.input_tokens),
            ("output", &series.output, usage.output_tokens),
        ] {
            let Some(tokens) = count else { continue };
            let made = || {
                let labels = TokenLabels::of(&series.labels, kind);
                self.tokens.get_or_create_owned(&labels)
            };
            histogram.get_or_init(made).observe(shown(tokens));
        }
        for attempt in entry.attempts.iter().filter(|attempt| attempt.hedged) {
            let Some(tokens) = entry.lost_input_tokens(attempt) else {
                continue;
            };
            let labels = TokenLabels {
                gen_ai_provider_name: attempt.system.clone().unwrap_or_default(),
                fairlead_provider: provider_of(attempt),
                ..TokenLabels::of(&series.labels, "input")
            };
            self.tokens.get_or_create(&labels).observe(shown(tokens));
        }
    }
}

/// Token counts beyond 2^32 do not happen; they would be shown as that.
fn shown(tokens: u64) -> f64 {
    f64::from(u32::try_from(tokens).unwrap_or(u32::MAX))
}

impl RequestLabels {
    fn of(labels: &Kept) -> Self {
        Self {
            gen_ai_operation_name: labels.operation,
            gen_ai_provider_name: Arc::clone(&labels.system),
            gen_ai_request_model: Arc::clone(&labels.model),
            fairlead_provider: Arc::clone(&labels.provider),
            error_type: labels.error,
        }
    }
}

impl TokenLabels {
    fn of(labels: &Kept, kind: &'static str) -> Self {
        Self {
            gen_ai_operation_name: labels.operation,
            gen_ai_provider_name: Arc::clone(&labels.system),
            gen_ai_request_model: Arc::clone(&labels.model),
            fairlead_provider: Arc::clone(&labels.provider),
            gen_ai_token_type: kind,
        }
    }
}
