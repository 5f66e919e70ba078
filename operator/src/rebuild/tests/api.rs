//! An API server of ConfigMaps, Secrets and CRDs, in memory: as much of one as publishing needs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use kube::{Client, ResourceExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/";
/// The most that a real one takes in a ConfigMap or a Secret.
const MOST_BYTES: usize = 1024 * 1024;

#[derive(Default)]
struct Store {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// What is refused, by a part of its path.
    refuses: Option<&'static str>,
}

/// The API server.
#[derive(Clone, Default)]
pub(super) struct FakeApi(Arc<Mutex<Store>>);

impl FakeApi {
    /// One that holds the CRDs.
    pub(super) fn with_crds() -> Self {
        let api = Self::default();
        api.install_crds();
        api
    }

    pub(super) fn install_crds(&self) {
        for crd in fairlead_crds::all() {
            let path = format!("{CRDS}{}", crd.name_any());
            let crd = serde_json::to_value(crd).unwrap();
            self.0.lock().objects.insert(path, crd);
        }
    }

    /// Marks a CRD as an API server does before it deletes what is of its kind.
    pub(super) fn mark_crd(&self, name: &str) {
        let path = format!("{CRDS}{name}.fairlead.dev");
        let crd = &mut self.0.lock().objects;
        crd.get_mut(&path).unwrap()["metadata"]["deletionTimestamp"] =
            "2026-01-01T00:00:00Z".into();
    }

    pub(super) fn delete_crd(&self, name: &str) {
        self.0
            .lock()
            .objects
            .remove(&format!("{CRDS}{name}.fairlead.dev"));
    }

    pub(super) fn refuse(&self, part: Option<&'static str>) {
        self.0.lock().refuses = part;
    }

    pub(super) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "own")
    }

    /// The operator's own objects of a kind, by name.
    pub(super) fn all(&self, plural: &str) -> BTreeMap<String, Value> {
        self.all_of("own", plural)
    }

    /// The objects of a kind in a namespace, by name.
    pub(super) fn all_of(&self, namespace: &str, plural: &str) -> BTreeMap<String, Value> {
        let prefix = format!("/api/v1/namespaces/{namespace}/{plural}/");
        let store = self.0.lock();
        let found = store.objects.iter();
        found
            .filter_map(|(path, object)| {
                Some((path.strip_prefix(&prefix)?.to_owned(), object.clone()))
            })
            .collect()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let path = head.uri.path().to_owned();
        let mut store = self.0.lock();
        if store.refuses.is_some_and(|part| path.contains(part)) && head.method != Method::GET {
            return failure(StatusCode::INTERNAL_SERVER_ERROR);
        }
        match head.method {
            Method::GET if path.ends_with("/configmaps") => list(&store, &path),
            Method::GET if path.ends_with("/secrets") => {
                let query = head.uri.query().unwrap_or_default();
                named(&store, &path, query)
            }
            Method::GET => found(store.objects.get(&path)),
            Method::DELETE => found(store.objects.remove(&path).as_ref()),
            Method::POST => store.put(&path, &body, true),
            Method::PUT => store.put(&path, &body, false),
            _ => failure(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}

impl Store {
    fn put(&mut self, path: &str, body: &[u8], create: bool) -> Response<Body> {
        let mut object: Value = serde_json::from_slice(body).unwrap();
        let path = if create {
            format!("{path}/{}", object["metadata"]["name"].as_str().unwrap())
        } else {
            path.to_owned()
        };
        let before = self.objects.get(&path);
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if create == before.is_some() || before.is_some_and(|it| version(it) != version(&object)) {
            return failure(StatusCode::CONFLICT);
        }
        if object["data"].to_string().len() > MOST_BYTES {
            return failure(StatusCode::UNPROCESSABLE_ENTITY);
        }
        if create {
            let now = jiff::Timestamp::from_second(crate::clock::unix_seconds()).unwrap();
            object["metadata"]["creationTimestamp"] = format!("{now:.0}").into();
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(path, object.clone());
        answer(StatusCode::OK, &object)
    }
}

/// All of them; the only list is that of shards.
fn list(store: &Store, path: &str) -> Response<Body> {
    let items = store.objects.iter().filter(|(name, object)| {
        name.starts_with(path) && object["metadata"]["labels"]["fairlead.dev/part"] == "shard"
    });
    let items: Vec<&Value> = items.map(|(_, object)| object).collect();
    let list = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {}, "items": items});
    answer(StatusCode::OK, &list)
}

/// The Secret that a list asks for by its name.
fn named(store: &Store, path: &str, query: &str) -> Response<Body> {
    let name = query.split("metadata.name%3D").nth(1).unwrap_or_default();
    let name = name.split('&').next().unwrap_or_default();
    let items: Vec<&Value> = store
        .objects
        .get(&format!("{path}/{name}"))
        .into_iter()
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": items});
    answer(StatusCode::OK, &list)
}

fn found(object: Option<&Value>) -> Response<Body> {
    object.map_or_else(
        || failure(StatusCode::NOT_FOUND),
        |object| answer(StatusCode::OK, object),
    )
}

fn failure(code: StatusCode) -> Response<Body> {
    let reason = match code {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "AlreadyExists",
        _ => "InternalError",
    };
    let status = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": code.as_u16(), "message": "", "reason": reason});
    answer(code, &status)
}

fn answer(code: StatusCode, body: &Value) -> Response<Body> {
    let body = Body::from(body.to_string().into_bytes());
    Response::builder().status(code).body(body).unwrap()
}
