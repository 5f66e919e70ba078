//! A configuration ready to serve: the snapshot's table, keys and providers. Built whole, swapped whole.

#[cfg(feature = "console")]
pub(crate) mod enforced;
mod retired;
pub(crate) mod tokens;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use arc_swap::ArcSwap;
use fairlead_admit::Keys;
use fairlead_health::Asker;
use fairlead_route::{Caller, Table};
use fairlead_snapshot::Credentials;
use fairlead_snapshot::{Digest, Key, ObjectName, Snapshot};

use crate::clock;
use crate::govern::Governor;
use crate::govern::bound::Bound;
use crate::govern::chain::{Limited, Owners};
use crate::govern::dear::MaxCost;
use crate::judges::Judges;
use crate::upstream::Upstream;
use crate::upstream::environment::Environment;
pub(crate) use retired::{Retired, apart};
use tokens::TokenCallers;

/// What requests are served by.
#[derive(Debug)]
pub(crate) struct Runtime {
    /// The digest of the snapshot it was built from.
    pub digest: Digest,
    /// Standalone: counts the configurations of this process. In a cluster: the generation of the published index. From 1; 0 is the
    /// emptiness before the first.
    pub generation: u64,
    /// Rules and plans.
    pub table: Table,
    /// Callers, by their keys.
    pub keys: Keys<Arc<Admission>>,
    /// Callers, by the tokens that they present instead.
    pub tokens: TokenCallers<Arc<Admission>>,
    /// The providers, in the order of the table's index.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Whether it matters of any caller where it connects from.
    pub asks_for_origin: bool,
    /// The limits of everybody who has some, none without any; by level, then by name.
    pub holders: Vec<Arc<[Bound]>>,
    /// Who judges the targets of rules that go by how these do.
    pub judges: Judges,
    /// The same in every runtime of a process.
    environment: Arc<Environment>,
}

/// What is known of a caller whose key was recognised.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Its rules and providers.
    pub caller: Caller,
    /// `namespace/name` of the key.
    pub label: Arc<str>,
    /// Its team, if it has one.
    pub team: Option<Arc<str>>,
    /// The same, as permissions of which there is one at a time know it.
    pub asker: Asker,
    /// What it has to keep.
    pub limited: Arc<Limited>,
}

impl Runtime {
    /// The first runtime of a process.
    #[must_use]
    pub(crate) fn first(
        snapshot: &Snapshot,
        credentials: &Credentials,
        environment: Environment,
    ) -> Self {
        Self::build(snapshot, credentials, Arc::new(environment), None, None)
    }

    /// The runtime after this one. Connections and sequence positions of what did not change are taken over.
    #[must_use]
    pub(crate) fn next(&self, snapshot: &Snapshot, credentials: &Credentials) -> Self {
        let environment = Arc::clone(&self.environment);
        Self::build(snapshot, credentials, environment, Some(self), None)
    }

    /// The same, of a publication with a number of its own.
    #[cfg(feature = "kubernetes")]
    #[must_use]
    pub(crate) fn published(
        &self,
        snapshot: &Snapshot,
        credentials: &Credentials,
        generation: u64,
    ) -> Self {
        let environment = Arc::clone(&self.environment);
        Self::build(
            snapshot,
            credentials,
            environment,
            Some(self),
            Some(generation),
        )
    }

    /// What requests are counted by.
    #[must_use]
    pub(crate) fn governor(&self) -> &Governor {
        &self.environment.governor
    }

    fn build(
        snapshot: &Snapshot,
        credentials: &Credentials,
        environment: Arc<Environment>,
        previous: Option<&Self>,
        published: Option<u64>,
    ) -> Self {
        // Whoever has the newest limits is believed, so that they need a number that rises over restarts too.
        let of_limits =
            published.unwrap_or_else(|| u64::try_from(clock::unix_millis()).unwrap_or(0));
        let table = Table::build(snapshot, previous.map(|previous| &previous.table));
        let upstreams = upstreams(&table, credentials, &environment, of_limits, previous);
        environment.health.sweep();
        let of_providers: Vec<_> = upstreams
            .iter()
            .map(|upstream| Arc::clone(&upstream.limits))
            .filter(|limits| !limits.is_empty())
            .collect();
        let owners = Owners::of(snapshot, of_limits);
        let mut holders: Vec<_> = owners.all().collect();
        let admissions = admissions(snapshot, &table, &owners);
        let chains = admissions.iter().map(|(_, _, known)| &known.limited.chain);
        holders.extend(chains.flat_map(|chain| chain.own().cloned()));
        let tokens = TokenCallers::build(
            &snapshot.gateway_namespace,
            admissions
                .iter()
                .filter(|(_, key, _)| key.oidc.is_some())
                .cloned(),
            previous.map(|previous| &previous.tokens),
            &environment,
        );
        let keys = Keys::build(admissions);
        holders.extend(of_providers);
        holders.sort_by(|one, other| Bound::place(one).cmp(&Bound::place(other)));
        let before = previous.map(|previous| &previous.judges);
        Self {
            judges: Judges::build(snapshot, &upstreams, environment.clock, before),
            digest: snapshot.digest(),
            generation: published.unwrap_or_else(|| {
                previous.map_or(0, |previous| previous.generation.saturating_add(1))
            }),
            table,
            keys,
            tokens,
            upstreams,
            asks_for_origin: snapshot.keys.values().any(|key| !key.networks.is_empty()),
            holders,
            environment,
        }
    }
}

/// The providers, in the order of the table's index.
fn upstreams(
    table: &Table,
    credentials: &Credentials,
    environment: &Environment,
    of_limits: u64,
    previous: Option<&Runtime>,
) -> Vec<Arc<Upstream>> {
    let before = |name: &str| {
        let mut known = previous?.upstreams.iter();
        known.find(|upstream| &*upstream.label == name)
    };
    let providers = table.providers().iter();
    let build = |(name, provider): &(ObjectName, _)| {
        let before = before(&name.to_string()).map(|found| &**found);
        Arc::new(Upstream::build(
            name,
            provider,
            credentials,
            environment,
            of_limits,
            before,
        ))
    };
    providers.map(build).collect()
}

/// What is known of each caller, beside its key.
fn admissions<'a>(
    snapshot: &'a Snapshot,
    table: &Table,
    owners: &Owners,
) -> Vec<(ObjectName, &'a Key, Arc<Admission>)> {
    let admissions = snapshot.keys.iter().map(|(name, key)| {
        let number = number(name);
        let chain = owners.chain(name, key);
        let admission = Admission {
            caller: table.caller(name, key),
            asker: Asker::new(number),
            limited: Arc::new(Limited {
                chain,
                max_cost: MaxCost::of_key(snapshot, name, key),
                number,
            }),
            label: name.to_string().into(),
            team: key.team.as_deref().map(Into::into),
        };
        (name.clone(), key, Arc::new(admission))
    });
    admissions.collect()
}

/// The same in every configuration that has the key.
fn number(key: &ObjectName) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The runtime in force. A request keeps the one it started with.
pub(crate) type Live = ArcSwap<Runtime>;
