//! A snapshot, indexed for requests. Built once per configuration, off the request path, and never changed but for its counters.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fairlead_snapshot::{ObjectName, Provider, Snapshot};

use crate::caller::{Owners, accessible};
use crate::group::Groups;
use crate::route::Route;
use crate::sequence::Sequence;
use crate::standing::Judge;
use crate::upstream::{CredentialChoice, ProviderIndex, Upstream};

/// A snapshot, indexed for requests.
#[derive(Debug)]
pub struct Table {
    pub(crate) gateway_namespace: String,
    pub(crate) providers: Providers,
    /// Every rule, in the snapshot's order.
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) groups: Groups,
    /// Who offers a model by its bare name.
    pub(crate) offers: HashMap<Arc<str>, Offered>,
    /// What a key may name that lists no providers, for every namespace that has keys.
    pub(crate) nameable_from: HashMap<String, Arc<[(ProviderIndex, u32)]>>,
    /// What the owners of keys allow.
    pub(crate) owners: Owners,
}

/// The providers, in order of name; a [`ProviderIndex`] is a position in them.
#[derive(Debug)]
pub(crate) struct Providers {
    named: Vec<(ObjectName, Provider)>,
    upstreams: Vec<Upstream>,
}

/// The providers that offer a model, in order of name.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    pub(crate) by: Vec<ProviderIndex>,
    pub(crate) sequence: Arc<Sequence>,
}

impl Table {
    /// Indexes a snapshot. Where `previous` had a rule, provider or model of the same name, its spread goes on where it stood, so that a
    /// reload does not send everyone to the same first target.
    #[must_use]
    pub fn build(snapshot: &Snapshot, previous: Option<&Self>) -> Self {
        let providers = Providers::new(snapshot, previous);
        let before: HashMap<&ObjectName, &Arc<Route>> = previous
            .iter()
            .flat_map(|table| &table.routes)
            .map(|route| (&route.head.name, route))
            .collect();
        let route = |rule| {
            Arc::new(Route::new(
                rule,
                &providers,
                &snapshot.gateway_namespace,
                before.get(&rule.name).map(AsRef::as_ref),
            ))
        };
        let routes: Vec<Arc<Route>> = snapshot.rules.iter().map(route).collect();
        let namespaces: BTreeSet<&String> =
            snapshot.keys.keys().map(|name| &name.namespace).collect();
        Self {
            gateway_namespace: snapshot.gateway_namespace.clone(),
            groups: Groups::new(
                snapshot.rules.iter().zip(&routes),
                &snapshot.gateway_namespace,
            ),
            offers: offers(&providers, previous),
            nameable_from: namespaces
                .into_iter()
                .map(|namespace| (namespace.clone(), accessible(&providers, namespace)))
                .collect(),
            routes,
            owners: Owners::new(snapshot, &providers),
            providers,
        }
    }

    /// The providers, sorted by name: what a [`ProviderIndex`] is a position in.
    #[must_use]
    pub fn providers(&self) -> &[(ObjectName, Provider)] {
        &self.providers.named
    }

    /// The credential to send with a request for `requested_model`, the name by which the provider offers it, among those that are
    /// `ready`, which is asked by their position in [`Provider::credentials`]. The one that a conversation keeps to, or else the next, which
    /// takes a turn.
    #[must_use]
    pub fn credential(
        &self,
        provider: ProviderIndex,
        requested_model: &str,
        conversation: Option<u64>,
        ready: impl Fn(usize) -> bool,
    ) -> CredentialChoice {
        self.providers
            .upstreams
            .get(provider.0)
            .map_or(CredentialChoice::NoneUsable, |upstream| {
                upstream.credential(requested_model, conversation, ready)
            })
    }

