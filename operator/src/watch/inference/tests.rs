//! Against an API server of InferencePools and pods, in memory: discovery, lists, and watches that end when something has changed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use clap::Parser as _;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch::Sender;
use tokio::time::timeout;

use super::*;
use crate::args::Args;

/// What there is, by the path of its list and its name, and what was there.
#[derive(Default)]
struct Store {
    objects: BTreeMap<(String, String), Value>,
    gone: Vec<(String, Value)>,
    installed: bool,
    refuses_pods: bool,
    asked: Vec<String>,
}

#[derive(Clone)]
struct Server {
    store: Arc<Mutex<Store>>,
    changed: Sender<u64>,
}

fn pools(namespace: &str) -> String {
    format!("/apis/inference.networking.k8s.io/v1/namespaces/{namespace}/inferencepools")
}

fn pods_of(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}

fn status(code: u16) -> Response<Body> {
    let said = json!({"kind": "Status", "status": "Failure", "reason": "No", "code": code, "message": "no"});
    let body = Body::from(said.to_string().into_bytes());
    Response::builder().status(code).body(body).unwrap()
}

impl Server {
    fn new(installed: bool) -> Self {
        let store = Store {
            installed,
            ..Store::default()
        };
        Self {
            store: Arc::new(Mutex::new(store)),
            changed: Sender::new(1),
        }
    }

    fn edit(&self, edit: impl FnOnce(&mut Store)) {
        edit(&mut self.store.lock());
        self.changed.send_modify(|version| *version += 1);
    }

    fn put(&self, path: &str, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.edit(|store| {
            store.objects.insert((path.to_owned(), name), object);
        });
    }

    fn put_pool(&self, namespace: &str, name: &str, app: &str) {
        let object = json!({
            "apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool",
            "metadata": {"namespace": namespace, "name": name, "resourceVersion": "1"},
            "spec": {"selector": {"matchLabels": {"app": app}}, "targetPorts": [{"number": 8000}]},
        });
        self.put(&pools(namespace), object);
    }

    fn put_pod(&self, namespace: &str, name: &str, app: &str, address: &str, ready: bool) {
        let ready = if ready { "True" } else { "False" };
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "resourceVersion": "1", "labels": {"app": app}},
            "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]},
        });
        self.put(&pods_of(namespace), object);
    }

    fn delete(&self, path: &str, name: &str) {
        self.edit(|store| {
            let object = store.objects.remove(&(path.to_owned(), name.to_owned()));
            store.gone.push((path.to_owned(), object.unwrap()));
        });
    }

    fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(&request.uri().to_string()).await) }
        });
        Client::new(service, "own")
    }

    async fn answer(&self, uri: &str) -> Response<Body> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let path = path.trim_end_matches('/');
        let query = query.replace("%3D", "=").replace("%2C", ",");
        let mut changes = self.changed.subscribe();
        let watches = query.contains("watch=");
        if watches {
            changes.borrow_and_update();
            let _ = timeout(Duration::from_secs(5), changes.changed()).await;
        }
        let mut store = self.store.lock();
        let inference = path.contains("inference.networking.k8s.io");
        if (inference && !store.installed) || (!inference && store.refuses_pods) {
            return status(if inference { 404 } else { 403 });
        }
        if path == "/apis/inference.networking.k8s.io/v1" {
            let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "inference.networking.k8s.io/v1", "resources": [
                {"name": "inferencepools", "singularName": "inferencepool", "namespaced": true, "kind": "InferencePool", "verbs": ["list", "watch"]},
            ]});
            return Response::new(Body::from(list.to_string().into_bytes()));
        }
        store.asked.push(format!("{path}?{query}"));
        let selector = query
            .split('&')
            .find_map(|one| one.strip_prefix("labelSelector="));
        let selects = |object: &Value| {
            let app = object["metadata"]["labels"]["app"].as_str();
            selector.is_none_or(|selector| app.is_some_and(|app| selector == format!("app={app}")))
        };
        let all = store.objects.iter();
        let all = all.filter(|((of, _), object)| of == path && selects(object));
        let all: Vec<&Value> = all.map(|(_, object)| object).collect();
        let body = if watches {
            let line = |kind: &str, object: &Value| {
                json!({"type": kind, "object": object}).to_string() + "\n"
            };
            let gone = store.gone.iter().filter(|(of, _)| of == path);
            let gone = gone.map(|(_, object)| line("DELETED", object));
            let there = all.iter().map(|object| line("MODIFIED", object));
            gone.chain(there).collect()
        } else {
            let kind = if inference {
                "InferencePoolList"
            } else {
                "PodList"
            };
            let version = if inference {
                "inference.networking.k8s.io/v1"
            } else {
                "v1"
            };
            json!({"kind": kind, "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": all}).to_string()
        };
        Response::new(Body::from(body.into_bytes()))
    }
}

struct World {
    server: Server,
    watched: Arc<Watched>,
    _tasks: JoinSet<()>,
}

