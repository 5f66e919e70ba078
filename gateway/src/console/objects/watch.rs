//! Watching objects. As plain data: an object that is of another version than this console, or wrong, keeps nobody from seeing the rest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fairlead_snapshot::ObjectName;
use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};

use super::{KINDS, Object, Objects, Shelf};

/// How long a watch lasts before it is begun anew, in seconds: a connection that died without a word is noticed after that.
const WATCH: u32 = 240;

impl Objects {
    /// Watches all of them for ever.
    pub(in crate::console) async fn run(&self) {
        let all = self.shelves.iter();
        let objects = join_all(all.map(|(kind, at, shelf)| self.watch(*kind, *at, shelf)));
        let namespaces = join_all(
            self.scopes
                .iter()
                .map(|scope| self.watch_labels(scope.as_deref())),
        );
        tokio::join!(objects, namespaces);
    }

    async fn watch(&self, kind: usize, at: usize, shelf: &Shelf) {
        let api = self.api(kind, at);
        let config = watcher::Config::default().timeout(WATCH);
        let events = watcher(api, config).default_backoff();
        let mut events = std::pin::pin!(events);
        let mut listed = HashMap::new();
        loop {
            match events.try_next().await {
                Ok(Some(event)) => take(KINDS[kind].0, event, &mut listed, shelf),
                Ok(None) => return,
                Err(error) => {
                    let (_, plural) = KINDS[kind];
                    tracing::warn!("{plural} cannot be watched: {error}; trying again");
                }
            }
        }
    }

    /// Watches the labels of one namespace, or of all.
    async fn watch_labels(&self, name: Option<&str>) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let mut config = watcher::Config::default().timeout(WATCH);
        if let Some(name) = name {
            config = config.fields(&format!("metadata.name={name}"));
        }
        let events = watcher(api, config).default_backoff();
        let mut events = std::pin::pin!(events);
        let mut listed = BTreeMap::new();
        let kept = |namespace: Namespace| {
            let labels = namespace.metadata.labels.unwrap_or_default();
            (namespace.metadata.name.unwrap_or_default(), labels)
        };
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init)) => listed.clear(),
                Ok(Some(Event::InitApply(namespace))) => listed.extend([kept(namespace)]),
                Ok(Some(Event::InitDone)) => {
                    let fresh = std::mem::take(&mut listed);
                    let mut labels = self.labels.lock();
                    let all = labels.get_or_insert_default();
                    match name {
                        // Of the others another watch tells.
                        Some(name) => drop(all.remove(name)),
                        None => all.clear(),
                    }
                    all.extend(fresh);
                }
                Ok(Some(Event::Apply(namespace))) => {
                    let mut labels = self.labels.lock();
                    labels.get_or_insert_default().extend([kept(namespace)]);
                }
                Ok(Some(Event::Delete(namespace))) => {
                    let mut labels = self.labels.lock();
                    labels.get_or_insert_default().remove(&kept(namespace).0);
                }
                Ok(None) => return,
                Err(error) => tracing::warn!("namespaces cannot be watched: {error}; trying again"),
            }
        }
    }

    fn api(&self, kind: usize, at: usize) -> Api<DynamicObject> {
        let (kind, plural) = KINDS[kind];
        let kind = GroupVersionKind::gvk(fairlead_crds::GROUP, "v1alpha1", kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        match &self.scopes[at] {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// Takes an event in. A list counts when it is whole.
fn take(
    kind: &str,
    event: Event<DynamicObject>,
    listed: &mut HashMap<ObjectName, Arc<Object>>,
    shelf: &Shelf,
) {
    let name = |object: &DynamicObject| {
        ObjectName::new(object.namespace().unwrap_or_default(), object.name_any())
    };
    let kept = |object: DynamicObject| (name(&object), Arc::new(Object::of(kind, object)));
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(object) => {
            let (name, object) = kept(object);
            listed.insert(name, object);
        }
        Event::InitDone => *shelf.lock() = Some(std::mem::take(listed)),
        Event::Apply(object) => {
            let (name, object) = kept(object);
            shelf.lock().get_or_insert_default().insert(name, object);
        }
        Event::Delete(object) => {
            if let Some(all) = &mut *shelf.lock() {
                all.remove(&name(&object));
            }
        }
    }
}
