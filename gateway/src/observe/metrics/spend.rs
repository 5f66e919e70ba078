//! What requests have cost, by who asked and who answered.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::observe::record::Entry;

/// Keys that came first have a label of their own; beyond this many they have one together, for each would cost everyone who scrapes.
const MAX_KEYS: usize = 2_000;

/// USD by key, team, provider and model.
#[derive(Debug, Default)]
pub(super) struct Spend {
    usd: Family<SpendLabels, Counter<f64, AtomicU64>>,
    keys: RwLock<HashSet<Arc<str>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SpendLabels {
    fairlead_key: Arc<str>,
    fairlead_team: Arc<str>,
    fairlead_provider: Arc<str>,
    gen_ai_request_model: Arc<str>,
    estimated: &'static str,
}

impl Spend {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_cost_usd",
            "What requests have cost in USD, by the prices of the configuration and the catalog",
            self.usd.clone(),
        );
    }

    /// Counts what a finished request has cost.
    pub(super) fn finished(&self, entry: &Entry, provider: Arc<str>, model: Arc<str>) {
        let Some(cost) = entry.cost.filter(|cost| cost.nanos > 0) else {
            return;
        };
        let labels = SpendLabels {
            fairlead_key: self.key(entry.key.as_ref()),
            fairlead_team: entry.team.clone().unwrap_or_else(|| "".into()),
            fairlead_provider: provider,
            gen_ai_request_model: model,
            estimated: if cost.estimated { "true" } else { "false" },
        };
        self.usd.get_or_create(&labels).inc_by(cost.usd());
    }

    fn key(&self, key: Option<&Arc<str>>) -> Arc<str> {
        let Some(key) = key else { return "".into() };
        if self.keys.read().contains(key) {
            return Arc::clone(key);
        }
        let mut keys = self.keys.write();
        if keys.len() >= MAX_KEYS {
            return "_other".into();
        }
        keys.insert(Arc::clone(key));
        Arc::clone(key)
    }
}
