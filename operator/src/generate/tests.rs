use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use clap::Parser as _;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::args::Args;
use crate::watch::shelf::Source;

/// An API server that has a Secret already, or none, and never lets one be made.
#[derive(Default)]
struct Server {
    /// The metadata of the Secret that is in the way.
    secret: Option<Value>,
    asked: Vec<String>,
}

async fn answer(State(server): State<Arc<Mutex<Server>>>, method: Method, uri: Uri) -> Response {
    let mut server = server.lock();
    server
        .asked
        .push(format!("{method} {}", uri.path_and_query().unwrap()));
    if method == Method::POST {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "there already", "reason": "AlreadyExists", "code": 409});
        return (StatusCode::CONFLICT, body.to_string()).into_response();
    }
    let items: Vec<Value> = server
        .secret
        .iter()
        .map(|metadata| json!({"metadata": metadata}))
        .collect();
    let body = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": items});
    body.to_string().into_response()
}

struct Scene {
    server: Arc<Mutex<Server>>,
    maker: Maker,
    watched: Watched,
    wanted: Vec<WantedKey>,
    keys: Keys,
}

impl Scene {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the test, and nobody waits for it"
    )]
    async fn set(secret: Option<Value>) -> Self {
        let server = Arc::new(Mutex::new(Server {
            secret,
            ..Server::default()
        }));
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
        let watched = Watched::new(&Args::try_parse_from(fixed).unwrap());
        let wanted = WantedKey {
            key: ObjectName::new("a", "k"),
            secret: ObjectName::new("a", "s"),
            data_key: "apiKey".to_owned(),
            served: None,
        };
        let scene = Self {
            server,
            maker: Maker::new(&client, crate::report::recorder(&client, "me")),
            watched,
            wanted: vec![wanted],
            keys: Keys::default(),
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

    async fn generate(&mut self, again: bool) -> bool {
        let (maker, watched) = (&self.maker, &self.watched);
        self.keys
            .generate(maker, watched, &self.wanted, again)
            .await
    }

    /// How often something was asked for.
    fn asked(&self, what: &str) -> usize {
        let server = self.server.lock();
        server
            .asked
            .iter()
            .filter(|asked| asked.starts_with(what))
            .count()
    }
}

fn metadata(uid: &str, controller: bool, label: &str) -> Value {
    let owner = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "VirtualKey", "name": "k", "uid": uid, "controller": controller});
    json!({"name": "s", "namespace": "a", "labels": {SECRET_LABEL: label}, "ownerReferences": [owner]})
}

#[tokio::test]
async fn a_secret_of_the_key_that_the_watch_has_not_shown_yet_is_no_conflict_and_is_not_made_again()
{
    let mut scene = Scene::set(Some(metadata("1", true, SECRET_VIRTUAL_KEY))).await;
    for _ in 0..3 {
        assert!(!scene.generate(false).await);
        assert!(scene.keys.taken().is_empty());
    }
    assert_eq!(scene.asked("POST /api/v1/namespaces/a/secrets"), 1);
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_looked_at_and_not_tried_again_until_it_is_free() {
    let mut scene = Scene::set(Some(json!({"name": "s", "namespace": "a"}))).await;
    assert!(scene.generate(false).await);
    assert_eq!(scene.keys.taken().len(), 1);
    // The compiler knows that the name is taken, so it does not want the Secret any more.
    let wanted = std::mem::take(&mut scene.wanted);
    for _ in 0..3 {
        assert!(!scene.generate(true).await);
    }
    assert_eq!(scene.asked("POST"), 1);
    assert_eq!(scene.asked("GET /api/v1/namespaces/a/secrets?"), 4);
    let by_name = |asked: &String| asked.ends_with("fieldSelector=metadata.name%3Ds");
    assert_eq!(
        scene
            .server
            .lock()
            .asked
            .iter()
            .filter(|asked| by_name(asked))
            .count(),
        4
    );
    scene.server.lock().secret = None;
    assert!(scene.generate(true).await, "the verdict is another now");
    assert!(scene.keys.taken().is_empty());
    scene.wanted = wanted;
    scene.generate(false).await;
    assert_eq!(scene.asked("POST"), 2);
}

#[tokio::test]
async fn a_namespace_that_asks_for_thousands_of_keys_keeps_nobody_waiting() {
    let mut scene = Scene::set(Some(json!({"name": "s", "namespace": "a"}))).await;
    let wanted = |namespace: &str, name: &str| WantedKey {
        key: ObjectName::new(namespace, name),
        secret: ObjectName::new(namespace, name),
        data_key: "apiKey".to_owned(),
        served: None,
    };
    let mut all: Vec<_> = (0..1000).map(|at| wanted("a", &format!("k{at}"))).collect();
    all.push(wanted("b", "k"));
    all.iter().for_each(|wanted| scene.key(&wanted.key));
    scene.wanted = all;
    assert!(scene.generate(false).await, "there is more to make");
    assert_eq!(scene.asked("POST"), A_ROUND);
    assert_eq!(scene.asked("POST /api/v1/namespaces/b/secrets"), 1);
}

#[tokio::test]
async fn a_secret_that_is_made_notes_the_request_that_its_first_value_serves() {
    let mut scene = Scene::set(None).await;
    let key = scene
        .watched
        .resource("VirtualKey", &scene.wanted[0].key)
        .unwrap();
    let mut wanted = scene.wanted.remove(0);
    let made = secret(&wanted, &key).unwrap().metadata;
    assert_eq!(made.annotations, None);
    wanted.served = Some("x".to_owned());
    let made = secret(&wanted, &key).unwrap().metadata;
    let says = crate::watch::resource::rotation(&made);
    assert_eq!(says.served.as_deref(), Some("x"));
    assert_eq!(owner(&made, "1"), Owner::Key);
}

#[test]
fn a_secret_is_the_keys_only_if_that_very_key_controls_it_and_the_watch_can_see_it() {
    let judge = |metadata: Value| owner(&serde_json::from_value(metadata).unwrap(), "1");
    assert_eq!(judge(metadata("1", true, SECRET_VIRTUAL_KEY)), Owner::Key);
    assert_eq!(judge(metadata("2", true, SECRET_VIRTUAL_KEY)), Owner::Other);
    assert_eq!(
        judge(metadata("1", false, SECRET_VIRTUAL_KEY)),
        Owner::Other
    );
    assert_eq!(judge(metadata("1", true, "credential")), Owner::Other);
    assert_eq!(judge(json!({"name": "s"})), Owner::Other);
}
