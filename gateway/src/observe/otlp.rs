//! Export by OTLP over HTTP, in protobuf (source: OTLP 1.9, with the environment variables of OpenTelemetry's specification): traces and logs of
//! finished requests, and what a scrape would get.
//!
//! Nothing on the way of a request waits for it. Requests go through a bounded queue to a thread of its own, which sends them in batches; what
//! finds the queue full, and what a collector does not take within its time, is dropped and counted.

mod attributes;
mod client;
mod exporter;
mod logs;
mod metrics;
pub(crate) mod names;
mod push;
mod resource;
pub(crate) mod settings;
pub(crate) mod spans;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

pub(crate) use exporter::start;
pub(crate) use push::Push;

/// What was exported, and what was not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    exported: Family<SignalLabels, Counter>,
    dropped: Family<DropLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignalLabels {
    signal: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    signal: &'static str,
    reason: &'static str,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Values of metrics.
    Metrics,
}

impl Signal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// Why something was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// The queue was full.
    QueueFull,
    /// The collector refused it for good.
    Refused,
    /// The collector took the rest of what it came with.
    Rejected,
    /// The collector could not be reached, or asked to be left alone, for too long.
    Unreachable,
}

impl Lost {
    fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
        }
    }
}

impl Counts {
    /// Shows them, all of them from the beginning: who looks for what they grow by would miss the first of one that was not there before.
    pub(crate) fn register(&self, registry: &mut Registry) {
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            self.exported(signal, 0);
            let reasons = [
                Lost::QueueFull,
                Lost::Refused,
                Lost::Rejected,
                Lost::Unreachable,
            ];
            for why in reasons {
                self.lost(signal, why, 0);
            }
        }
        registry.register(
            "fairlead_otlp_exported",
            "Spans, log records and values of metrics that a collector has taken",
            self.exported.clone(),
        );
        registry.register(
            "fairlead_otlp_dropped",
            "Spans, log records and values of metrics that were not exported, by the reason",
            self.dropped.clone(),
        );
    }

    fn exported(&self, signal: Signal, items: usize) {
        let signal = signal.as_str();
        let labels = SignalLabels { signal };
        self.exported.get_or_create(&labels).inc_by(number(items));
    }

    fn lost(&self, signal: Signal, why: Lost, items: usize) {
        let labels = DropLabels {
            signal: signal.as_str(),
            reason: why.as_str(),
        };
        self.dropped.get_or_create(&labels).inc_by(number(items));
    }
}

fn number(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
