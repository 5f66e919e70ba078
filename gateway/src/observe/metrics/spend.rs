//! What requests came to, by who answered, under names of ours that are never renamed: how many there were, what they used and what they have
//! cost. What is sampled of traces leaves out something; these leave out nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::series::Series;
use crate::observe::record::Entry;

/// Teams that came first have a label of their own; beyond this many they have one together, for each would cost everyone who scrapes.
const MAX_TEAMS: usize = 200;

/// Counters by provider and model.
#[derive(Debug, Default)]
pub(super) struct Spend {
    requests: Family<RequestLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    usd: Family<CostLabels, Dollars>,
    teams: RwLock<HashSet<Arc<str>>>,
    none: Arc<str>,
}

/// A sum of dollars.
pub(super) type Dollars = Counter<f64, AtomicU64>;

/// The kinds of tokens, in the order in which a series has them.
pub(super) const KINDS: [&str; 5] = ["input", "output", "cache_read", "cache_write", "reasoning"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    provider: Arc<str>,
    model: Arc<str>,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: Arc<str>,
    model: Arc<str>,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CostLabels {
    team: Arc<str>,
    provider: Arc<str>,
    model: Arc<str>,
    source: &'static str,
}

impl Spend {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_requests",
            "Requests of an operation that are over, by whoever was asked last and what became of them",
            self.requests.clone(),
        );
        registry.register(
            "fairlead_tokens",
            "Tokens as providers counted them; what is read from a cache or written into one is among the input, what is thought among the output",
            self.tokens.clone(),
        );
        registry.register(
            "fairlead_cost_usd",
            "What requests have cost in USD, by the prices of the configuration and the catalog",
            self.usd.clone(),
        );
    }

    /// Counts a finished request.
    pub(super) fn finished(&self, entry: &Entry, series: &Series) {
        let requests = series.requests.get_or_init(|| {
            let labels = &series.labels;
            self.requests.get_or_create_owned(&RequestLabels {
                provider: Arc::clone(&labels.provider),
                model: Arc::clone(&labels.model),
                outcome: if labels.error.is_empty() {
                    "ok"
                } else {
                    labels.error
                },
            })
        });
        requests.inc();
        self.used(entry, series);
        self.cost(entry, series);
    }

    /// Counts what a request has cost, or the copy of one.
    pub(super) fn cost(&self, entry: &Entry, series: &Series) {
        let Some(cost) = entry.cost.filter(|cost| cost.nanos > 0) else {
            return;
        };
        let [reported, estimated] = &series.usd;
        let (dollars, source) = if cost.estimated {
            (estimated, "estimated")
        } else {
            (reported, "reported")
        };
        let dollars = dollars.get_or_init(|| {
            let labels = &series.labels;
            self.usd.get_or_create_owned(&CostLabels {
                team: Arc::clone(&labels.team),
                provider: Arc::clone(&labels.provider),
                model: Arc::clone(&labels.model),
                source,
            })
        });
        dollars.inc_by(cost.usd());
    }

    fn used(&self, entry: &Entry, series: &Series) {
        let Some(usage) = &entry.usage else { return };
        let counts = [
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.parts.cache_write,
            usage.reasoning_tokens,
        ];
        for ((counter, kind), tokens) in series.tokens.iter().zip(KINDS).zip(counts) {
            if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
                let labels = &series.labels;
                let made = || self.counter(&labels.provider, &labels.model, kind);
                counter.get_or_init(made).inc_by(tokens);
            }
        }
        for lost in entry.attempts.iter().filter(|attempt| attempt.hedged) {
            let tokens = entry.lost_input_tokens(lost).unwrap_or(0);
            if tokens > 0 {
                let provider = super::provider_of(lost);
                let counter = self.counter(&provider, &series.labels.model, "input");
                counter.inc_by(tokens);
            }
        }
    }

    fn counter(&self, provider: &Arc<str>, model: &Arc<str>, kind: &'static str) -> Counter {
        self.tokens.get_or_create_owned(&TokenLabels {
            provider: Arc::clone(provider),
            model: Arc::clone(model),
            r#type: kind,
        })
    }

    /// The label of a team.
    pub(super) fn team(&self, team: Option<&Arc<str>>) -> Arc<str> {
        let Some(team) = team else {
            return Arc::clone(&self.none);
        };
        if self.teams.read().contains(team) {
            return Arc::clone(team);
        }
        let mut teams = self.teams.write();
        if teams.len() >= MAX_TEAMS {
            return "_other".into();
        }
        teams.insert(Arc::clone(team));
        Arc::clone(team)
    }
}
