//! What gateways are to enforce: the published configuration, followed as it changes, with what explanations and keys are found by.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use fairlead_admit::Keys;
use fairlead_console::Holder;
use fairlead_process::Pause;
use fairlead_published::Shards;
use fairlead_route::Table;
use fairlead_snapshot::{Digest, ObjectName, Snapshot, names};
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::metrics::Metrics;

/// Between two attempts to read what could not be read.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// How long a watch lasts before it is begun anew, in seconds: a connection that died without a word is noticed after that.
const WATCH: u32 = 60;
/// How long one reading may take.
const READING: Duration = Duration::from_secs(30);

/// A generation of the configuration.
pub(super) struct Generation {
    /// Counted up by the operator.
    pub(super) number: u64,
    /// All of it.
    pub(super) snapshot: Snapshot,
    /// What explanations are asked of.
    pub(super) table: Table,
    /// The namespaces of everything that is in it.
    pub(super) namespaces: BTreeSet<Arc<str>>,
    keys: Keys<()>,
}

/// What is published, and why not something newer.
pub(super) struct Published {
    maps: Api<ConfigMap>,
    gateway_name: String,
    live: ArcSwapOption<Generation>,
    trouble: Mutex<Option<String>>,
    told: Arc<Metrics>,
}

impl Generation {
    /// What is found in a configuration; takes a while where it is large.
    #[must_use]
    pub(super) fn of(number: u64, snapshot: Snapshot) -> Self {
        let table = Table::build(&snapshot, None);
        let keys = snapshot.keys.iter();
        let keys = Keys::build(keys.map(|(name, key)| (name.clone(), key, ())));
        let named = snapshot.providers.keys().chain(snapshot.keys.keys());
        let named = named.chain(snapshot.teams.keys());
        let named = named.chain(snapshot.rules.iter().map(|rule| &rule.name));
        let namespaces: BTreeSet<Arc<str>> =
            named.map(|name| name.namespace.as_str().into()).collect();
        Self {
            number,
            table,
            keys,
            namespaces,
            snapshot,
        }
    }

    /// The key that has this value, if it is good now. From where somebody looks is not from where they call: keys that are bound to networks do
    /// not sign in.
    #[must_use]
    pub(super) fn holder(&self, value: &str, now: i64) -> Option<Holder> {
        let found = self.keys.find(value.as_bytes(), now, || None).ok()?;
        Some(Holder::of(&found.name.to_string(), value.as_bytes()))
    }

    /// Whether the value that somebody signed in with is still good.
    #[must_use]
    pub(super) fn still_holds(&self, holder: &Holder, now: i64) -> bool {
        let Ok(name) = holder.key.parse::<ObjectName>() else {
            return false;
        };
        let Some(key) = self.snapshot.keys.get(&name) else {
            return false;
        };
        let expired = key.expires_at.is_some_and(|at| at <= now);
        if key.refused.is_some() || expired || !key.networks.is_empty() {
            return false;
        }
        let shown = hex(&holder.digest);
        let is_it = |digest: &Digest| digest.as_str() == shown;
        let before = key.previous.as_ref();
        key.digest.as_ref().is_some_and(is_it)
            || before.is_some_and(|before| before.until > now && is_it(&before.digest))
    }
}

impl Published {
    /// Nothing yet.
    #[must_use]
    pub(super) fn new(
        client: &Client,
        namespace: &str,
        gateway_name: &str,
        told: &Arc<Metrics>,
    ) -> Self {
        Self {
            maps: Api::namespaced(client.clone(), namespace),
            gateway_name: gateway_name.to_owned(),
            live: ArcSwapOption::empty(),
            trouble: Mutex::default(),
            told: Arc::clone(told),
        }
    }

    /// The newest that could be read.
    #[must_use]
    pub(super) fn live(&self) -> Option<Arc<Generation>> {
        self.live.load_full()
    }

    /// Why it is not the newest that there is.
    #[must_use]
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Follows it for ever.
    pub(super) async fn run(&self) {
        let changed = Notify::new();
        tokio::join!(self.watch(&changed), self.follow(&changed));
    }

