//! What a scrape would get, sent to a collector every minute.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};

use super::client::Collector;
use super::metrics::{Times, of_text, points};
use super::resource::scope;
use super::settings::Settings;
use super::{Counts, Signal};
use crate::clock;

/// Pushes metrics.
pub(crate) struct Push {
    collector: Collector,
    settings: Settings,
    times: Times,
}

impl Push {
    /// Where metrics are wanted.
    ///
    /// # Errors
    /// No client can be made.
    pub(crate) fn new(settings: &Settings, counts: &Counts) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &settings.metrics else {
            return Ok(None);
        };
        Ok(Some(Self {
            collector: Collector::new(endpoint, Signal::Metrics, counts.clone())?,
            settings: settings.clone(),
            times: Times {
                start: now(),
                now: 0,
            },
        }))
    }

    /// How long it is from one to the next.
    #[must_use]
    pub(crate) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// Sends what stands in the text of a scrape. What is not taken within its time is dropped: the next says the same, and more.
    pub(crate) async fn push(&mut self, text: &str, closing: impl Future<Output = ()>) {
        self.times.now = now();
        let metrics = of_text(text, self.settings.form.names, self.times);
        let items = points(&metrics);
        let message = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.settings.resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics,
                    schema_url: self.settings.form.names.schema().to_owned(),
                }],
                ..ResourceMetrics::default()
            }],
        };
        self.collector.export(&message, items, closing).await;
    }
}

fn now() -> u64 {
    u64::try_from(clock::unix_micros()).unwrap_or(0) * 1_000
}
