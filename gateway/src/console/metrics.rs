//! What the console tells Prometheus of itself.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Its metrics.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Tokens that were shown to the API server.
    pub(super) reviews: Counter,
    /// Questions what somebody may see.
    pub(super) checks: Counter,
    /// Of both, those that were not answered.
    pub(super) failures: Counter,
    /// The generation of the configuration that is shown.
    pub(super) generation: Gauge,
    /// The gateways that there are.
    pub(super) gateways: Gauge,
    /// Of these, those whose requests come as they end.
    pub(super) followed: Gauge,
    /// Requests that gateways told of.
    pub(super) requests: Counter,
    /// Requests that they left out, for there were too many.
    pub(super) skipped: Counter,
}

impl Metrics {
    /// As a scrape gets them.
    #[must_use]
    pub(super) fn text(&self) -> String {
        let mut registry = Registry::with_prefix("fairlead_console");
        let counters = [
            (
                "token_reviews",
                "Tokens shown to the API server",
                &self.reviews,
            ),
            (
                "access_reviews",
                "Questions what somebody may see",
                &self.checks,
            ),
            (
                "review_failures",
                "Of both, those not answered",
                &self.failures,
            ),
            ("requests", "Requests that gateways told of", &self.requests),
            (
                "requests_skipped",
                "Requests that gateways left out",
                &self.skipped,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let gauges = [
            (
                "config_generation",
                "The generation that is shown",
                &self.generation,
            ),
            ("gateways", "The gateways that there are", &self.gateways),
            (
                "gateways_followed",
                "Those whose requests come as they end",
                &self.followed,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
