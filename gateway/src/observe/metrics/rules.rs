//! What rules count of themselves, read off the routing table at every scrape.

use std::sync::atomic::Ordering;

use fairlead_snapshot::ObjectName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counters by rule.
#[derive(Debug, Default)]
pub(super) struct Rules {
    condition_errors: Family<RuleLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    rule: String,
}

impl Rules {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_condition_errors",
            "Requests for which the condition of a rule could not be evaluated; there is nothing of rules without any",
            self.condition_errors.clone(),
        );
    }

    /// Takes over what the rules have counted since they were first seen; of those that are gone nothing is left.
    pub(super) fn read<'a>(&self, condition_errors: impl Iterator<Item = (&'a ObjectName, u64)>) {
        self.condition_errors.clear();
        for (rule, errors) in condition_errors {
            let rule = rule.to_string();
            let counter = self.condition_errors.get_or_create(&RuleLabels { rule });
            counter.inner().store(errors, Ordering::Relaxed);
        }
    }
}