    /// The same where whoever judges the credentials chooses one of them, for an answer that is streamed or comes whole.
    #[must_use]
    pub fn judged_credential(
        &self,
        provider: ProviderIndex,
        requested_model: &str,
        judge: &dyn Judge,
        stream: bool,
        ready: impl Fn(usize) -> bool,
    ) -> CredentialChoice {
        self.providers
            .upstreams
            .get(provider.0)
            .map_or(CredentialChoice::NoneUsable, |upstream| {
                upstream.judged_credential(requested_model, judge, stream, ready)
            })
    }

    /// Whether a request for `requested_model` could be sent with a credential that is `ready`, or needs none. Takes no turn.
    #[must_use]
    pub fn has_credential(
        &self,
        provider: ProviderIndex,
        requested_model: &str,
        ready: impl Fn(usize) -> bool,
    ) -> bool {
        let upstream = self.providers.upstreams.get(provider.0);
        upstream.is_some_and(|upstream| upstream.has_credential(requested_model, ready))
    }

    /// How often the condition of each rule that has failed to evaluate has done so, since the rule was first seen.
    pub fn condition_errors(&self) -> impl Iterator<Item = (&ObjectName, u64)> {
        self.routes
            .iter()
            .map(|route| (&route.head.name, route.condition_errors()))
            .filter(|(_, errors)| *errors > 0)
    }
}

impl Providers {
    fn new(snapshot: &Snapshot, previous: Option<&Table>) -> Self {
        let sequence = |name: &ObjectName| {
            let before = previous.and_then(|table| {
                Some(
                    table
                        .providers
                        .upstream(table.providers.index_of(&name.namespace, &name.name)?),
                )
            });
            before
                .map(|upstream| Arc::clone(&upstream.sequence))
                .unwrap_or_default()
        };
        Self {
            named: snapshot
                .providers
                .iter()
                .map(|(name, provider)| (name.clone(), provider.clone()))
                .collect(),
            upstreams: snapshot
                .providers
                .iter()
                .map(|(name, provider)| Upstream::new(name, provider, sequence(name)))
                .collect(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.named.len()
    }

    /// All of them with their names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (ProviderIndex, &ObjectName, &Provider)> {
        let all = self.named.iter().enumerate();
        all.map(|(at, (name, provider))| (ProviderIndex(at), name, provider))
    }

    /// Where a provider is, if there is one of that name.
    pub(crate) fn index_of(&self, namespace: &str, name: &str) -> Option<ProviderIndex> {
        let order = |(each, _): &(ObjectName, Provider)| {
            (each.namespace.as_str(), each.name.as_str()).cmp(&(namespace, name))
        };
        self.named.binary_search_by(order).ok().map(ProviderIndex)
    }

    pub(crate) fn get(&self, index: ProviderIndex) -> Option<&Provider> {
        self.named.get(index.0).map(|(_, provider)| provider)
    }

    pub(crate) fn name(&self, index: ProviderIndex) -> Option<&ObjectName> {
        self.named.get(index.0).map(|(name, _)| name)
    }

    /// The indexed side of a provider. Indices come from this table only.
    pub(crate) fn upstream(&self, index: ProviderIndex) -> &Upstream {
        &self.upstreams[index.0]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ProviderIndex, &Provider)> {
        self.named
            .iter()
            .enumerate()
            .map(|(position, (_, provider))| (ProviderIndex(position), provider))
    }
}

fn offers(providers: &Providers, previous: Option<&Table>) -> HashMap<Arc<str>, Offered> {
    let mut offers = HashMap::<Arc<str>, Offered>::new();
    for (index, _) in providers.iter() {
        for model in providers.upstream(index).offered() {
            let offered = offers.entry(Arc::clone(model)).or_insert_with(|| {
                let before = previous.and_then(|table| table.offers.get(model));
                Offered {
                    by: Vec::new(),
                    sequence: before
                        .map(|offered| Arc::clone(&offered.sequence))
                        .unwrap_or_default(),
                }
            });
            offered.by.push(index);
        }
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_callers_are_shared_by_all_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Table>();
        shared::<crate::Caller>();
    }
}
