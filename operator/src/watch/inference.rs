//! The InferencePools that providers name, and their pods: one watch of the InferencePools of each namespace that has such a provider, and one of
//! the pods of each InferencePool that is named, by its own labels. Only who leads watches any.
//!
//! Where the cluster has no such kind, nothing is watched; whether it has is looked at again and again for as long as a provider names one. A pod
//! that is not ready is kept as nothing. What is not listed yet is not known, which is not the same as that there is none.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{
    INFERENCE_GROUP, INFERENCE_VERSION, InferencePool, PoolSelector, ready_address,
};
use fairlead_snapshot::{ObjectName, Snapshot};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, ResourceExt as _};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::kept::Item;
use super::pods::Wanted;
use super::shelf::Shelf;
use super::{Watched, follow};
use crate::api;
use crate::metrics::Metrics;

/// So many InferencePools of a namespace have their pods watched at most: each is a watch.
const MOST: usize = 16;
/// How often it is looked whether the cluster has the kind.
const LOOK: Duration = Duration::from_secs(10);
/// What a pod takes.
const POD_BYTES: usize = 64;

/// What is known of InferencePools.
#[derive(Debug)]
pub(crate) struct InferencePools {
    wanted: watch::Sender<Wanted>,
    /// What an InferencePool says is another now.
    edited: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the cluster has the kind; `None`: that is not known.
    installed: Option<bool>,
    /// The InferencePools of each namespace.
    namespaces: BTreeMap<String, Namespace>,
    /// The pods of each that is named.
    members: BTreeMap<ObjectName, Members>,
}

#[derive(Debug)]
struct Namespace {
    pools: Arc<Shelf<Said>>,
    task: AbortHandle,
}

/// What an InferencePool says, or what is wrong with that.
#[derive(Debug, PartialEq)]
struct Said(Result<PoolSelector, &'static str>);

#[derive(Debug)]
struct Members {
    labels: BTreeMap<String, String>,
    pods: Arc<Shelf<Ready>>,
    task: AbortHandle,
}

/// Where a pod takes requests, if it does.
#[derive(Debug, PartialEq)]
struct Ready(Option<IpAddr>);

impl Default for InferencePools {
    fn default() -> Self {
        Self {
            wanted: watch::Sender::new(Wanted::new()),
            edited: Notify::new(),
            state: Mutex::default(),
        }
    }
}

impl Item for Said {
    fn bytes(&self) -> usize {
        let labels = self.0.iter().flat_map(|said| &said.labels);
        labels.map(|(name, value)| name.len() + value.len()).sum()
    }

    fn withhold(&mut self) {
        self.0 = Err("its namespace has more InferencePools than are kept");
    }
}

impl Item for Ready {
    fn bytes(&self) -> usize {
        self.0.map_or(0, |_| POD_BYTES)
    }

    fn withhold(&mut self) {
        self.0 = None;
    }
}

impl InferencePools {
    /// Watches these from now on. Whether they are others than before.
    pub(crate) fn want(&self, wanted: &Wanted) -> bool {
        self.wanted.send_if_modified(|known| {
            let changed = known != wanted;
            known.clone_from(wanted);
            changed
        })
    }

    /// What is known of those that are wanted.
    #[must_use]
    pub(crate) fn known(&self) -> BTreeMap<ObjectName, InferencePool> {
        let (wanted, state) = (self.wanted.borrow(), self.state.lock());
        let mut known = BTreeMap::new();
        for (namespace, names) in &*wanted {
            for (at, name) in names.iter().enumerate() {
                let name = ObjectName::new(namespace, name);
                if at >= MOST {
                    known.insert(name, InferencePool::Unwatched);
                } else if let Some(pool) = state.known(&name) {
                    known.insert(name, pool);
                }
            }
        }
        known
    }

    /// Whether all that is wanted is known, or has been asked for in vain.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        let (wanted, state) = (self.wanted.borrow(), self.state.lock());
        watched(&wanted).all(|name| state.is_settled(&name))
    }
}

