//! How the copy of the audit stands, for a scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::decisions::Decisions;

/// Looks when it is asked.
#[derive(Debug)]
pub(super) struct Copy(pub(super) Arc<Decisions>);

impl Collector for Copy {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(copy) = self.0.copy() else {
            return Ok(());
        };
        let gauges = [
            (
                "fairlead_audit_copy_behind",
                "Lines of the audit's file that its copy has not yet",
                copy.behind,
            ),
            (
                "fairlead_audit_copy_failing",
                "1 while the copy cannot be written",
                u64::from(copy.problem.is_some()),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let (name, help) = (
            "fairlead_audit_copy_failures",
            "How often the copy could not be written",
        );
        let counter = ConstCounter::new(copy.failures);
        counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
    }
}