impl World {
    fn new(server: Server) -> Self {
        let args = [
            "fairlead-operator",
            "--namespace",
            "own",
            "--identity",
            "me",
        ];
        let watched = Arc::new(Watched::new(&Args::try_parse_from(args).unwrap()));
        let mut tasks = JoinSet::new();
        tasks.spawn(run(server.client(), Arc::clone(&watched), Arc::default()));
        Self {
            server,
            watched,
            _tasks: tasks,
        }
    }

    async fn want(&self, names: &[&str]) {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut wanted = Wanted::new();
        if !names.is_empty() {
            wanted.insert("a".to_owned(), names);
        }
        if self.watched.inference_pools.want(&wanted) {
            self.watched.settled().await;
        }
    }

    fn known(&self, name: &str) -> Option<InferencePool> {
        let mut known = self.watched.services().inference_pools;
        known.remove(&ObjectName::new("a", name))
    }

    async fn until(&self, name: &str, wanted: InferencePool) {
        let came = timeout(Duration::from_secs(60), async {
            while self.known(name).as_ref() != Some(&wanted) {
                self.watched.pods.changed.notified().await;
            }
        });
        assert!(came.await.is_ok(), "{:?}", self.known(name));
    }
}

fn found(pods: &[&str]) -> InferencePool {
    InferencePool::Found {
        pods: pods.iter().map(|pod| pod.parse().unwrap()).collect(),
        ports: BTreeSet::from([8000]),
    }
}

#[tokio::test]
async fn pods_that_are_ready_come_and_go_and_those_of_others_are_never_asked_for() {
    let server = Server::new(true);
    server.put_pool("a", "llama", "vllm");
    server.put_pod("a", "vllm-0", "vllm", "10.0.0.1", true);
    server.put_pod("a", "vllm-1", "vllm", "10.0.0.2", false);
    server.put_pod("a", "web-0", "web", "10.9.9.9", true);
    server.put_pod("b", "vllm-0", "vllm", "10.8.8.8", true);
    let world = World::new(server);
    world.want(&[]).await;
    assert!(world.server.store.lock().asked.is_empty());
    world.want(&["llama"]).await;
    assert_eq!(
        world.known("llama"),
        Some(found(&["10.0.0.1"])),
        "it is there at once"
    );
    world
        .server
        .put_pod("a", "vllm-1", "vllm", "10.0.0.2", true);
    world.until("llama", found(&["10.0.0.1", "10.0.0.2"])).await;
    world.server.delete(&pods_of("a"), "vllm-0");
    world.until("llama", found(&["10.0.0.2"])).await;
    let asked = world.server.store.lock().asked.clone();
    let pods = asked
        .iter()
        .filter(|asked| asked.starts_with(&pods_of("a")));
    for asked in pods {
        assert!(asked.contains("labelSelector=app=vllm"), "{asked}");
    }
    assert!(!asked.iter().any(|asked| asked.contains("/namespaces/b/")));
}

#[tokio::test]
async fn a_pool_that_selects_others_now_has_others() {
    let server = Server::new(true);
    server.put_pool("a", "llama", "vllm");
    server.put_pod("a", "vllm-0", "vllm", "10.0.0.1", true);
    server.put_pod("a", "sglang-0", "sglang", "10.0.0.2", true);
    let world = World::new(server);
    world.want(&["llama", "nowhere"]).await;
    assert_eq!(world.known("nowhere"), Some(InferencePool::Missing));
    world.server.put_pool("a", "llama", "sglang");
    world.until("llama", found(&["10.0.0.2"])).await;
    world.server.delete(&pools("a"), "llama");
    world.until("llama", InferencePool::Missing).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_the_kind_is_done_without_until_it_has_it() {
    let server = Server::new(false);
    server.put_pool("a", "llama", "vllm");
    server.put_pod("a", "vllm-0", "vllm", "10.0.0.1", true);
    let world = World::new(server);
    world.want(&["llama"]).await;
    assert_eq!(world.known("llama"), Some(InferencePool::NotInstalled));
    assert!(
        world.server.store.lock().asked.is_empty(),
        "nothing is watched"
    );
    world.server.edit(|store| store.installed = true);
    world.until("llama", found(&["10.0.0.1"])).await;
    world.server.edit(|store| store.installed = false);
    world.until("llama", InferencePool::NotInstalled).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_see_pods_is_not_waited_for_and_knows_nothing() {
    let server = Server::new(true);
    server.put_pool("a", "llama", "vllm");
    server.edit(|store| store.refuses_pods = true);
    let world = World::new(server);
    let began = tokio::time::Instant::now();
    world.want(&["llama"]).await;
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(world.known("llama"), None);
}

#[tokio::test]
async fn more_than_are_watched_of_a_namespace_are_told() {
    let server = Server::new(true);
    let names: Vec<String> = (0..20).map(|number| format!("pool-{number:02}")).collect();
    for name in &names {
        server.put_pool("a", name, name);
    }
    let world = World::new(server);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.want(&names).await;
    world.until("pool-15", found(&[])).await;
    assert_eq!(world.known("pool-16"), Some(InferencePool::Unwatched));
    let asked = world.server.store.lock().asked.clone();
    let pods = asked
        .iter()
        .filter(|asked| asked.starts_with(&pods_of("a")));
    assert!(pods.clone().all(|asked| !asked.contains("pool-16")));
}
