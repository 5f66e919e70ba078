//! Against an API server of EndpointSlices, in memory: lists, and watches that end when something has changed.

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

/// What there is: slices by namespace and name, and by which selectors they were asked for.
#[derive(Default)]
struct Store {
    slices: BTreeMap<(String, String), Value>,
    asked: Vec<String>,
    lists: usize,
    refuses: bool,
}

struct Api {
    store: Arc<Mutex<Store>>,
    changed: Sender<u64>,
}

impl Api {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            changed: Sender::new(1),
        }
    }

    fn put(&self, namespace: &str, name: &str, service: &str, address: &str) {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"namespace": namespace, "name": name, "resourceVersion": "1", "labels": {SERVICE_LABEL: service}},
            "addressType": "IPv4",
            "ports": [{"port": 8000}],
            "endpoints": [{"addresses": [address]}],
        });
        let key = (namespace.to_owned(), name.to_owned());
        self.store.lock().slices.insert(key, slice);
        self.changed.send_modify(|version| *version += 1);
    }

    fn client(&self) -> Client {
        let (store, changed) = (Arc::clone(&self.store), self.changed.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (store, mut changes) = (Arc::clone(&store), changed.subscribe());
            async move {
                let uri = request.uri().to_string();
                let (path, query) = uri.split_once('?').unwrap();
                let namespace = path.split('/').rev().nth(1).unwrap().to_owned();
                let query = query
                    .replace("%28", "(")
                    .replace("%29", ")")
                    .replace("%2C", ",");
                let (_, names) = query.split_once('(').unwrap();
                let (names, _) = names.split_once(')').unwrap();
                let names: Vec<String> = names.split(',').map(str::to_owned).collect();
                let watches = query.contains("watch=");
                if watches {
                    changes.borrow_and_update();
                    let _ = timeout(Duration::from_secs(5), changes.changed()).await;
                }
                let mut store = store.lock();
                if store.refuses {
                    let said = json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no"});
                    let refused = Response::builder().status(403);
                    return Ok::<_, Infallible>(
                        refused
                            .body(Body::from(said.to_string().into_bytes()))
                            .unwrap(),
                    );
                }
                store.asked.push(format!("{namespace} {names:?}"));
                store.lists += usize::from(!watches);
                let of = |slice: &&Value| {
                    let service = slice["metadata"]["labels"][SERVICE_LABEL].as_str().unwrap();
                    slice["metadata"]["namespace"] == namespace
                        && names.iter().any(|name| name == service)
                };
                let slices: Vec<&Value> = store.slices.values().filter(of).collect();
                let body = if watches {
                    let line = |slice: &&Value| {
                        json!({"type": "MODIFIED", "object": slice}).to_string() + "\n"
                    };
                    slices.iter().map(line).collect()
                } else {
                    json!({"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "metadata": {"resourceVersion": "1"}, "items": slices}).to_string()
                };
                Ok(Response::new(Body::from(body.into_bytes())))
            }
        });
        Client::new(service, "own")
    }
}

struct World {
    api: Api,
    watched: Arc<Watched>,
    _tasks: JoinSet<()>,
}

impl World {
    fn new(api: Api) -> Self {
        let args = [
            "fairlead-operator",
            "--namespace",
            "own",
            "--identity",
            "me",
        ];
        let watched = Arc::new(Watched::new(&Args::try_parse_from(args).unwrap()));
        let mut tasks = JoinSet::new();
        tasks.spawn(run(api.client(), Arc::clone(&watched), Arc::default()));
        Self {
            api,
            watched,
            _tasks: tasks,
        }
    }

    async fn want(&self, wanted: &[(&str, &[&str])]) {
        let wanted = wanted.iter().map(|(namespace, services)| {
            let services = services.iter().map(|name| (*name).to_owned()).collect();
            ((*namespace).to_owned(), services)
        });
        if self.watched.pods.want(&wanted.collect()) {
            self.watched.settled().await;
        }
    }

    /// The addresses of a Service; `None`: nothing is known of it.
    fn pods(&self, namespace: &str, service: &str) -> Option<Vec<String>> {
        let services = self.watched.pods.services();
        let slices = services.slices.get(&ObjectName::new(namespace, service))?;
        let all = slices.iter().flat_map(|slice| &slice.addresses);
        Some(all.map(ToString::to_string).collect())
    }

    async fn until(&self, namespace: &str, service: &str, wanted: &[&str]) {
        let came = timeout(Duration::from_secs(60), async {
            while self
                .pods(namespace, service)
                .is_none_or(|pods| pods != wanted)
            {
                self.watched.pods.changed.notified().await;
            }
        });
        assert!(came.await.is_ok(), "{:?}", self.pods(namespace, service));
    }
}

