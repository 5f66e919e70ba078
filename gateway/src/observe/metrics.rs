//! Metrics in Prometheus form, named after OpenTelemetry's GenAI conventions (source: the `opentelemetry-semantic-conventions` registry,
//! `gen_ai.server.*` and `gen_ai.client.token.usage`, dots as underscores and the unit as a suffix).

mod audit;
mod conventions;
mod judged;
mod limits;
mod lines;
mod mirrors;
mod resilience;
mod rules;
mod series;
mod spend;

use std::collections::HashSet;
use std::sync::Arc;

use fairlead_snapshot::{Charge, ObjectName};
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::decisions::Decisions;
use crate::govern::Governor;
use crate::govern::bound::Bound;
use crate::judges::Judges;
use crate::observe::content::{self, Contents};
use crate::observe::otlp;
use crate::observe::record::{Attempt, Entry};
use crate::observe::requests::Requests;
use crate::observe::requests::metrics::Stands;
use crate::surface::Operation;
use crate::upstream::Upstream;
use conventions::Conventions;
use judged::Judgements;
use limits::Limits;
use lines::LogLines;
use mirrors::Mirrors;
use resilience::Resilience;
use rules::Rules;
use series::{AllSeries, Labels, Series};
use spend::Spend;

/// Bucket boundaries the conventions give for durations, in seconds.
const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Bucket boundaries the conventions give for times to the first token, in seconds.
const FIRST_TOKEN: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Names that were configured once stay; beyond this many the label says `_other`, as for every name that callers make up: each would cost
/// everyone who scrapes.
const MAX_MODELS: usize = 1000;

/// The registry and what is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    conventions: Conventions,
    resilience: Resilience,
    rules: Rules,
    judged: Judgements,
    spend: Spend,
    series: AllSeries,
    limits: Limits,
    rejections: Family<RejectionLabels, Counter>,
    hedges: Family<HedgeLabels, Counter>,
    /// Copies of requests.
    pub mirrors: Mirrors,
    models: RwLock<HashSet<Arc<str>>>,
    other: Arc<str>,
    /// Access lines that found the queue full.
    pub access_lines_dropped: Counter,
    /// What is exported by OTLP, and what is not.
    pub otlp: otlp::Counts,
    /// Finished requests that found the recorder's queue full, and of which nobody was told.
    pub records_dropped: Counter,
    /// The generation of the configuration in force.
    pub config_generation: Gauge,
    /// 1 while the configuration in force is the copy from before a restart.
    pub config_from_last_good: Gauge,
    /// Objects that are not accepted, or name something they cannot have.
    pub config_objects_not_ok: Gauge,
    /// Reads of the configuration in which a file could not be parsed.
    pub config_failures: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HedgeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectionLabels {
    code: &'static str,
}

