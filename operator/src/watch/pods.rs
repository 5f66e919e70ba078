//! The pods of the Services that providers name, and of no others: one watch for each namespace that has such a provider, of the slices of these
//! Services only. Only who leads watches any. Slices of other Services never arrive, however many there are; one namespace's are counted apart, and
//! what is over its share is kept without its addresses ([`super::kept`]).
//!
//! A namespace whose Services are others now is listed anew, and until that is done the list before counts for those that were in it. Of a Service
//! that was in no list yet nothing is known, which is not the same as that it has no pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairlead_compile::{SERVICE_LABEL, Services, Slice};
use fairlead_snapshot::{ObjectName, Snapshot};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, Client, ResourceExt as _};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::kept::Item;
use super::shelf::Shelf;
use super::{Watched, follow};
use crate::api;
use crate::metrics::Metrics;

/// So many Services of a namespace are watched at most. Their names stand in the request.
const MOST: usize = 64;
/// What an address takes.
const ADDRESS_BYTES: usize = 32;

/// The Services that providers name, by namespace.
pub(crate) type Wanted = BTreeMap<String, BTreeSet<String>>;

/// The pods of the Services that providers name.
#[derive(Debug)]
pub(crate) struct Pods {
    /// Some of them are others now, or a list is done.
    pub changed: Notify,
    wanted: watch::Sender<Wanted>,
    watching: Mutex<BTreeMap<String, Watching>>,
}

/// What is seen of a namespace.
#[derive(Debug)]
struct Watching {
    list: List,
    /// What was seen of it before its Services were others.
    before: Option<List>,
    task: AbortHandle,
}

#[derive(Debug, Clone)]
struct List {
    services: BTreeSet<String>,
    shelf: Arc<Shelf<Slice>>,
}

impl Default for Pods {
    fn default() -> Self {
        Self {
            changed: Notify::new(),
            wanted: watch::Sender::new(Wanted::new()),
            watching: Mutex::default(),
        }
    }
}

impl Item for Slice {
    fn bytes(&self) -> usize {
        self.addresses.len() * ADDRESS_BYTES
    }

    fn withhold(&mut self) {
        self.addresses = Vec::new();
    }
}

impl List {
    fn slices(&self) -> BTreeMap<String, Vec<Arc<Slice>>> {
        let none = self.services.iter().map(|name| (name.clone(), Vec::new()));
        let mut all: BTreeMap<String, Vec<Arc<Slice>>> = none.collect();
        for (_, slice) in self.shelf.items() {
            if let Some(slices) = all.get_mut(&slice.service) {
                slices.push(slice);
            }
        }
        all
    }
}

impl Pods {
    /// Watches these from now on. Whether they are others than before.
    pub(crate) fn want(&self, wanted: &Wanted) -> bool {
        self.wanted.send_if_modified(|known| {
            let changed = known != wanted;
            known.clone_from(wanted);
            changed
        })
    }

    /// What is known of them.
    #[must_use]
    pub(crate) fn services(&self) -> Services {
        let mut services = Services::default();
        for (namespace, names) in &*self.wanted.borrow() {
            let beyond = names.iter().skip(MOST);
            let beyond = beyond.map(|name| ObjectName::new(namespace, name));
            services.unwatched.extend(beyond);
        }
        for (namespace, watching) in &*self.watching.lock() {
            let (list, before) = (&watching.list, &watching.before);
            let done = list.shelf.is_complete();
            let counts = if done { Some(list) } else { before.as_ref() };
            let slices = counts.map(List::slices).unwrap_or_default();
            let slices = slices
                .into_iter()
                .map(|(name, slices)| (ObjectName::new(namespace, name), slices));
            services.slices.extend(slices);
        }
        services
    }

    /// Whether all that is wanted is listed, or has been asked for in vain.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        let (wanted, watching) = (self.wanted.borrow(), self.watching.lock());
        wanted.iter().all(|(namespace, services)| {
            watching.get(namespace).is_some_and(|watching| {
                let list = &watching.list;
                let asked = list.shelf.is_complete() || list.shelf.has_failed();
                asked && list.services.is_superset(&bounded(services))
            })
        })
    }
}

