use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use clap::Parser as _;
use kube::Client;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::args::Args;
use crate::watch::shelf::Source;

const OLD: &str = "sk-fairlead-old";

/// An API server that has Secrets.
#[derive(Default)]
struct Server {
    secrets: BTreeMap<String, Value>,
    asked: Vec<String>,
    /// What is written is kept, and the answer is lost.
    loses_answers: bool,
    /// Somebody else writes a Secret after it was read.
    meddles: bool,
    events: Vec<Value>,
}

impl Server {
    /// One with the Secret of the key `a/k`.
    fn new() -> Self {
        let mut server = Self::default();
        server
            .secrets
            .insert("a/s".to_owned(), secret("1", &json!({})));
        server
    }

    fn list(&mut self, path: &str, query: &str) -> Response {
        let namespace = path.split('/').nth(4).unwrap();
        let name = query
            .split("fieldSelector=metadata.name%3D")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .unwrap();
        assert!(
            query.contains("labelSelector=fairlead.dev%2Fsecret%3Dvirtual-key"),
            "{query}"
        );
        let found = self.secrets.get_mut(&format!("{namespace}/{name}"));
        let list = json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": found.as_deref().into_iter().collect::<Vec<_>>()});
        if let Some(secret) = found.filter(|_| self.meddles) {
            next_version(secret);
        }
        list.to_string().into_response()
    }

    fn put(&mut self, path: &str, body: &[u8]) -> Response {
        let mut secret: Value = serde_json::from_slice(body).unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let name = format!("{}/{}", parts[4], parts[6]);
        let version = &self.secrets[&name]["metadata"]["resourceVersion"];
        if secret["metadata"]["resourceVersion"] != *version {
            return failure(StatusCode::CONFLICT);
        }
        next_version(&mut secret);
        self.secrets.insert(name, secret.clone());
        if self.loses_answers {
            return failure(StatusCode::INTERNAL_SERVER_ERROR);
        }
        secret.to_string().into_response()
    }
}

fn next_version(secret: &mut Value) {
    let version = secret["metadata"]["resourceVersion"].as_str().unwrap();
    let version: u64 = version.parse().unwrap();
    secret["metadata"]["resourceVersion"] = (version + 1).to_string().into();
}

fn failure(code: StatusCode) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "", "reason": "", "code": code.as_u16()});
    (code, body.to_string()).into_response()
}

async fn answer(
    State(server): State<Arc<Mutex<Server>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let mut server = server.lock();
    server.asked.push(format!("{method} {}", uri.path()));
    if method == Method::POST {
        let event: Value = serde_json::from_slice(&body).unwrap();
        server.events.push(event.clone());
        return (StatusCode::CREATED, event.to_string()).into_response();
    }
    if method == Method::PUT {
        return server.put(uri.path(), &body);
    }
    server.list(uri.path(), uri.query().unwrap_or_default())
}

/// The Secret of the key with this uid.
fn secret(uid: &str, annotations: &Value) -> Value {
    let owner = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "VirtualKey", "name": "k", "uid": uid, "controller": true});
    json!({
        "metadata": {
            "name": "s", "namespace": "a", "resourceVersion": "5", "creationTimestamp": "1970-01-01T00:00:07Z",
            "labels": {"fairlead.dev/secret": "virtual-key"}, "annotations": annotations, "ownerReferences": [owner],
        },
        "data": {"apiKey": ByteString(OLD.as_bytes().to_vec())},
    })
}

struct Scene {
    server: Arc<Mutex<Server>>,
    maker: Maker,
    watched: Watched,
    rotations: Rotations,
}