impl State {
    fn known(&self, name: &ObjectName) -> Option<InferencePool> {
        if !self.installed? {
            return Some(InferencePool::NotInstalled);
        }
        let namespace = self.namespaces.get(&name.namespace)?;
        if !namespace.pools.is_complete() {
            return None;
        }
        let Some(said) = namespace.pools.get(name) else {
            return Some(InferencePool::Missing);
        };
        let said = match &said.0 {
            Ok(said) => said,
            Err(fault) => return Some(InferencePool::Unreadable(fault)),
        };
        let members = self.members.get(name)?;
        let counts = members.labels == said.labels && members.pods.is_complete();
        counts.then(|| {
            let pods = members.pods.items();
            InferencePool::Found {
                pods: pods.iter().filter_map(|(_, pod)| pod.0).collect(),
                ports: said.ports.clone(),
            }
        })
    }

    fn is_settled(&self, name: &ObjectName) -> bool {
        let refused = |shelf: Option<bool>| shelf == Some(true);
        let pools = self.namespaces.get(&name.namespace);
        let members = self.members.get(name);
        self.known(name).is_some()
            || refused(pools.map(|namespace| namespace.pools.has_failed()))
            || refused(members.map(|members| members.pods.has_failed()))
    }

    /// Watches nothing any more of what is not wanted.
    fn retain(&mut self, wanted: &Wanted) {
        self.namespaces.retain(|namespace, watching| {
            let keep = wanted.contains_key(namespace);
            if !keep {
                watching.task.abort();
            }
            keep
        });
        self.members.retain(|name, members| {
            let names = wanted.get(&name.namespace);
            let keep =
                names.is_some_and(|names| names.iter().take(MOST).any(|one| *one == name.name));
            if !keep {
                members.task.abort();
            }
            keep
        });
    }

    /// The InferencePools that are wanted and say which pods are theirs, where these are not watched by what they say.
    fn to_watch(&self, wanted: &Wanted) -> Vec<(ObjectName, PoolSelector)> {
        let differs = |name: ObjectName| {
            let said = self.namespaces.get(&name.namespace)?.pools.get(&name)?;
            let said = said.0.as_ref().ok()?;
            let now = self.members.get(&name);
            let is = now.is_some_and(|members| members.labels == said.labels);
            (!is).then(|| (name, said.clone()))
        };
        watched(wanted).filter_map(differs).collect()
    }
}

/// Those of what is wanted whose pods are watched.
fn watched(wanted: &Wanted) -> impl Iterator<Item = ObjectName> {
    wanted.iter().flat_map(|(namespace, names)| {
        let names = names.iter().take(MOST);
        names.map(move |name| ObjectName::new(namespace, name))
    })
}

/// The InferencePools that the providers of an installation name, now or in the version that is in force.
#[must_use]
pub(crate) fn wanted(watched: &Watched, gateway_name: &str, live: Option<&Snapshot>) -> Wanted {
    super::pods::named(watched, gateway_name, |name, spec| {
        let said = spec["endpoints"]["inferencePoolRef"]["name"].as_str();
        let live = live.and_then(|live| live.providers.get(name)?.endpoints.as_ref());
        let live = live.and_then(|live| live.inference_pool.as_deref());
        said.into_iter().chain(live).map(str::to_owned).collect()
    })
}

/// Watches what is wanted, for ever.
pub(crate) async fn run(client: Client, watched: Arc<Watched>, metrics: Arc<Metrics>) {
    let pools = &watched.inference_pools;
    let mut wanted = pools.wanted.subscribe();
    let mut tasks = JoinSet::new();
    loop {
        let now = wanted.borrow_and_update().clone();
        if !now.is_empty() {
            look(&client, &watched).await;
        }
        pools.state.lock().retain(&now);
        begin(&client, &now, &mut tasks, &watched, &metrics);
        while tasks.try_join_next().is_some() {}
        loop {
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = pools.edited.notified() => {
                    begin(&client, &now, &mut tasks, &watched, &metrics);
                }
                () = tokio::time::sleep(LOOK), if !now.is_empty() => break,
            }
        }
    }
}

