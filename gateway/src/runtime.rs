//! A configuration ready to serve: the snapshot's table, keys and providers. Built whole, swapped whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use fairlead_admit::Keys;
use fairlead_compile::Credentials;
use fairlead_health::Registry;
use fairlead_route::{Caller, Table};
use fairlead_snapshot::{Digest, Snapshot};

use crate::upstream::Upstream;

/// What requests are served by.
#[derive(Debug)]
pub struct Runtime {
    /// The digest of the snapshot it was built from.
    pub digest: Digest,
    /// Standalone: counts the configurations of this process. In a cluster: the generation of the published index. From 1; 0 is the
    /// emptiness before the first.
    pub generation: u64,
    /// Rules and plans.
    pub table: Table,
    /// Callers, by their keys.
    pub keys: Keys<Admission>,
    /// The providers, in the order of the table's index.
    pub upstreams: Vec<Arc<Upstream>>,
    /// How providers do: the same in every runtime of a process.
    health: Arc<Registry>,
}

/// What is known of a caller whose key was recognised.
#[derive(Debug)]
pub struct Admission {
    /// Its rules and providers.
    pub caller: Caller,
    /// `namespace/name` of the key.
    pub label: Arc<str>,
}

impl Runtime {
    /// Builds a runtime. Connections and sequence positions of what did not change are taken over from `previous`.
    #[must_use]
    pub fn build(snapshot: &Snapshot, credentials: &Credentials, previous: Option<&Self>) -> Self {
        let table = Table::build(snapshot, previous.map(|previous| &previous.table));
        let before = |name: &str| {
            previous?
                .upstreams
                .iter()
                .find(|upstream| &*upstream.label == name)
        };
        let health = previous
            .map(|previous| Arc::clone(&previous.health))
            .unwrap_or_default();
        let upstreams = table
            .providers()
            .iter()
            .map(|(name, provider)| {
                Arc::new(Upstream::build(
                    name,
                    provider,
                    credentials,
                    &health,
                    before(&name.to_string()).map(|found| &**found),
                ))
            })
            .collect();
        health.sweep();
        let admissions = snapshot.keys.iter().map(|(name, key)| {
            let admission = Admission {
                caller: table.caller(name, key),
                label: name.to_string().into(),
            };
            (name.clone(), key, admission)
        });
        let keys = Keys::build(admissions);
        Self {
            digest: snapshot.digest(),
            generation: previous.map_or(0, |previous| previous.generation.saturating_add(1)),
            table,
            keys,
            upstreams,
            health,
        }
    }
}

/// The runtime in force. A request keeps the one it started with.
pub type Live = ArcSwap<Runtime>;

/// Runtimes that requests may still be using: dropped here, once they are not, and never on a core.
#[derive(Debug, Default)]
pub struct Retired(Vec<Arc<Runtime>>);

impl Retired {
    /// Puts a runtime into force and keeps the one before.
    pub fn replace(&mut self, live: &Live, next: Runtime) {
        self.0.push(live.swap(Arc::new(next)));
    }

    /// Drops those that no request uses any more.
    pub fn sweep(&mut self) {
        self.0.retain(|runtime| Arc::strong_count(runtime) > 1);
    }
}
