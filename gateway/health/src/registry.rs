//! Everything that is known, by identity: a provider by its name and address, its models within it. Looked up when a
//! configuration is built, so that requests hold what they need; what no configuration names any more is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use fairlead_snapshot::FailureClass;
use parking_lot::{Mutex, RwLock};

use crate::accounts::Accounts;
use crate::breaker::Breaker;
use crate::budget::RetryBudget;
use crate::conversations::Conversations;
use crate::credentials::Credentials;
use crate::latency::Latency;
use crate::limit::AdaptiveLimit;
use crate::tempo::Tempo;

/// Configured names per provider of which something is kept: more than anybody configures; old ones stay behind where names are edited.
const MAX_CONFIGURED: usize = 4096;
/// Names that only callers have come up with, per provider. Callers can name any model of a provider that lists none.
const MAX_OTHERS: usize = 256;

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
    /// How many requests were sent to it, whoever has.
    sent: AtomicU64,
    models: RwLock<HashMap<Arc<str>, Known>>,
}

/// A model of which something is kept.
#[derive(Debug)]
struct Known {
    health: Arc<ModelHealth>,
    origin: Origin,
    /// The second in which it was last asked for.
    used: AtomicU64,
}

/// Where the name of a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the configuration: there are only so many of them.
    Configuration,
    /// From a caller, who can make up any.
    Caller,
}

/// How a model of a provider does.
#[derive(Debug, Default)]
pub struct ModelHealth {
    /// Whether it answers.
    pub answers: Guarded,
    /// The credentials it is asked with.
    pub credentials: Credentials,
    /// How quick it is, and how much it has to do.
    pub tempo: Tempo,
    /// What is left of the accounts it is asked with.
    pub accounts: Arc<Accounts>,
    /// The conversations it has answered, where what they cost decides where they go.
    pub conversations: Conversations,
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
    /// A request is sent to it.
    pub fn goes_out(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were. Wraps around.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// What is known of the model of this name at the upstream. Of a name that only a caller has come up with nothing is known before the
    /// provider has answered it, so made-up names neither fill the table nor speak against anybody.
    #[must_use]
    pub fn model(
        &self,
        name: &Arc<str>,
        origin: Origin,
        now: Duration,
    ) -> Option<Arc<ModelHealth>> {
        if let Some(known) = self.models.read().get(name) {
            known.touch(now);
            return Some(Arc::clone(&known.health));
        }
        (origin == Origin::Configuration).then(|| self.insert(name, origin, now))
    }

    /// The same of a model that has just answered: its name is one that the provider has.
    #[must_use]
    pub fn answered(&self, name: &Arc<str>, origin: Origin, now: Duration) -> Arc<ModelHealth> {
        self.model(name, origin, now)
            .unwrap_or_else(|| self.insert(name, origin, now))
    }

    /// What is known of a model already.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<Arc<ModelHealth>> {
        let models = self.models.read();
        models.get(name).map(|known| Arc::clone(&known.health))
    }

    /// Every model of which something is kept, by name, and where the name comes from.
    #[must_use]
    pub fn models(&self) -> BTreeMap<Arc<str>, (Arc<ModelHealth>, Origin)> {
        let models = self.models.read();
        models
            .iter()
            .map(|(name, known)| (Arc::clone(name), (Arc::clone(&known.health), known.origin)))
            .collect()
    }

    /// Names of one origin make room for each other only, the one first that was not asked for the longest.
    fn insert(&self, name: &Arc<str>, origin: Origin, now: Duration) -> Arc<ModelHealth> {
        let most = match origin {
            Origin::Configuration => MAX_CONFIGURED,
            Origin::Caller => MAX_OTHERS,
        };
        let mut models = self.models.write();
        if !models.contains_key(name) {
            let alike = || models.iter().filter(|(_, known)| known.origin == origin);
            if alike().count() >= most {
                let oldest = alike().min_by_key(|(_, known)| known.used.load(Ordering::Relaxed));
                if let Some(oldest) = oldest.map(|(name, _)| Arc::clone(name)) {
                    models.remove(&oldest);
                }
            }
        }
        let known = models.entry(Arc::clone(name)).or_insert_with(|| Known {
            health: Arc::default(),
            origin,
            used: AtomicU64::new(now.as_secs()),
        });
        Arc::clone(&known.health)
    }
}

impl Known {
    /// Cores share this: it is written to once a second at most.
    fn touch(&self, now: Duration) {
        if self.used.load(Ordering::Relaxed) != now.as_secs() {
            self.used.store(now.as_secs(), Ordering::Relaxed);
        }
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

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_kept_of_a_name_that_only_a_caller_has_come_up_with() {
        let provider = ProviderHealth::default();
        for number in 0..10_000 {
            let name = format!("invented-{number}").into();
            assert!(provider.model(&name, Origin::Caller, at(0)).is_none());
        }
        assert!(provider.models().is_empty());
        let configured = provider.model(&"m".into(), Origin::Configuration, at(0));
        assert!(configured.is_some());
    }

    #[test]
    fn a_name_that_was_answered_is_known_from_then_on() {
        let provider = ProviderHealth::default();
        let answered = provider.answered(&"m".into(), Origin::Caller, at(0));
        let known = provider.model(&"m".into(), Origin::Caller, at(0)).unwrap();
        assert!(Arc::ptr_eq(&answered, &known));
    }

    #[test]
    fn made_up_names_that_are_answered_push_out_each_other_and_no_configured_one() {
        let provider = ProviderHealth::default();
        let configured = provider
            .model(&"m".into(), Origin::Configuration, at(0))
            .unwrap();
        let often: Arc<str> = "often".into();
        let kept = provider.answered(&often, Origin::Caller, at(0));
        for number in 0..5_000 {
            let name: Arc<str> = format!("invented-{number}").into();
            let one = provider.answered(&name, Origin::Caller, at(number));
            assert!(!Arc::ptr_eq(&one, &configured), "nobody shares a state");
            assert!(provider.model(&often, Origin::Caller, at(number)).is_some());
        }
        assert_eq!(provider.models().len(), MAX_OTHERS + 1);
        let still = provider
            .model(&"m".into(), Origin::Configuration, at(0))
            .unwrap();
        assert!(Arc::ptr_eq(&still, &configured));
        let still = provider.model(&often, Origin::Caller, at(0)).unwrap();
        assert!(Arc::ptr_eq(&still, &kept));
    }

    #[test]
    fn configured_names_of_the_past_make_room() {
        let provider = ProviderHealth::default();
        for number in 0..5_000 {
            let name = format!("m{number}").into();
            let _ = provider.model(&name, Origin::Configuration, at(number));
        }
        assert_eq!(provider.models().len(), MAX_CONFIGURED);
        assert!(provider.models().contains_key("m4999"));
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
