//! Seeing: metrics and one access line per request, both from the finished record.

pub mod access;
pub mod metrics;

use crate::record::Record;
use access::AccessLog;
use metrics::Metrics;

/// Where finished requests are told.
#[derive(Debug)]
pub struct Observe {
    /// Counters and histograms.
    pub metrics: Metrics,
    access: AccessLog,
}

impl Observe {
    /// Tells metrics, and the access log if there is one.
    #[must_use]
    pub fn new(metrics: Metrics, access: AccessLog) -> Self {
        Self { metrics, access }
    }

    /// Called once for every record, when it is dropped.
    pub(crate) fn finished(&self, record: &Record) {
        self.metrics.finished(record);
        if !self.access.write(record) {
            self.metrics.access_lines_dropped.inc();
        }
    }
}
