//! How candidates are judged that are chosen by how they do, read off whoever judges them at every scrape.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fairlead_health::Origin;
use fairlead_health::adaptive::State;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::judges::Judges;
use crate::upstream::Upstream;

type Part = Gauge<f64, AtomicU64>;

/// Gauges of targets and credentials.
#[derive(Debug, Default)]
pub(super) struct Judgements {
    score: Family<TargetLabels, Part>,
    share: Family<TargetLabels, Part>,
    state: Family<TargetLabels, Gauge>,
    credential_score: Family<CredentialLabels, Part>,
    credential_share: Family<CredentialLabels, Part>,
    credential_state: Family<CredentialLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabels {
    rule: Arc<str>,
    target: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CredentialLabels {
    provider: Arc<str>,
    model: Arc<str>,
    credential: Arc<str>,
}

impl Judgements {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "fairlead_target_score",
            "How a target of a rule with the strategy Adaptive does beside the best one, which has 1",
            self.score.clone(),
        );
        registry.register(
            "fairlead_target_share",
            "The share of the rule's requests that it is thought worth",
            self.share.clone(),
        );
        registry.register(
            "fairlead_target_state",
            "0 healthy, 1 degraded, 2 failed, 3 recovering",
            self.state.clone(),
        );
        registry.register(
            "fairlead_credential_score",
            "How a credential of a provider with credentialStrategy Adaptive does beside the best one, which has 1",
            self.credential_score.clone(),
        );
        registry.register(
            "fairlead_credential_share",
            "The share of the requests that it is thought worth",
            self.credential_share.clone(),
        );
        registry.register(
            "fairlead_credential_standing",
            "0 healthy, 1 degraded, 2 failed, 3 recovering",
            self.credential_state.clone(),
        );
    }

    /// Takes over how they stand now; of those that are gone nothing is left.
    pub(super) fn read(&self, upstreams: &[Arc<Upstream>], judges: &Judges) {
        self.score.clear();
        self.share.clear();
        self.state.clear();
        for (rule, judged) in judges.all() {
            let rule: Arc<str> = rule.to_string().into();
            for (target, standing) in judged.standings() {
                let labels = TargetLabels {
                    rule: Arc::clone(&rule),
                    target: Arc::clone(target),
                };
                set(&self.score, &labels, standing.score);
                set(&self.share, &labels, standing.share);
                self.state.get_or_create(&labels).set(code(standing.state));
            }
        }
        self.read_credentials(upstreams);
    }

    fn read_credentials(&self, upstreams: &[Arc<Upstream>]) {
        self.credential_score.clear();
        self.credential_share.clear();
        self.credential_state.clear();
        for upstream in upstreams {
            let known = upstream.health.models();
            // Names that only callers have come up with are no labels.
            let configured = |model: &Arc<str>| {
                let origin = known.get(model).map(|(_, origin)| *origin);
                origin == Some(Origin::Configuration)
            };
            let all = upstream.all_judged_credentials().into_iter();
            for (model, judged) in all.filter(|(model, _)| configured(model)) {
                for (credential, standing) in judged.standings() {
                    let labels = CredentialLabels {
                        provider: Arc::clone(&upstream.label),
                        model: Arc::clone(&model),
                        credential: Arc::clone(credential),
                    };
                    set(&self.credential_score, &labels, standing.score);
                    set(&self.credential_share, &labels, standing.share);
                    self.credential_state
                        .get_or_create(&labels)
                        .set(code(standing.state));
                }
            }
        }
    }
}

/// Sets a gauge to so many thousandths.
fn set<L: Clone + Hash + Eq>(family: &Family<L, Part>, labels: &L, thousandths: u32) {
    let part = family.get_or_create(labels);
    part.set(f64::from(thousandths) / 1000.0);
}

fn code(state: State) -> i64 {
    match state {
        State::Healthy => 0,
        State::Degraded => 1,
        State::Failed => 2,
        State::Recovering => 3,
    }
}
