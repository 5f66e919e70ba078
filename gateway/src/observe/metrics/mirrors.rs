//! What mirrors do beside what they copy: of requests that both have answered, how long it took, how many tokens it was, and what it cost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fairlead_route::MirrorHead;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{FIRST_TOKEN, SECONDS, histogram, provider_of};
use crate::observe::mirror::{Mirrored, Original};
use crate::observe::record::Entry;

/// Mirrors that came first have labels of their own: so many of the platform's, and so many of all tenants together. Beyond that they have one together,
/// for each would cost everyone who scrapes.
const MOST: usize = 200;
/// So many of one tenant's namespace: what it renames leaves others theirs.
const MOST_OF_NAMESPACE: usize = 20;

/// Counters by mirror.
#[derive(Debug)]
pub(crate) struct Mirrors {
    copies: Family<CopyLabels, Counter>,
    unsent: Family<UnsentLabels, Counter>,
    cost: Family<MirrorLabels, Counter<f64, AtomicU64>>,
    seconds: Family<SideLabels, Histogram>,
    first_token: Family<SideLabels, Histogram>,
    tokens: Family<TokenLabels, Counter>,
    compared_cost: Family<SideLabels, Counter<f64, AtomicU64>>,
    known: Mutex<Known>,
}

/// The mirrors that have labels of their own.
#[derive(Debug, Default)]
struct Known {
    all: HashSet<MirrorLabels>,
    /// How many each namespace has.
    counts: HashMap<Box<str>, usize>,
    /// How many tenants have.
    tenants: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MirrorLabels {
    rule: Arc<str>,
    mirror: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CopyLabels {
    rule: Arc<str>,
    mirror: Arc<str>,
    provider: Arc<str>,
    outcome: &'static str,
    original: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnsentLabels {
    rule: Arc<str>,
    mirror: Arc<str>,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SideLabels {
    rule: Arc<str>,
    mirror: Arc<str>,
    side: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    rule: Arc<str>,
    mirror: Arc<str>,
    side: &'static str,
    gen_ai_token_type: &'static str,
}

/// Both sides of what is compared.
const SIDES: [&str; 2] = ["original", "mirror"];

impl Default for Mirrors {
    fn default() -> Self {
        Self {
            copies: Family::default(),
            unsent: Family::default(),
            cost: Family::default(),
            seconds: Family::new_with_constructor(|| histogram(&SECONDS)),
            first_token: Family::new_with_constructor(|| histogram(&FIRST_TOKEN)),
            tokens: Family::default(),
            compared_cost: Family::default(),
            known: Mutex::default(),
        }
    }
}

impl Mirrors {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_mirror_copies",
            "Copies of requests, by what became of them and of the originals",
            self.copies.clone(),
        );
        registry.register(
            "fairlead_mirror_unsent",
            "Copies that were due and not made, by why",
            self.unsent.clone(),
        );
        registry.register(
            "fairlead_mirror_cost_usd",
            "What copies have cost in USD, by the prices of the configuration and the catalog",
            self.cost.clone(),
        );
        registry.register_with_unit(
            "fairlead_mirror_compared_duration",
            "Of requests that both have answered: from the head of the request to the end of the answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register_with_unit(
            "fairlead_mirror_compared_time_to_first_token",
            "Of streams that both have answered: from the head of the request to the first content",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register(
            "fairlead_mirror_compared_tokens",
            "Of requests that both have answered and told the usage of: tokens",
            self.tokens.clone(),
        );
        registry.register(
            "fairlead_mirror_compared_cost_usd",
            "Of requests that both have answered, where the prices of both are known: USD",
            self.compared_cost.clone(),
        );
    }

    /// Counts a copy that was due and was not made.
    pub(crate) fn unsent(&self, mirror: &MirrorHead, reason: &'static str) {
        let MirrorLabels { rule, mirror } = self.labels(mirror);
        self.unsent
            .get_or_create(&UnsentLabels {
                rule,
                mirror,
                reason,
            })
            .inc();
    }

    /// Counts a copy whose original is over, too.
    pub(super) fn finished(&self, entry: &Entry, mirrored: &Mirrored) {
        let original = &mirrored.original;
        let labels = self.labels(&mirrored.mirror);
        let outcome = entry.error.unwrap_or("ok");
        let copy = CopyLabels {
            rule: Arc::clone(&labels.rule),
            mirror: Arc::clone(&labels.mirror),
            provider: entry.attempts.last().map(provider_of).unwrap_or_default(),
            outcome,
            original: original.outcome,
        };
        self.copies.get_or_create(&copy).inc();
        if let Some(cost) = entry.cost.filter(|cost| cost.nanos > 0) {
            self.cost.get_or_create(&labels).inc_by(cost.usd());
        }
        if outcome == "ok" && original.outcome == "ok" {
            self.compare(entry, original, &labels);
        }
    }

    /// Counts what both have answered.
    fn compare(&self, entry: &Entry, original: &Original, labels: &MirrorLabels) {
        let of = |side| SideLabels {
            rule: Arc::clone(&labels.rule),
            mirror: Arc::clone(&labels.mirror),
            side,
        };
        for (side, took) in SIDES.into_iter().zip([original.duration, entry.duration]) {
            let seconds = self.seconds.get_or_create(&of(side));
            seconds.observe(took.as_secs_f64());
        }
        let first = original.first_token.zip(entry.first_token);
        if let Some((first, copied)) = first.filter(|_| entry.stream) {
            for (side, took) in SIDES.into_iter().zip([first, copied]) {
                let seconds = self.first_token.get_or_create(&of(side));
                seconds.observe(took.as_secs_f64());
            }
        }
        if let Some((cost, copied)) = original.cost.zip(entry.cost) {
            for (side, cost) in SIDES.into_iter().zip([cost, copied]) {
                self.compared_cost
                    .get_or_create(&of(side))
                    .inc_by(cost.usd());
            }
        }
        let usage = entry.usage.as_ref();
        for (kind, tokens, copied) in [
            (
                "input",
                original.usage.and_then(|usage| usage.input_tokens),
                usage.and_then(|usage| usage.input_tokens),
            ),
            (
                "output",
                original.usage.and_then(|usage| usage.output_tokens),
                usage.and_then(|usage| usage.output_tokens),
            ),
        ] {
            let Some((tokens, copied)) = tokens.zip(copied) else {
                continue;
            };
            for (side, tokens) in SIDES.into_iter().zip([tokens, copied]) {
                self.count_tokens(labels, side, kind, tokens);
            }
        }
    }

    fn count_tokens(
        &self,
        labels: &MirrorLabels,
        side: &'static str,
        kind: &'static str,
        tokens: u64,
    ) {
        let labels = TokenLabels {
            rule: Arc::clone(&labels.rule),
            mirror: Arc::clone(&labels.mirror),
            side,
            gen_ai_token_type: kind,
        };
        self.tokens.get_or_create(&labels).inc_by(tokens);
    }

    fn labels(&self, mirror: &MirrorHead) -> MirrorLabels {
        let labels = MirrorLabels {
            rule: Arc::clone(&mirror.rule),
            mirror: Arc::clone(&mirror.name),
        };
        if self.known.lock().knows(&labels, mirror.platform) {
            return labels;
        }
        MirrorLabels {
            rule: "_other".into(),
            mirror: "_other".into(),
        }
    }
}

impl Known {
    /// Whether a mirror has labels of its own: it has had them, or there is room. `platform`: whether it is the platform's.
    fn knows(&mut self, labels: &MirrorLabels, platform: bool) -> bool {
        if self.all.contains(labels) {
            return true;
        }
        let namespace = labels.rule.split('/').next().unwrap_or_default();
        let own = self.counts.get(namespace).copied().unwrap_or_default();
        let has_room = if platform {
            own < MOST
        } else {
            own < MOST_OF_NAMESPACE && self.tenants < MOST
        };
        if has_room {
            self.counts.insert(namespace.into(), own + 1);
            self.tenants += usize::from(!platform);
            self.all.insert(labels.clone());
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(rule: &str, name: usize) -> MirrorLabels {
        MirrorLabels {
            rule: rule.into(),
            mirror: name.to_string().into(),
        }
    }

    #[test]
    fn no_tenant_takes_the_labels_of_others_and_all_together_not_the_platforms() {
        let mut known = Known::default();
        let mut had = |rule: &str, platform: bool| {
            let mirrors = (0..300).filter(|name| known.knows(&mirror(rule, *name), platform));
            mirrors.count()
        };
        assert_eq!(had("search/r", false), 20);
        assert_eq!(had("search/renamed", false), 0);
        for namespace in 1..10 {
            assert_eq!(had(&format!("tenant-{namespace}/r"), false), 20);
        }
        assert_eq!(had("late/r", false), 0, "these were two hundred");
        assert_eq!(had("gateway/r", true), 200);
        // Who has them keeps them.
        assert_eq!(had("search/r", false), 20);
    }
}
