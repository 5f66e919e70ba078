//! How what keeps content stands, for a scrape.

use std::fmt;
use std::sync::Arc;

use fairlead_record::content::ContentStore;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Contents;

/// Looks when it is asked.
#[derive(Debug)]
struct Stands(Arc<Vec<Arc<dyn ContentStore>>>);

/// Shows it. Where content is not kept there is nothing to show.
pub(in crate::observe) fn register(registry: &mut Registry, contents: &Contents) {
    registry.register(
        "fairlead_content_dropped",
        "Requests whose content was to be kept and is not, for the queue before the stores was full or a pattern cannot be used",
        contents.dropped.clone(),
    );
    registry.register_collector(Box::new(Stands(Arc::clone(&contents.stores))));
}

impl Collector for Stands {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all: Vec<_> = self
            .0
            .iter()
            .map(|store| (store.name(), store.standing()))
            .collect();
        let (name, help) = (
            "fairlead_content_store_written",
            "Contents of requests that the store has taken",
        );
        let mut family =
            encoder.encode_descriptor(name, help, None, ConstCounter::new(0_u64).metric_type())?;
        for (store, standing) in &all {
            let counter = ConstCounter::new(standing.written);
            counter.encode(family.encode_family(&[("store", *store)])?)?;
        }
        let (name, help) = (
            "fairlead_content_store_dropped",
            "Contents of requests that the store does not keep, for its queue was full",
        );
        let mut family =
            encoder.encode_descriptor(name, help, None, ConstCounter::new(0_u64).metric_type())?;
        for (store, standing) in &all {
            let counter = ConstCounter::new(standing.dropped);
            counter.encode(family.encode_family(&[("store", *store)])?)?;
        }
        let (name, help) = (
            "fairlead_content_store_failing",
            "1 while the store of contents cannot be written",
        );
        let mut family =
            encoder.encode_descriptor(name, help, None, ConstGauge::new(0_u64).metric_type())?;
        for (store, standing) in &all {
            let gauge = ConstGauge::new(u64::from(standing.problem.is_some()));
            gauge.encode(family.encode_family(&[("store", *store)])?)?;
        }
        Ok(())
    }
}
