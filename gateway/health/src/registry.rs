//! Everything that is known, by identity: a provider by its name and address, its models within it. Looked up when a
//! configuration is built, so that requests hold what they need; what no configuration names any more is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fairlead_snapshot::FailureClass;
use parking_lot::{Mutex, RwLock};

use crate::breaker::Breaker;
use crate::budget::RetryBudget;
use crate::credentials::Credentials;
use crate::latency::Latency;
use crate::limit::AdaptiveLimit;

/// Callers can name any model of a provider that lists none; names beyond this many share one state.
const MAX_MODELS: usize = 512;

/// The classes by which a breaker can open, in the order in which they are stored; 0 is none.
const BLAMED: [FailureClass; 7] = [
    FailureClass::Connect,
    FailureClass::Reset,
    FailureClass::FirstTokenTimeout,
    FailureClass::IdleTimeout,
    FailureClass::Overloaded,
    FailureClass::ServerError,
    FailureClass::ProtocolError,
];

/// How all providers do.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<String, Arc<ProviderHealth>>>);

/// How a provider does.
#[derive(Debug, Default)]
pub struct ProviderHealth {
    /// Whether it can be reached.
    pub reach: Guarded,
    /// Its retry budget.
    pub retries: RetryBudget,
    /// Its adaptive limit; counts only where the configuration asks for one.
    pub limit: AdaptiveLimit,
    models: RwLock<HashMap<Arc<str>, Arc<ModelHealth>>>,
    other_models: Arc<ModelHealth>,
}

/// How a model of a provider does.
#[derive(Debug, Default)]
pub struct ModelHealth {
    /// Whether it answers.
    pub answers: Guarded,
    /// The credentials it is asked with.
    pub credentials: Credentials,
    /// Times to the first content of whole answers and of streams.
    latency: [Latency; 2],
}

/// A breaker, and what its last failure was.
#[derive(Debug, Default)]
pub struct Guarded {
    /// The breaker.
    pub breaker: Breaker,
    /// The class (8 bits) below the status (16 bits).
    blamed: AtomicU32,
}

impl Guarded {
    /// Notes a failure that counts, and the status it came with, if it came with one.
    pub fn blame(&self, class: FailureClass, status: Option<u16>) {
        let position = BLAMED.iter().position(|blamed| *blamed == class);
        let code = position.and_then(|at| u32::try_from(at + 1).ok());
        if let Some(code) = code {
            let status = u32::from(status.unwrap_or(0));
            self.blamed.store(status << 8 | code, Ordering::Relaxed);
        }
    }

    /// The class of the last failure that counted, and its status.
    #[must_use]
    pub fn last_failure(&self) -> Option<(FailureClass, Option<u16>)> {
        let word = self.blamed.load(Ordering::Relaxed);
        let code = usize::try_from(word & 0xFF).ok()?;
        let class = BLAMED.get(code.checked_sub(1)?).copied()?;
        let status = u16::try_from(word >> 8).ok().filter(|status| *status > 0);
        Some((class, status))
    }
}

impl ModelHealth {
    /// Times to the first content, of streams or of whole answers.
    #[must_use]
    pub fn latency(&self, stream: bool) -> &Latency {
        let [whole, streamed] = &self.latency;
        if stream { streamed } else { whole }
    }
}

impl Registry {
    /// The provider of this identity, known or new.
    #[must_use]
    pub fn provider(&self, identity: &str) -> Arc<ProviderHealth> {
        let mut providers = self.0.lock();
        if let Some(known) = providers.get(identity) {
            return Arc::clone(known);
        }
        Arc::clone(providers.entry(identity.to_owned()).or_default())
    }

    /// Forgets every provider that nobody holds any more.
    pub fn sweep(&self) {
        self.0
            .lock()
            .retain(|_, provider| Arc::strong_count(provider) > 1);
    }
}

impl ProviderHealth {
    /// The model of this name at the upstream, known or new.
    #[must_use]
    pub fn model(&self, name: &Arc<str>) -> Arc<ModelHealth> {
        if let Some(known) = self.models.read().get(name) {
            return Arc::clone(known);
        }
        let mut models = self.models.write();
        if models.len() >= MAX_MODELS && !models.contains_key(name) {
            return Arc::clone(&self.other_models);
        }
        Arc::clone(models.entry(Arc::clone(name)).or_default())
    }

    /// Every model that has been asked for, by name.
    #[must_use]
    pub fn models(&self) -> BTreeMap<Arc<str>, Arc<ModelHealth>> {
        let models = self.models.read();
        models
            .iter()
            .map(|(name, model)| (Arc::clone(name), Arc::clone(model)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_as_long_as_somebody_holds_it() {
        let registry = Registry::default();
        let provider = registry.provider("search/openai https://a");
        provider.reach.blame(FailureClass::Connect, None);
        registry.sweep();
        let again = registry.provider("search/openai https://a");
        assert!(Arc::ptr_eq(&provider, &again));
        assert!(!Arc::ptr_eq(
            &provider,
            &registry.provider("search/openai https://b")
        ));
        drop((provider, again));
        registry.sweep();
        let anew = registry.provider("search/openai https://a");
        assert_eq!(anew.reach.last_failure(), None);
    }

    #[test]
    fn models_beyond_the_most_share_a_state() {
        let provider = ProviderHealth::default();
        for number in 0..MAX_MODELS {
            let _ = provider.model(&format!("m{number}").into());
        }
        let (one, two) = (provider.model(&"one".into()), provider.model(&"two".into()));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(!Arc::ptr_eq(&one, &provider.model(&"m0".into())));
        assert_eq!(provider.models().len(), MAX_MODELS);
    }

    #[test]
    fn the_last_blame_is_remembered() {
        let guarded = Guarded::default();
        assert_eq!(guarded.last_failure(), None);
        for class in BLAMED {
            for status in [None, Some(503), Some(u16::MAX)] {
                guarded.blame(class, status);
                assert_eq!(guarded.last_failure(), Some((class, status)));
            }
        }
        let last = guarded.last_failure();
        guarded.blame(FailureClass::ClientGone, None);
        assert_eq!(guarded.last_failure(), last);
    }
}
