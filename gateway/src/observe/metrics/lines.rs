//! Lines of the log that nobody took in time, for a scrape.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;

/// Looks when it is asked.
#[derive(Debug)]
pub(super) struct LogLines;

impl Collector for LogLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counter = ConstCounter::new(fairlead_process::log::dropped());
        let metric = encoder.encode_descriptor(
            "fairlead_log_lines_dropped",
            "Lines of the log, those of the audit among them, that were not written to standard error, for nobody took them",
            None,
            counter.metric_type(),
        )?;
        counter.encode(metric)
    }
}