impl Scene {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the test, and nobody waits for it"
    )]
    async fn set(server: Server) -> Self {
        let server = Arc::new(Mutex::new(server));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = kube::Config::new(format!("http://{address}").parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let fixed = [
            "fairlead-operator",
            "--namespace",
            "own",
            "--identity",
            "me",
        ];
        let scene = Self {
            server,
            maker: Maker::new(&client, crate::report::recorder(&client, "me")),
            watched: Watched::new(&Args::try_parse_from(fixed).unwrap()),
            rotations: Rotations::default(),
        };
        scene.key(&ObjectName::new("a", "k"));
        scene
    }

    /// There is a key of this name.
    fn key(&self, name: &ObjectName) {
        let api = ApiResource::erase::<fairlead_crds::v1alpha1::VirtualKey>(&());
        let key = json!({"metadata": {"namespace": name.namespace, "name": name.name, "uid": "1", "generation": 1}});
        let key: DynamicObject = serde_json::from_value(key).unwrap();
        self.watched.resources["VirtualKey"].1.take(
            &mut Source::new(None),
            watcher::Event::Apply(key),
            |object| Resource::read(&api, object),
        );
    }

    async fn carry_out(&mut self, wanted: &[WantedRotation]) -> bool {
        self.rotations
            .carry_out(&self.maker, &self.watched, wanted)
            .await
    }

    /// What the Secret holds under this key.
    fn value(&self, key: &str) -> Option<String> {
        let server = self.server.lock();
        let value = server.secrets["a/s"]["data"].get(key)?;
        let value: ByteString = serde_json::from_value(value.clone()).unwrap();
        Some(String::from_utf8(value.0).unwrap())
    }

    fn annotations(&self) -> Value {
        self.server.lock().secrets["a/s"]["metadata"]["annotations"].clone()
    }

    /// How often something was asked for.
    fn asked(&self, what: &str) -> usize {
        let server = self.server.lock();
        let asked = server.asked.iter();
        asked.filter(|asked| asked.starts_with(what)).count()
    }
}

/// A request to rotate the key, with this overlap in seconds, by someone who saw its Secret as it was made.
fn replace(overlap: u64) -> WantedRotation {
    WantedRotation {
        key: ObjectName::new("a", "k"),
        secret: ObjectName::new("a", "s"),
        data_key: "apiKey".to_owned(),
        seen: RotationState {
            created: Some(7),
            ..RotationState::default()
        },
        step: RotationStep::Replace {
            served: Some("x".to_owned()),
            overlap: Duration::from_secs(overlap),
        },
    }
}

const PREVIOUS: &str = "apiKey.previous";

#[tokio::test]
async fn both_values_and_what_was_served_are_written_at_once() {
    let mut scene = Scene::set(Server::new()).await;
    assert!(!scene.carry_out(&[replace(3600)]).await);
    assert_eq!(scene.asked("PUT /api/v1/namespaces/a/secrets/s"), 1);
    assert_eq!(scene.value(PREVIOUS).as_deref(), Some(OLD));
    let value = scene.value("apiKey").unwrap();
    assert!(value.starts_with("sk-fairlead-") && value.len() >= 32);
    let annotations = scene.annotations();
    assert_eq!(annotations["fairlead.dev/rotate"], "x");
    let time = |name: &str| {
        let time: Timestamp = annotations[format!("fairlead.dev/{name}")]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        time.as_second()
    };
    assert_eq!(time("previous-until") - time("rotated-at"), 3600);
    let events = scene.server.lock().events.clone();
    let told = events[0]["note"].as_str().unwrap();
    assert_eq!(events[0]["reason"], "Rotated");
    assert!(told.contains("the one before works until"), "{told}");
    assert!(!told.contains(&value) && !told.contains(OLD));
    // The watch has yet to show it.
    assert!(!scene.carry_out(&[replace(3600)]).await);
    assert_eq!(scene.asked("GET"), 1);
}

#[tokio::test]
async fn a_lost_answer_and_a_leader_that_sees_what_was_before_rotate_nothing_twice() {
    let server = Server {
        loses_answers: true,
        ..Server::new()
    };
    let mut scene = Scene::set(server).await;
    scene.carry_out(&[replace(3600)]).await;
    let first = scene.value("apiKey").unwrap();
    assert_ne!(first, OLD);
    let told = scene.server.lock().events[0]["reason"].clone();
    assert_eq!(told, "RotationFailed", "as far as anybody knows");
    scene.server.lock().loses_answers = false;
    scene.rotations = Rotations::default();
    scene.carry_out(&[replace(3600)]).await;
    assert_eq!(scene.value("apiKey"), Some(first));
    assert_eq!(scene.value(PREVIOUS).as_deref(), Some(OLD));
    assert_eq!(scene.asked("PUT"), 1);
}

