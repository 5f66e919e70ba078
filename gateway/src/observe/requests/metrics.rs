//! How the store of finished requests stands, for a scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Requests;

/// Looks when it is asked.
#[derive(Debug)]
pub(crate) struct Stands(pub Arc<Requests>);

impl Collector for Stands {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some((store, standing)) = self.0.standing() else {
            return Ok(());
        };
        let labels = [("store", store)];
        let counters = [
            (
                "fairlead_request_log_written",
                "Finished requests that the store keeps",
                standing.written,
            ),
            (
                "fairlead_request_log_dropped",
                "Finished requests that the store does not keep, for the queue before it was full",
                standing.dropped,
            ),
            (
                "fairlead_request_log_refused",
                "Finished requests that the store does not take",
                standing.refused,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            let mut metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric.encode_family(&labels)?)?;
        }
        let failing = u64::from(standing.problem.is_some());
        let gauges = [
            (
                "fairlead_request_log_waiting",
                "Finished requests that are still to be written",
                standing.waiting(),
            ),
            (
                "fairlead_request_log_failing",
                "1 while the store cannot be written",
                failing,
            ),
            (
                "fairlead_request_log_astray",
                "Rows that lie in no day's partition, which no day's end removes",
                standing.astray,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            let mut metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