#[tokio::test]
async fn nothing_is_asked_for_before_somebody_names_a_service() {
    let api = Api::new();
    api.put("a", "vllm-1", "vllm", "10.0.0.1");
    let world = World::new(api);
    world.want(&[]).await;
    assert!(world.api.store.lock().asked.is_empty());
    world.want(&[("a", &["vllm"])]).await;
    assert_eq!(
        world.pods("a", "vllm").unwrap(),
        ["10.0.0.1"],
        "it is there at once"
    );
    let asked = world.api.store.lock().asked.clone();
    assert!(
        asked.iter().all(|asked| asked == r#"a ["vllm"]"#),
        "{asked:?}"
    );
}

#[tokio::test]
async fn pods_come_and_go_and_those_of_others_are_not_seen() {
    let api = Api::new();
    for number in 0..500 {
        api.put("a", &format!("flood-{number}"), "flood", "10.9.9.9");
    }
    api.put("b", "vllm-1", "vllm", "10.8.8.8");
    api.put("a", "vllm-1", "vllm", "10.0.0.1");
    let world = World::new(api);
    world.want(&[("a", &["vllm", "empty"])]).await;
    assert_eq!(world.pods("a", "vllm").unwrap(), ["10.0.0.1"]);
    assert_eq!(
        world.pods("a", "empty").unwrap(),
        [""; 0],
        "that there are none is known"
    );
    assert_eq!(
        (world.pods("b", "vllm"), world.pods("a", "flood")),
        (None, None)
    );
    world.api.put("a", "vllm-1", "vllm", "10.0.0.2");
    world.until("a", "vllm", &["10.0.0.2"]).await;
    world.want(&[]).await;
    world.until_forgotten().await;
}

impl World {
    async fn until_forgotten(&self) {
        let gone = timeout(Duration::from_secs(60), async {
            while self.pods("a", "vllm").is_some() {
                tokio::task::yield_now().await;
            }
        });
        assert!(gone.await.is_ok());
    }
}

#[tokio::test]
async fn a_service_more_leaves_what_is_known_of_the_others() {
    let api = Api::new();
    api.put("a", "vllm-1", "vllm", "10.0.0.1");
    api.put("a", "sglang-1", "sglang", "10.0.0.2");
    let world = World::new(api);
    world.want(&[("a", &["vllm"])]).await;
    assert_eq!(
        (world.pods("a", "vllm").is_some(), world.pods("a", "sglang")),
        (true, None)
    );
    // The API server has stopped answering, as it does for somebody without the right.
    world.api.store.lock().refuses = true;
    world.want(&[("a", &["vllm", "sglang"])]).await;
    assert_eq!(
        world.pods("a", "vllm").unwrap(),
        ["10.0.0.1"],
        "until it is listed anew"
    );
    assert_eq!(
        world.pods("a", "sglang"),
        None,
        "which is not the same as none"
    );
    world.api.store.lock().refuses = false;
    world.until("a", "sglang", &["10.0.0.2"]).await;
    let lists = world.api.store.lock().lists;
    // One fewer changes nothing of what is watched.
    world.want(&[("a", &["sglang"])]).await;
    assert_eq!(world.api.store.lock().lists, lists);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_may_not_be_listed_is_not_waited_for() {
    let api = Api::new();
    api.store.lock().refuses = true;
    let world = World::new(api);
    let began = tokio::time::Instant::now();
    world.want(&[("a", &["vllm"])]).await;
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(world.pods("a", "vllm"), None);
}

#[tokio::test]
async fn services_beyond_what_is_watched_are_told() {
    let api = Api::new();
    let names: Vec<String> = (0..70).map(|number| format!("s-{number:02}")).collect();
    for name in &names {
        api.put("a", name, name, "10.0.0.1");
    }
    let world = World::new(api);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.want(&[("a", &names)]).await;
    let unwatched = world.watched.services().unwatched;
    assert_eq!(unwatched.len(), names.len() - MOST);
    assert!(unwatched.contains(&ObjectName::new("a", "s-69")));
    assert!(world.pods("a", "s-63").is_some() && world.pods("a", "s-64").is_none());
}

#[test]
fn what_no_service_can_be_called_never_stands_in_a_request() {
    let args = [
        "fairlead-operator",
        "--namespace",
        "own",
        "--identity",
        "me",
    ];
    let watched = Watched::new(&Args::try_parse_from(args).unwrap());
    let provider = |name: &str, service: &str, gateway: Option<&str>| {
        let spec = json!({"type": "VLLM", "gatewayName": gateway, "endpoints": {"serviceRef": {"name": service}}});
        let object = json!({"metadata": {"namespace": "a", "name": name}, "spec": spec});
        let (api, shelf) = &watched.resources["LLMProvider"];
        let event = kube::runtime::watcher::Event::Apply(serde_json::from_value(object).unwrap());
        let mut source = crate::watch::shelf::Source::new(None);
        shelf.take(&mut source, event, |object| {
            crate::watch::resource::Resource::read(api, object)
        });
    };
    provider("good", "vllm", None);
    provider("bad", "x),y notin (z", None);
    provider("foreign", "other", Some("eu"));
    let wanted = wanted(&watched, "default", None);
    let only = BTreeSet::from(["vllm".to_owned()]);
    assert_eq!(wanted, Wanted::from([("a".to_owned(), only)]));
}
