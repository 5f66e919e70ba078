//! What the operator counts, as `/metrics` shows it.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Labels of the gauge of objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
pub(crate) struct ObjectLabels {
    /// The kind.
    pub kind: String,
    /// The condition's type.
    pub condition: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

/// Labels of what is counted per step of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StepLabels {
    /// The step.
    pub step: String,
}

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// 1 on the replica that writes.
    pub leader: Gauge,
    /// The generation of the live index.
    pub generation: Gauge,
    /// How long a rebuild takes, from gathering to the published index.
    pub rebuild_seconds: Histogram,
    /// Rebuilds that failed, by step.
    pub rebuild_failures: Family<StepLabels, Counter>,
    /// Shards written.
    pub shards_written: Counter,
    /// Shards that the live index does not name, kept for gateways that are behind.
    pub shards_unread: Gauge,
    /// The same of credentials.
    pub credentials_unread: Gauge,
    /// Shards deleted because nobody reads them any more.
    pub shards_deleted: Counter,
    /// Status updates written.
    pub status_writes: Counter,
    /// Status updates that failed and are tried again.
    pub status_failures: Counter,
    /// Times that no gateway said how limits stand.
    pub usage_failures: Counter,
    /// Watches that failed and went on.
    pub watch_failures: Counter,
    /// Objects by kind and condition.
    pub objects: Family<ObjectLabels, Gauge>,
    /// 1 while nothing is published because what is published cannot be read.
    pub held: Gauge,
    /// Entries that nobody may use because some gateway does not know what they restrict.
    pub entries_closed: Gauge,
    /// Ready gateways.
    pub replicas: Gauge,
    /// Ready gateways that enforce the live index.
    pub replicas_current: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            leader: Gauge::default(),
            generation: Gauge::default(),
            // 5 ms to 20 s.
            rebuild_seconds: Histogram::new(exponential_buckets(0.005, 2.0, 13)),
            rebuild_failures: Family::default(),
            shards_written: Counter::default(),
            shards_unread: Gauge::default(),
            credentials_unread: Gauge::default(),
            shards_deleted: Counter::default(),
            status_writes: Counter::default(),
            status_failures: Counter::default(),
            usage_failures: Counter::default(),
            watch_failures: Counter::default(),
            objects: Family::default(),
            held: Gauge::default(),
            entries_closed: Gauge::default(),
            replicas: Gauge::default(),
            replicas_current: Gauge::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let mut registry = Registry::with_prefix("fairlead_operator");
        let gauges = [
            ("leader", "1 on the replica that writes", &self.leader),
            (
                "index_generation",
                "The generation of the live index",
                &self.generation,
            ),
            (
                "gateway_replicas",
                "Ready gateways, on the leader",
                &self.replicas,
            ),
            (
                "gateway_replicas_current",
                "Ready gateways that enforce the live index, on the leader",
                &self.replicas_current,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let counters = [
            ("shards_written", "Shards written", &self.shards_written),
            (
                "shards_deleted",
                "Shards deleted because nobody reads them any more",
                &self.shards_deleted,
            ),
            (
                "status_writes",
                "Status updates written",
                &self.status_writes,
            ),
            (
                "status_failures",
                "Status updates that failed and are tried again",
                &self.status_failures,
            ),
            (
                "usage_failures",
                "Times that no gateway said how limits stand",
                &self.usage_failures,
            ),
            (
                "watch_failures",
                "Watches that failed and went on",
                &self.watch_failures,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        self.register_formats(&mut registry);
        self.register_unread(&mut registry);
        self.register_rebuilds(&mut registry);
        self.registry = registry;
        self
    }

    fn register_unread(&self, registry: &mut Registry) {
        registry.register(
            "shards_unread",
            "Shards kept only for gateways that are behind, on the leader",
            self.shards_unread.clone(),
        );
        registry.register(
            "credentials_unread",
            "Credentials kept only for gateways that are behind, on the leader",
            self.credentials_unread.clone(),
        );
    }

    fn register_formats(&self, registry: &mut Registry) {
        registry.register(
            "held",
            "1 while nothing is published because what is published cannot be read",
            self.held.clone(),
        );
        registry.register(
            "entries_closed",
            "Entries that nobody may use because some gateway does not know what they restrict, on the leader",
            self.entries_closed.clone(),
        );
    }

    fn register_rebuilds(&self, registry: &mut Registry) {
        registry.register(
            "rebuild_seconds",
            "How long a rebuild takes, from gathering to the published index",
            self.rebuild_seconds.clone(),
        );
        registry.register(
            "rebuild_failures",
            "Rebuilds that failed, by step",
            self.rebuild_failures.clone(),
        );
        registry.register(
            "objects",
            "Objects by kind and condition, on the leader",
            self.objects.clone(),
        );
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_shown() {
        let metrics = Metrics::default();
        metrics.generation.set(7);
        // A family shows nothing before its first member.
        let step = StepLabels {
            step: "apply".to_owned(),
        };
        metrics.rebuild_failures.get_or_create(&step).inc();
        let labels = ObjectLabels {
            kind: "Team".to_owned(),
            condition: "Accepted".to_owned(),
            status: "True".to_owned(),
        };
        metrics.objects.get_or_create(&labels).set(1);
        let text = metrics.render();
        assert!(
            text.contains("fairlead_operator_index_generation 7"),
            "{text}"
        );
        assert_eq!(text.matches("# HELP").count(), 17);
    }
}
