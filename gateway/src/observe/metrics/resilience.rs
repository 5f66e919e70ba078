//! What became of attempts, and how providers stand: retries, fallbacks, targets that were skipped, waiting, and gauges that are read off
//! the providers at every scrape.

use std::sync::Arc;

use fairlead_health::{BreakerState, CredentialState, ModelHealth, Origin};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{SECONDS, histogram, provider_of};
use crate::observe::followed::followed;
use crate::observe::record::Attempt;
use crate::upstream::Upstream;

/// Counters of attempts, and gauges of providers.
#[derive(Debug)]
pub(super) struct Resilience {
    attempts: Family<AttemptLabels, Counter>,
    skipped: Family<AttemptLabels, Counter>,
    retries: Family<ProviderLabels, Counter>,
    fallbacks: Family<FallbackLabels, Counter>,
    queue: Family<ProviderLabels, Histogram>,
    breaker: Family<BreakerLabels, Gauge>,
    credential: Family<CredentialLabels, Gauge>,
    in_flight: Family<ProviderLabels, Gauge>,
    queued: Family<ProviderLabels, Gauge>,
    limit: Family<ProviderLabels, Gauge>,
    servers: Family<ServerLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: Arc<str>,
    target: Arc<str>,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FallbackLabels {
    provider: Arc<str>,
    after: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabels {
    provider: Arc<str>,
    model: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    provider: Arc<str>,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CredentialLabels {
    provider: Arc<str>,
    model: Arc<str>,
    credential: String,
}

impl Default for Resilience {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            skipped: Family::default(),
            retries: Family::default(),
            fallbacks: Family::default(),
            queue: Family::new_with_constructor(|| histogram(&SECONDS)),
            breaker: Family::default(),
            credential: Family::default(),
            in_flight: Family::default(),
            queued: Family::default(),
            limit: Family::default(),
            servers: Family::default(),
        }
    }
}

impl Resilience {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_attempts",
            "Attempts at a target, by outcome",
            self.attempts.clone(),
        );
        registry.register(
            "fairlead_targets_skipped",
            "Targets that were not tried, by the reason",
            self.skipped.clone(),
        );
        registry.register(
            "fairlead_retries",
            "Attempts at the target of the attempt before",
            self.retries.clone(),
        );
        registry.register(
            "fairlead_fallbacks",
            "Attempts at another target after the one before had failed or was not tried, by what had become of that",
            self.fallbacks.clone(),
        );
        registry.register_with_unit(
            "fairlead_queue",
            "Waiting for a place at a provider, of those who had to",
            Unit::Seconds,
            self.queue.clone(),
        );
        self.register_gauges(registry);
    }

    fn register_gauges(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_breaker_state",
            "0 closed, 1 open, 2 probing, 3 ramping; of connections to a provider (model is empty), and of models where it is not 0",
            self.breaker.clone(),
        );
        registry.register(
            "fairlead_credential_state",
            "1 resting, 2 benched; of those that are neither there is none",
            self.credential.clone(),
        );
        registry.register(
            "fairlead_in_flight",
            "Requests at a provider",
            self.in_flight.clone(),
        );
        registry.register(
            "fairlead_queued",
            "Requests that wait for a place at a provider",
            self.queued.clone(),
        );
        registry.register(
            "fairlead_concurrency_limit",
            "The most requests at a provider just now, where it has a limit",
            self.limit.clone(),
        );
        registry.register(
            "fairlead_servers",
            "Servers of a pool by the state of their breakers",
            self.servers.clone(),
        );
    }

    /// Counts the attempts of a request.
    pub(super) fn finished(&self, attempts: &[Attempt]) {
        for (at, attempt) in attempts.iter().enumerate() {
            self.attempted(attempt);
            if attempt.skip.is_none()
                && let Some(before) = followed(attempts, at)
            {
                self.followed(before, attempt);
            }
        }
    }

    fn attempted(&self, attempt: &Attempt) {
        let labels = AttemptLabels {
            provider: provider_of(attempt),
            target: Arc::clone(&attempt.target),
            outcome: attempt.outcome(),
        };
        let family = if attempt.skip.is_some() {
            &self.skipped
        } else {
            &self.attempts
        };
        family.get_or_create(&labels).inc();
        if let Some(queued) = attempt.queued {
            let labels = ProviderLabels {
                provider: provider_of(attempt),
            };
            let waited = self.queue.get_or_create(&labels);
            waited.observe(queued.as_secs_f64());
        }
    }

    fn followed(&self, before: &Attempt, attempt: &Attempt) {
        let provider = provider_of(attempt);
        if before.target != attempt.target {
            let labels = FallbackLabels {
                provider,
                after: before.outcome(),
            };
            self.fallbacks.get_or_create(&labels).inc();
        } else if before.skip.is_none() {
            self.retries
                .get_or_create(&ProviderLabels { provider })
                .inc();
        }
    }

    /// Reads the gauges off the providers; of those that are gone nothing is left.
    pub(super) fn read(&self, upstreams: &[Arc<Upstream>]) {
        self.breaker.clear();
        self.credential.clear();
        for gauges in [&self.in_flight, &self.queued, &self.limit] {
            gauges.clear();
        }
        self.servers.clear();
        for upstream in upstreams {
            self.read_one(upstream);
        }
    }

    fn read_one(&self, upstream: &Upstream) {
        let now = upstream.now();
        let provider = ProviderLabels {
            provider: Arc::clone(&upstream.label),
        };
        let set = |family: &Family<ProviderLabels, Gauge>, value: u32| {
            family.get_or_create(&provider).set(i64::from(value));
        };
        set(&self.in_flight, upstream.gate.in_flight());
        set(&self.queued, upstream.gate.queued());
        if upstream.provider.concurrency.is_some() {
            set(&self.limit, upstream.limit());
        }
        self.servers_are(upstream);
        self.breaker_is(
            upstream,
            "".into(),
            upstream.health.reach.breaker.state(now),
        );
        let models = upstream.health.models();
        let configured = models
            .iter()
            .filter(|(_, (_, origin))| *origin == Origin::Configuration);
        for (name, (model, _)) in configured {
            let state = model.answers.breaker.state(now);
            if state != BreakerState::Closed {
                self.breaker_is(upstream, Arc::clone(name), state);
            }
            for at in 0..upstream.provider.credentials.len() {
                self.credential_is(upstream, name, model, at);
            }
        }
    }

    /// A server may have any address: it is told how many there are, not which.
    fn servers_are(&self, upstream: &Upstream) {
        let Some(servers) = upstream.servers() else {
            return;
        };
        let now = upstream.now();
        let states = [
            ("closed", BreakerState::Closed),
            ("open", BreakerState::Open),
            ("probing", BreakerState::Probing),
            ("ramping", BreakerState::Ramping),
        ];
        for (state, meant) in states {
            let all = servers.all().iter();
            let count = all
                .filter(|server| server.health.breaker.state(now) == meant)
                .count();
            let labels = ServerLabels {
                provider: Arc::clone(&upstream.label),
                state,
            };
            let gauge = self.servers.get_or_create(&labels);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn credential_is(&self, upstream: &Upstream, name: &Arc<str>, model: &ModelHealth, at: usize) {
        let state = match upstream.credential_state(Some(model), at) {
            Some((CredentialState::Resting, _)) => 1,
            Some((CredentialState::Benched, _)) => 2,
            Some((CredentialState::Usable, _)) | None => return,
        };
        if let Some(credential) = upstream.provider.credentials.get(at) {
            let labels = CredentialLabels {
                provider: Arc::clone(&upstream.label),
                model: Arc::clone(name),
                credential: credential.name.clone(),
            };
            self.credential.get_or_create(&labels).set(state);
        }
    }

    fn breaker_is(&self, upstream: &Upstream, model: Arc<str>, state: BreakerState) {
        let labels = BreakerLabels {
            provider: Arc::clone(&upstream.label),
            model,
        };
        let code = match state {
            BreakerState::Closed => 0,
            BreakerState::Open => 1,
            BreakerState::Probing => 2,
            BreakerState::Ramping => 3,
        };
        self.breaker.get_or_create(&labels).set(code);
    }
}
