//! Seeing: metrics and one access line per request, both from the finished entry.

pub(crate) mod access;
pub(crate) mod metrics;
pub(crate) mod record;

use crate::observe::record::Entry;
use access::AccessLog;
use metrics::Metrics;

/// Where finished requests are told.
#[derive(Debug)]
pub(crate) struct Observe {
    /// Counters and histograms.
    pub metrics: Metrics,
    access: AccessLog,
}

impl Observe {
    /// Tells metrics, and the access log if there is one.
    #[must_use]
    pub(crate) fn new(metrics: Metrics, access: AccessLog) -> Self {
        Self { metrics, access }
    }

    /// Called once for every request, when it is over.
    pub(crate) fn finished(&self, entry: Box<Entry>) {
        self.metrics.finished(&entry);
        if !self.access.write(entry) {
            self.metrics.access_lines_dropped.inc();
        }
    }
}