fn bounded(services: &BTreeSet<String>) -> BTreeSet<String> {
    services.iter().take(MOST).cloned().collect()
}

/// The Services that the providers of an installation name, now or in the version that is in force.
#[must_use]
pub(crate) fn wanted(watched: &Watched, gateway_name: &str, live: Option<&Snapshot>) -> Wanted {
    named(watched, gateway_name, |name, spec| {
        let said = spec["endpoints"]["serviceRef"]["name"].as_str();
        let live = live.and_then(|live| live.providers.get(name)?.endpoints.as_ref());
        let live = live.and_then(|live| Some(live.service.as_ref()?.name.as_str()));
        // It goes into the request: what no Service can be called is not asked for.
        let can_be = |name: &&str| name.parse::<fairlead_crds::text::Label>().is_ok();
        let names = said.into_iter().chain(live).filter(can_be);
        names.map(str::to_owned).collect()
    })
}

/// What each provider of an installation names, by its name and its spec.
pub(super) fn named(
    watched: &Watched,
    gateway_name: &str,
    names: impl Fn(&ObjectName, &serde_json::Value) -> Vec<String>,
) -> Wanted {
    let mut wanted = Wanted::new();
    let Some((_, providers)) = watched.resources.get("LLMProvider") else {
        return wanted;
    };
    for (name, resource) in providers.items() {
        let spec = &resource.document.value["spec"];
        if spec["gatewayName"].as_str().unwrap_or("default") != gateway_name {
            continue;
        }
        for named in names(&name, spec) {
            let of = wanted.entry(name.namespace.clone()).or_default();
            of.insert(named);
        }
    }
    wanted
}

/// Watches what is wanted, for ever.
pub(crate) async fn run(client: Client, watched: Arc<Watched>, metrics: Arc<Metrics>) {
    let mut wanted = watched.pods.wanted.subscribe();
    let mut tasks = JoinSet::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        {
            let mut watching = watched.pods.watching.lock();
            watching.retain(|namespace, watching| {
                let keep = now.contains_key(namespace);
                if !keep {
                    watching.task.abort();
                }
                keep
            });
            for (namespace, services) in now {
                let services = bounded(&services);
                let known = watching.get(&namespace);
                // One that is watched and not wanted any more is looked at by nobody.
                if known.is_some_and(|known| known.list.services.is_superset(&services)) {
                    continue;
                }
                let list = List {
                    services,
                    shelf: Arc::new(Shelf::new(1)),
                };
                let task = tasks.spawn(slices(
                    (client.clone(), namespace.clone()),
                    list.clone(),
                    Arc::clone(&watched),
                    Arc::clone(&metrics),
                ));
                let before = watching.remove(&namespace).and_then(|before| {
                    before.task.abort();
                    if before.list.shelf.is_complete() {
                        Some(before.list)
                    } else {
                        before.before
                    }
                });
                let next = Watching { list, before, task };
                watching.insert(namespace, next);
            }
        }
        while tasks.try_join_next().is_some() {}
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

async fn slices(
    (client, namespace): (Client, String),
    list: List,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
) {
    let api: Api<EndpointSlice> = Api::namespaced(client, &namespace);
    let names: Vec<&str> = list.services.iter().map(String::as_str).collect();
    let selector = format!("{SERVICE_LABEL} in ({})", names.join(","));
    let config = api::watched_in_small_pages().labels(&selector);
    let read = |slice: EndpointSlice| {
        let name = ObjectName::new(slice.namespace().unwrap_or_default(), slice.name_any());
        Some((name, Slice::read(&slice)?))
    };
    let tell = || watched.pods.changed.notify_one();
    follow(
        api,
        config,
        Some(namespace),
        &list.shelf,
        read,
        tell,
        &metrics,
    )
    .await;
}

#[cfg(test)]
mod tests;
