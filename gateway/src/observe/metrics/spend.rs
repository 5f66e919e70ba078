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

use crate::observe::record::{Attempt, Entry};

/// Teams that came first have a label of their own; beyond this many they have one together, for each would cost everyone who scrapes.
const MAX_TEAMS: usize = 200;

/// Counters by provider and model.
#[derive(Debug, Default)]
pub(super) struct Spend {
    requests: Family<RequestLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    usd: Family<CostLabels, Counter<f64, AtomicU64>>,
    teams: RwLock<HashSet<Arc<str>>>,
}

/// Who answered, by the name that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Answerer {
    /// The provider; empty where there was none.
    pub(super) provider: Arc<str>,
    /// The model.
    pub(super) model: Arc<str>,
}

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
    pub(super) fn finished(&self, entry: &Entry, by: &Answerer) {
        let outcome = entry.error.unwrap_or("ok");
        let labels = RequestLabels {
            provider: Arc::clone(&by.provider),
            model: Arc::clone(&by.model),
            outcome,
        };
        self.requests.get_or_create(&labels).inc();
        self.used(entry, by);
        self.cost(entry, by);
    }

    /// Counts what a request has cost, or the copy of one.
    pub(super) fn cost(&self, entry: &Entry, by: &Answerer) {
        let Some(cost) = entry.cost.filter(|cost| cost.nanos > 0) else {
            return;
        };
        let labels = CostLabels {
            team: self.team(entry.team.as_ref()),
            provider: Arc::clone(&by.provider),
            model: Arc::clone(&by.model),
            source: if cost.estimated {
                "estimated"
            } else {
                "reported"
            },
        };
        self.usd.get_or_create(&labels).inc_by(cost.usd());
    }

    fn used(&self, entry: &Entry, by: &Answerer) {
        let Some(usage) = &entry.usage else { return };
        let count = |by: &Answerer, kind, tokens: Option<u64>| {
            if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
                let labels = TokenLabels {
                    provider: Arc::clone(&by.provider),
                    model: Arc::clone(&by.model),
                    r#type: kind,
                };
                self.tokens.get_or_create(&labels).inc_by(tokens);
            }
        };
        count(by, "input", usage.input_tokens);
        count(by, "output", usage.output_tokens);
        count(by, "cache_read", usage.cached_input_tokens);
        count(by, "cache_write", usage.parts.cache_write);
        count(by, "reasoning", usage.reasoning_tokens);
        for lost in entry.attempts.iter().filter(|attempt| attempt.hedged) {
            let other = by.but_at(lost);
            count(&other, "input", entry.lost_input_tokens(lost));
        }
    }

    fn team(&self, team: Option<&Arc<str>>) -> Arc<str> {
        let Some(team) = team else { return "".into() };
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

impl Answerer {
    /// The same model at the provider of an attempt.
    fn but_at(&self, attempt: &Attempt) -> Self {
        Self {
            provider: super::provider_of(attempt),
            model: Arc::clone(&self.model),
        }
    }
}
