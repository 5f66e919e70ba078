//! How the API server answers: connections that it can cut, and the four requests of a reader.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Cluster, NAMESPACE};

/// Serves until its task is ended; its connections end with it.
pub(super) async fn serve(listener: TcpListener, cluster: Arc<Cluster>) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let cluster = Arc::clone(&cluster);
        let mut down = cluster.down.subscribe();
        connections.spawn(async move {
            let answer = hyper::service::service_fn(move |request: http::Request<_>| {
                let answer = answer(&cluster, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::select! {
                biased;
                _ = down.wait_for(|down| *down) => {}
                _ = http1::Builder::new().serve_connection(TokioIo::new(socket), answer) => {}
            }
        });
    }
}

fn answer<B>(cluster: &Arc<Cluster>, request: &http::Request<B>) -> Response {
    let rest = request
        .uri()
        .path()
        .strip_prefix(&format!("/api/v1/namespaces/{NAMESPACE}/"))
        .unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let kind = if rest.starts_with("secrets") {
        "Secret"
    } else {
        "ConfigMap"
    };
    match rest.split_once('/') {
        Some((_, name)) => get(cluster, kind, name),
        None => {
            let name = query
                .split('&')
                .find_map(|field| field.strip_prefix("fieldSelector=metadata.name%3D"));
            match name {
                // A Role that names its objects allows lists of one name only.
                None => status(403, "this Role allows no list of everything"),
                Some(name) if kind == "Secret" && name.contains("-credentials-") => {
                    status(403, "this Role allows only to get the other credentials")
                }
                Some(name) if query.contains("watch=true") => watch(cluster, kind, name, query),
                Some(name) => list(cluster, kind, name),
            }
        }
    }
}

fn get(cluster: &Cluster, kind: &'static str, name: &str) -> Response {
    let mut store = cluster.store.lock();
    store.log.push(format!("get {name}"));
    if let Some(scripted) = store.scripted.get(kind) {
        return text(200, scripted.clone());
    }
    if kind == "Secret" && !name.contains("-credentials") && !name.ends_with("-admin") {
        return status(403, "this Role allows the credentials and the token");
    }
    let found = store.objects.get(&(kind, name.to_owned()));
    if let Some(object) = found {
        return text(200, object.to_string());
    }
    let then = store.on_missing.take();
    drop(store);
    if let Some(then) = then {
        then();
    }
    status(404, "there is no such object")
}

fn list(cluster: &Cluster, kind: &'static str, name: &str) -> Response {
    let mut store = cluster.store.lock();
    store.log.push(format!("list {name}"));
    if let Some(scripted) = store.scripted.get(kind) {
        return text(200, scripted.clone());
    }
    let items: Vec<_> = store
        .objects
        .get(&(kind, name.to_owned()))
        .into_iter()
        .collect();
    let version = cluster.version.borrow().to_string();
    let list = json!({
        "apiVersion": "v1", "kind": format!("{kind}List"), "items": items,
        "metadata": {"resourceVersion": version},
    });
    text(200, list.to_string())
}

/// Every change of an object after the version that is named, for ever.
fn watch(cluster: &Arc<Cluster>, kind: &'static str, name: &str, query: &str) -> Response {
    cluster.store.lock().log.push(format!("watch {name}"));
    let since = query
        .split('&')
        .find_map(|field| field.strip_prefix("resourceVersion="));
    let since: u64 = since.unwrap().parse().unwrap();
    let (cluster, id) = (Arc::clone(cluster), (kind, name.to_owned()));
    let versions = cluster.version.subscribe();
    let events = stream::unfold(since, move |since| {
        let (cluster, id, mut versions) = (Arc::clone(&cluster), id.clone(), versions.clone());
        async move {
            loop {
                versions.borrow_and_update();
                let next = {
                    let store = cluster.store.lock();
                    let mut changes = store.changes.iter();
                    changes
                        .find(|change| change.version > since && change.id == id)
                        .cloned()
                };
                if let Some(change) = next {
                    let line = Bytes::from(format!("{}\n", change.event));
                    return Some((Ok::<_, Infallible>(line), change.version));
                }
                versions.changed().await.ok()?;
            }
        }
    });
    Response::new(Body::from_stream(events))
}

fn status(code: u16, message: &str) -> Response {
    let status: Value = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message,
        "reason": match code { 404 => "NotFound", _ => "Forbidden" },
    });
    text(code, status.to_string())
}

fn text(code: u16, text: String) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = code.try_into().unwrap();
    response
}