    /// Says when the index has changed; it is read by itself, so that whatever is seen belongs together.
    async fn watch(&self, changed: &Notify) {
        let field = format!("metadata.name={}", names::index(&self.gateway_name));
        let config = watcher::Config::default().fields(&field).timeout(WATCH);
        let events = watcher(self.maps.clone(), config).default_backoff();
        let mut events = std::pin::pin!(events);
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init | Event::InitApply(_))) => {}
                Ok(Some(Event::InitDone | Event::Apply(_) | Event::Delete(_))) => {
                    changed.notify_one();
                }
                Ok(None) => return,
                // The reading says what is wrong, if anything is.
                Err(_) => changed.notify_one(),
            }
        }
    }

    async fn follow(&self, changed: &Notify) {
        let mut shards = Shards::default();
        let mut pause = Pause::between(PAUSE, LONGEST);
        loop {
            let next = match self.read(&mut shards).await {
                Ok(()) => {
                    pause.reset();
                    // Should a watch have missed something.
                    LONGEST * 10
                }
                Err(trouble) => {
                    self.say(Some(trouble));
                    pause.grow()
                }
            };
            tokio::select! {
                () = changed.notified() => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    async fn read(&self, shards: &mut Shards) -> Result<(), String> {
        let reading = shards.read(&self.maps, &self.gateway_name);
        let read = tokio::time::timeout(READING, reading).await;
        let read = read.map_err(|_| "the API server does not answer".to_owned())?;
        let (number, snapshot) = read.map_err(|error| error.to_string())?;
        let is_known = |live: Arc<Generation>| live.number == number && live.snapshot == snapshot;
        if !self.live().is_some_and(is_known) {
            let built = tokio::task::spawn_blocking(move || Generation::of(number, snapshot));
            let built = built.await.map_err(|error| error.to_string())?;
            self.live.store(Some(Arc::new(built)));
            self.told.generation.set(number.try_into().unwrap_or(0));
            tracing::info!(generation = number, "shown");
        }
        self.say(None);
        Ok(())
    }

    fn say(&self, trouble: Option<String>) {
        let mut said = self.trouble.lock();
        if let Some(trouble) = trouble
            .as_ref()
            .filter(|&trouble| said.as_ref() != Some(trouble))
        {
            tracing::warn!("what gateways enforce cannot be read: {trouble}; trying again");
        }
        *said = trouble;
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::{Allow, Key, Limits, Previous, Refusal};

    use super::*;

    fn key() -> Key {
        Key {
            digest: Some(Digest::of_bytes(b"sk-new")),
            oidc: None,
            networks: Vec::new(),
            previous: Some(Previous {
                digest: Digest::of_bytes(b"sk-old"),
                until: 100,
            }),
            refused: None,
            expires_at: Some(1_000),
            team: None,
            organization: None,
            allow: Allow::default(),
            limits: Limits::default(),
        }
    }

    fn generation(key: Key) -> Generation {
        let mut snapshot = Snapshot::empty("own");
        snapshot.keys.insert(ObjectName::new("search", "app"), key);
        Generation::of(1, snapshot)
    }

    #[test]
    fn a_value_lets_in_while_it_is_good_and_no_longer() {
        let live = generation(key());
        let [new, old] = ["sk-new", "sk-old"].map(|value| live.holder(value, 50).unwrap());
        assert_eq!(new.key, "search/app");
        assert!(live.still_holds(&new, 999) && !live.still_holds(&new, 1_000));
        assert!(live.still_holds(&old, 99) && !live.still_holds(&old, 100));
        assert!(live.holder("sk-other", 50).is_none());
        assert!(!live.still_holds(&Holder::of("search/app", b"sk-other"), 50));
        assert!(!live.still_holds(&Holder::of("search/other", b"sk-new"), 50));
        let suspended = generation(Key {
            refused: Some(Refusal::Suspended),
            ..key()
        });
        assert!(!suspended.still_holds(&new, 50));
    }

    #[test]
    fn a_key_that_is_bound_to_networks_lets_nobody_in() {
        let live = generation(Key {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            ..key()
        });
        assert!(live.holder("sk-new", 50).is_none());
        assert!(!live.still_holds(&Holder::of("search/app", b"sk-new"), 50));
    }
}