#[tokio::test]
async fn who_was_slower_than_somebody_else_writes_nothing() {
    let server = Server {
        meddles: true,
        ..Server::new()
    };
    let mut scene = Scene::set(server).await;
    scene.carry_out(&[replace(3600)]).await;
    assert_eq!(scene.asked("PUT"), 1);
    assert_eq!(scene.value("apiKey").as_deref(), Some(OLD));
    assert_eq!(scene.value(PREVIOUS), None);
    assert!(scene.server.lock().events.is_empty());
}

#[tokio::test]
async fn without_an_overlap_the_old_value_is_nowhere() {
    let mut scene = Scene::set(Server::new()).await;
    scene.carry_out(&[replace(0)]).await;
    assert_ne!(scene.value("apiKey").as_deref(), Some(OLD));
    assert_eq!(scene.value(PREVIOUS), None);
    assert_eq!(
        scene.annotations()["fairlead.dev/previous-until"],
        Value::Null
    );
}

#[tokio::test]
async fn the_value_before_is_taken_away_and_nothing_else_is() {
    let annotations = json!({
        "fairlead.dev/rotated-at": "1970-01-01T00:01:00Z", "fairlead.dev/previous-until": "1970-01-01T00:02:00Z",
        "fairlead.dev/rotate": "x", "example.com/note": "theirs",
    });
    let mut scene = Scene::set(Server::new()).await;
    {
        let mut server = scene.server.lock();
        let mut held = secret("1", &annotations);
        held["data"][PREVIOUS] = json!(ByteString(b"before".to_vec()));
        held["data"]["other"] = json!(ByteString(b"theirs".to_vec()));
        server.secrets.insert("a/s".to_owned(), held);
    }
    let wanted = WantedRotation {
        seen: RotationState {
            created: Some(7),
            rotated_at: Some(60),
            previous_until: Some(120),
            served: Some("x".to_owned()),
        },
        step: RotationStep::Forget,
        ..replace(0)
    };
    scene.carry_out(&[wanted]).await;
    assert_eq!(scene.value(PREVIOUS), None);
    assert_eq!(scene.value("apiKey").as_deref(), Some(OLD));
    assert_eq!(scene.value("other").as_deref(), Some("theirs"));
    let left = json!({"fairlead.dev/rotated-at": "1970-01-01T00:01:00Z", "fairlead.dev/rotate": "x", "example.com/note": "theirs"});
    assert_eq!(scene.annotations(), left);
    assert!(scene.server.lock().events.is_empty());
}

#[tokio::test]
async fn a_secret_that_is_not_the_keys_is_left_alone() {
    let mut scene = Scene::set(Server::new()).await;
    let mut deleted = secret("1", &json!({}));
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    for other in [secret("2", &json!({})), deleted] {
        scene
            .server
            .lock()
            .secrets
            .insert("a/s".to_owned(), other.clone());
        scene.rotations = Rotations::default();
        scene.carry_out(&[replace(60)]).await;
        assert_eq!(scene.server.lock().secrets["a/s"], other);
    }
    scene.server.lock().secrets.clear();
    scene.rotations = Rotations::default();
    scene.carry_out(&[replace(60)]).await;
    assert_eq!(scene.asked("PUT"), 0);
}

#[tokio::test]
async fn a_namespace_of_thousands_of_keys_keeps_nobody_waiting() {
    let mut scene = Scene::set(Server::default()).await;
    let wanted = |namespace: &str, at: usize| WantedRotation {
        key: ObjectName::new(namespace, format!("k{at}")),
        secret: ObjectName::new(namespace, format!("s{at}")),
        ..replace(60)
    };
    let mut all: Vec<_> = (0..1000).map(|at| wanted("a", at)).collect();
    all.push(wanted("b", 0));
    all.iter().for_each(|wanted| scene.key(&wanted.key));
    assert!(scene.carry_out(&all).await, "there is more to do");
    assert_eq!(scene.asked("GET"), A_ROUND);
    assert_eq!(scene.asked("GET /api/v1/namespaces/b/secrets"), 1);
    assert!(scene.carry_out(&all).await);
    assert_eq!(scene.asked("GET"), 2 * A_ROUND, "the next of them");
}
