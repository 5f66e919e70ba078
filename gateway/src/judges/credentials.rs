//! Who judges the credentials of a provider, for each of its models: limits are counted by model, and so is how quick an account is.

use std::collections::HashMap;
use std::sync::Arc;

use fairlead_health::ProviderHealth;
use fairlead_health::adaptive::{Candidate, Settings};
use fairlead_snapshot::{CredentialStrategy, Provider};
use parking_lot::RwLock;

use super::Judged;
use crate::clock::Clock;

/// Those of a provider, by the upstream's name of the model. There are as many as models of which anything is kept.
#[derive(Debug)]
pub(crate) struct CredentialJudges {
    models: RwLock<HashMap<Arc<str>, Arc<Judged>>>,
    credentials: Vec<Credential>,
    clock: Clock,
}

/// A credential, as it is judged.
#[derive(Debug)]
struct Credential {
    label: Arc<str>,
    /// Its name and its value's digest.
    identity: Arc<str>,
    weight: u32,
}

impl CredentialJudges {
    /// Of a provider that has them judged, and several of them. What was believed before of those that are still the same is kept, of models of
    /// which anything is.
    #[must_use]
    pub(crate) fn build(
        provider: &Provider,
        identities: &[Arc<str>],
        health: &ProviderHealth,
        clock: Clock,
        previous: Option<&Self>,
    ) -> Option<Arc<Self>> {
        let is_wanted = provider.credential_strategy == CredentialStrategy::Adaptive;
        if !is_wanted || provider.credentials.len() < 2 {
            return None;
        }
        let credentials = provider.credentials.iter().zip(identities);
        let credentials = credentials.map(|(credential, identity)| Credential {
            label: credential.name.as_str().into(),
            identity: Arc::clone(identity),
            weight: credential.weight,
        });
        let judges = Self {
            models: RwLock::default(),
            credentials: credentials.collect(),
            clock,
        };
        if let Some(previous) = previous {
            let before = previous.models.read();
            let kept = before
                .iter()
                .filter(|(model, _)| health.known(model).is_some());
            let kept = kept.map(|(model, before)| {
                let judged = judges.judged(Some(&**before));
                (Arc::clone(model), Arc::new(judged))
            });
            *judges.models.write() = kept.collect();
        }
        Some(Arc::new(judges))
    }

    /// Who judges them for a model.
    #[must_use]
    pub(crate) fn of(&self, model: &Arc<str>, health: &ProviderHealth) -> Arc<Judged> {
        if let Some(judged) = self.models.read().get(model) {
            return Arc::clone(judged);
        }
        let mut models = self.models.write();
        // Names that callers come up with are forgotten there, and so here.
        models.retain(|model, _| health.known(model).is_some());
        let judged = models
            .entry(Arc::clone(model))
            .or_insert_with(|| Arc::new(self.judged(None)));
        Arc::clone(judged)
    }

    /// The same, if there is anything yet.
    #[must_use]
    pub(crate) fn known(&self, model: &str) -> Option<Arc<Judged>> {
        self.models.read().get(model).map(Arc::clone)
    }

    /// Every model, and who judges them for it.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Arc<Judged>)> {
        let models = self.models.read();
        let all = models.iter();
        all.map(|(model, judged)| (Arc::clone(model), Arc::clone(judged)))
            .collect()
    }

    fn judged(&self, before: Option<&Judged>) -> Judged {
        let candidate = |credential: &Credential| {
            let known = before.and_then(|before| before.known(&credential.identity));
            Candidate {
                name: Arc::clone(&credential.identity),
                weight: credential.weight,
                places: 0,
                recorder: known
                    .map(|known| Arc::clone(&known.recorder))
                    .unwrap_or_default(),
                // Its account is its own.
                accounts: known
                    .and_then(|known| known.accounts.clone())
                    .or_else(|| Some(Arc::default())),
                provider: None,
            }
        };
        let labels = self.credentials.iter();
        let labels = labels.map(|credential| Arc::clone(&credential.label));
        Judged::new(
            Settings::default(),
            self.credentials.iter().map(candidate).collect(),
            labels.collect(),
            self.clock,
            before,
        )
    }
}
