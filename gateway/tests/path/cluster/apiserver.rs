//! A scripted API server: it keeps ConfigMaps and Secrets of one namespace, lists and watches them, and allows what the gateway's Role does.

mod serve;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::Setup;

/// The namespace.
pub(crate) const NAMESPACE: &str = "default";

/// The server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct ApiServer {
    address: std::net::SocketAddr,
    cluster: Arc<Cluster>,
    serving: tokio::task::JoinHandle<()>,
}

/// What it keeps.
#[derive(Debug)]
struct Cluster {
    store: Mutex<Store>,
    /// The version of the newest change: watches wait for it.
    version: watch::Sender<u64>,
    /// Whether connections are refused.
    down: watch::Sender<bool>,
}

#[derive(Default)]
struct Store {
    objects: BTreeMap<Id, Value>,
    /// Every change, for watches that begin late.
    changes: Vec<Change>,
    /// What is answered instead of lists and objects of a kind.
    scripted: BTreeMap<&'static str, String>,
    /// Done at the first request for something that is not there.
    on_missing: Option<Box<dyn FnOnce() + Send>>,
    log: Vec<String>,
}

/// A kind and a name.
type Id = (&'static str, String);

#[derive(Debug, Clone)]
struct Change {
    version: u64,
    id: Id,
    event: Value,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Starts one that keeps nothing.
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the test, and nobody waits for it"
    )]
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cluster = Arc::new(Cluster {
            store: Mutex::default(),
            version: watch::Sender::new(1),
            down: watch::Sender::new(false),
        });
        Self {
            address: listener.local_addr().unwrap(),
            serving: tokio::spawn(serve::serve(listener, Arc::clone(&cluster))),
            cluster,
        }
    }

    /// A gateway that finds this server.
    pub(crate) fn kubeconfig(&self, setup: Setup) -> Setup {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "gateway"}}],
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "gateway", "user": {}}],
        });
        setup.write("kubeconfig", &config.to_string());
        let path = setup.path("kubeconfig").display().to_string();
        setup.variable("KUBECONFIG", &path)
    }

    /// Writes an object: makes it, or replaces its data.
    pub(crate) fn put(&self, kind: &'static str, name: &str, data: &Value) {
        self.cluster.put(kind, name, data);
    }

    /// A way to write objects from a script.
    pub(crate) fn writer(&self) -> impl Fn(&'static str, &str, &Value) + Send + 'static {
        let cluster = Arc::clone(&self.cluster);
        move |kind, name, data| cluster.put(kind, name, data)
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, kind: &'static str, name: &str) {
        let id = (kind, name.to_owned());
        let mut store = self.cluster.store.lock();
        let object = store.objects.remove(&id).expect("there is none");
        self.cluster.change(&mut store, id, "DELETED", object);
    }

    /// Answers every list and object of a kind with this from now on.
    pub(crate) fn script(&self, kind: &'static str, answer: &str) {
        let mut store = self.cluster.store.lock();
        store.scripted.insert(kind, answer.to_owned());
    }

    /// Does this when something is asked for that is not there, once, after that has been noted and before the answer.
    pub(crate) fn on_missing(&self, what: impl FnOnce() + Send + 'static) {
        self.cluster.store.lock().on_missing = Some(Box::new(what));
    }

    /// Cuts all connections and refuses new ones, or takes them again.
    pub(crate) fn down(&self, down: bool) {
        self.cluster.down.send_replace(down);
    }

    /// What was asked for, as `get`, `list` or `watch`, kind and name.
    pub(crate) fn log(&self) -> Vec<String> {
        self.cluster.store.lock().log.clone()
    }

    /// How many objects whose names begin so have been got.
    pub(crate) fn got(&self, prefix: &str) -> usize {
        let prefix = format!("get {prefix}");
        let log = self.log();
        log.iter().filter(|line| line.starts_with(&prefix)).count()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Cluster {
    fn put(&self, kind: &'static str, name: &str, data: &Value) {
        let mut store = self.store.lock();
        let id = (kind, name.to_owned());
        let version = *self.version.borrow() + 1;
        let before = store.objects.get(&id);
        let uid = before.map_or(json!(format!("uid-{version}")), |object| {
            object["metadata"]["uid"].clone()
        });
        let event = if before.is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        let object = json!({
            "apiVersion": "v1", "kind": kind, "data": data,
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid},
        });
        self.change(&mut store, id, event, object);
    }

    /// Stores an object, except a deleted one, and tells the watches.
    fn change(&self, store: &mut Store, id: Id, event: &str, mut object: Value) {
        let version = *self.version.borrow() + 1;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        if event != "DELETED" {
            store.objects.insert(id.clone(), object.clone());
        }
        let event = json!({"type": event, "object": object});
        store.changes.push(Change { version, id, event });
        self.version.send_replace(version);
    }
}