fn histogram(buckets: &[f64]) -> Histogram {
    Histogram::new(buckets.iter().copied())
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            conventions: Conventions::default(),
            resilience: Resilience::default(),
            rules: Rules::default(),
            judged: Judgements::default(),
            spend: Spend::default(),
            series: AllSeries::default(),
            limits: Limits::default(),
            rejections: Family::default(),
            hedges: Family::default(),
            mirrors: Mirrors::default(),
            models: RwLock::default(),
            other: "_other".into(),
            access_lines_dropped: Counter::default(),
            otlp: otlp::Counts::default(),
            records_dropped: Counter::default(),
            config_generation: Gauge::default(),
            config_from_last_good: Gauge::default(),
            config_objects_not_ok: Gauge::default(),
            config_failures: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Shows how the store of finished requests stands, and what the audit and the log leave out.
    pub(crate) fn show(&mut self, requests: &Arc<Requests>, decisions: &Arc<Decisions>) {
        let stands = Stands(Arc::clone(requests));
        self.registry.register_collector(Box::new(stands));
        self.registry.register(
            "fairlead_audit_lost",
            "Lines of the audit that are not in its file, though there is one",
            decisions.lost().clone(),
        );
        let copy = audit::Copy(Arc::clone(decisions));
        self.registry.register_collector(Box::new(copy));
        self.registry.register_collector(Box::new(LogLines));
    }

    /// Shows how content is kept.
    pub(crate) fn show_contents(&mut self, contents: &Contents) {
        content::metrics::register(&mut self.registry, contents);
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        self.conventions.register(registry);
        self.resilience.register(registry);
        self.rules.register(registry);
        self.judged.register(registry);
        self.spend.register(registry);
        self.mirrors.register(registry);
        self.otlp.register(registry);
        registry.register(
            "fairlead_rejections",
            "Requests that were answered with an error, by code",
            self.rejections.clone(),
        );
        registry.register(
            "fairlead_hedges",
            "Second attempts beside a silent first one, by what became of them",
            self.hedges.clone(),
        );
        self.register_own();
    }

    /// How the gateway itself does.
    fn register_own(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "fairlead_access_lines_dropped",
            "Access lines dropped because the queue was full",
            self.access_lines_dropped.clone(),
        );
        registry.register(
            "fairlead_records_dropped",
            "Finished requests of which no log, trace or store was told because the queue before all of them was full",
            self.records_dropped.clone(),
        );
        registry.register(
            "fairlead_config_generation",
            "The generation of the configuration in force: the published index's, or standalone counted from the start of the process",
            self.config_generation.clone(),
        );
        registry.register(
            "fairlead_config_from_last_good",
            "1 while the configuration in force is the copy from before a restart",
            self.config_from_last_good.clone(),
        );
        registry.register(
            "fairlead_config_objects_not_ok",
            "Objects that are not accepted or name something they cannot have",
            self.config_objects_not_ok.clone(),
        );
        registry.register(
            "fairlead_config_failures",
            "Reads of the configuration in which something could not be read",
            self.config_failures.clone(),
        );
    }

    /// The text that Prometheus scrapes (OpenMetrics 1.0), with how the providers and the limits of what is in force stand just now.
    #[must_use]
    pub(crate) fn render<'a>(
        &self,
        upstreams: &[Arc<Upstream>],
        judges: &Judges,
        condition_errors: impl Iterator<Item = (&'a ObjectName, u64)>,
        (governor, holders): (&Governor, &[Arc<[Bound]>]),
    ) -> String {
        self.resilience.read(upstreams);
        self.rules.read(condition_errors);
        self.judged.read(upstreams, judges);
        let mut text = self.limits.render(governor, holders).to_string();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    pub(crate) fn finished(&self, entry: &Entry) {
        if let Some(code) = entry.error {
            self.rejections
                .get_or_create(&RejectionLabels { code })
                .inc();
        }
        self.resilience.finished(&entry.attempts);
        let Some(operation) = entry.operation else {
            return;
        };
        let last = entry.asked_last();
        let series = self.series(entry, operation, last);
        self.spend.finished(entry, &series);
        if last.is_some() {
            self.conventions.finished(entry, &series);
        }
    }

    /// What a request is counted in, by who answered it or was asked last.
    fn series(&self, entry: &Entry, operation: Operation, last: Option<&Attempt>) -> Arc<Series> {
        self.series.of(&Labels {
            operation: operation.name(),
            system: last
                .and_then(|attempt| attempt.system.as_deref())
                .unwrap_or_default(),
            provider: last
                .and_then(|attempt| attempt.provider.as_deref())
                .unwrap_or_default(),
            model: &self.model(entry.model.as_deref().unwrap_or_default(), entry.configured),
            team: &self.spend.team(entry.team.as_ref()),
            error: entry.error.unwrap_or_default(),
        })
    }

    /// Counts a copy of a request whose original is over, too. Only where it counts towards its caller's limits it is the caller's spending.
    pub(crate) fn copied(&self, entry: &Entry) {
        let Some(mirrored) = &entry.mirrored else {
            return;
        };
        self.mirrors.finished(entry, mirrored);
        if mirrored.mirror.charge == Charge::Caller
            && let (Some(attempt), Some(operation)) = (entry.asked_last(), entry.operation)
        {
            let series = self.series(entry, operation, Some(attempt));
            self.spend.cost(entry, &series);
        }
    }

    /// Counts a second attempt that `won`, `lost` or `failed`.
    pub(crate) fn hedged(&self, outcome: &'static str) {
        self.hedges.get_or_create(&HedgeLabels { outcome }).inc();
    }

    /// The label of a model name: one that stands in the configuration has its own, as long as there are at most [`MAX_MODELS`]; what callers
    /// make up has one together.
    fn model(&self, name: &str, configured: bool) -> Arc<str> {
        if !configured {
            return Arc::clone(&self.other);
        }
        if let Some(known) = self.models.read().get(name) {
            return Arc::clone(known);
        }
        let mut models = self.models.write();
        if models.len() >= MAX_MODELS {
            return Arc::clone(&self.other);
        }
        let name: Arc<str> = name.into();
        models.insert(Arc::clone(&name));
        name
    }
}

fn provider_of(attempt: &Attempt) -> Arc<str> {
    attempt.provider.clone().unwrap_or_else(|| "".into())
}

#[cfg(test)]
mod tests;