/// Looks whether the cluster has the kind. Where it has it no more, or again, what was seen of it before says nothing.
async fn look(client: &Client, watched: &Watched) {
    let version = format!("{INFERENCE_GROUP}/{INFERENCE_VERSION}");
    let installed = match client.list_api_group_resources(&version).await {
        Ok(list) => list
            .resources
            .iter()
            .any(|one| one.name == "inferencepools"),
        Err(kube::Error::Api(status)) if status.code == 404 => false,
        Err(error) => {
            // What was known before counts.
            tracing::debug!(%version, error = %crate::error::Chain(&error), "cannot ask for the kinds of an API");
            return;
        }
    };
    let pools = &watched.inference_pools;
    {
        let mut state = pools.state.lock();
        if state.installed == Some(installed) {
            return;
        }
        state.installed = Some(installed);
        if !installed {
            state.retain(&Wanted::new());
        }
    }
    watched.pods.changed.notify_one();
}

/// Begins whatever is not watched yet.
fn begin(
    client: &Client,
    wanted: &Wanted,
    tasks: &mut JoinSet<()>,
    watched: &Arc<Watched>,
    metrics: &Arc<Metrics>,
) {
    let mut state = watched.inference_pools.state.lock();
    if state.installed != Some(true) {
        return;
    }
    for namespace in wanted.keys() {
        if state.namespaces.contains_key(namespace) {
            continue;
        }
        let shelf = Arc::new(Shelf::new(1));
        let (client, namespace) = (client.clone(), namespace.clone());
        let told = (Arc::clone(watched), Arc::clone(metrics));
        let task = tasks.spawn(definitions(
            (client, namespace.clone()),
            Arc::clone(&shelf),
            told,
        ));
        let pools = shelf;
        state
            .namespaces
            .insert(namespace, Namespace { pools, task });
    }
    for (name, said) in state.to_watch(wanted) {
        let shelf = Arc::new(Shelf::new(1));
        let told = (Arc::clone(watched), Arc::clone(metrics));
        let task = tasks.spawn(pods(
            (client.clone(), name.namespace.clone()),
            said.query(),
            Arc::clone(&shelf),
            told,
        ));
        let (labels, pods) = (said.labels, shelf);
        let members = Members { labels, pods, task };
        if let Some(before) = state.members.insert(name, members) {
            before.task.abort();
        }
    }
}

async fn definitions(
    (client, namespace): (Client, String),
    shelf: Arc<Shelf<Said>>,
    (watched, metrics): (Arc<Watched>, Arc<Metrics>),
) {
    let kind = GroupVersionKind::gvk(INFERENCE_GROUP, INFERENCE_VERSION, "InferencePool");
    let kind = ApiResource::from_gvk_with_plural(&kind, "inferencepools");
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &kind);
    let read = |object: DynamicObject| {
        let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
        let said = PoolSelector::read(&object.data["spec"]);
        Some((name, Said(said)))
    };
    let tell = || {
        watched.inference_pools.edited.notify_one();
        watched.pods.changed.notify_one();
    };
    let config = api::watched_in_small_pages();
    follow(api, config, Some(namespace), &shelf, read, tell, &metrics).await;
}

async fn pods(
    (client, namespace): (Client, String),
    selector: String,
    shelf: Arc<Shelf<Ready>>,
    (watched, metrics): (Arc<Watched>, Arc<Metrics>),
) {
    let api: Api<Pod> = Api::namespaced(client, &namespace);
    let config = api::watched_in_small_pages().labels(&selector);
    let read = |pod: Pod| {
        let name = ObjectName::new(pod.namespace().unwrap_or_default(), pod.name_any());
        Some((name, Ready(ready_address(&pod))))
    };
    let tell = || watched.pods.changed.notify_one();
    follow(api, config, Some(namespace), &shelf, read, tell, &metrics).await;
}

#[cfg(test)]
mod tests;
