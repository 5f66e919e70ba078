use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use kube::Client;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

pub(crate) type Secrets = Arc<Mutex<BTreeMap<String, Value>>>;

async fn read(State(secrets): State<Secrets>, Path(name): Path<String>) -> Response {
    match secrets.lock().get(&name) {
        Some(secret) => secret.to_string().into_response(),
        None => {
            let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404});
            (StatusCode::NOT_FOUND, body.to_string()).into_response()
        }
    }
}

async fn write(State(secrets): State<Secrets>, body: String) -> String {
    let secret: Value = serde_json::from_str(&body).unwrap();
    let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
    secrets.lock().insert(name, secret);
    body
}

/// An API server that keeps Secrets, and who publishes there.
#[expect(
    clippy::disallowed_methods,
    reason = "it ends with the test, and nobody waits for it"
)]
pub(crate) async fn scene() -> (Secrets, Publisher) {
    let secrets = Secrets::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new()
        .route("/api/v1/namespaces/own/secrets", post(write))
        .route(
            "/api/v1/namespaces/own/secrets/{name}",
            get(read).put(write),
        )
        .with_state(Arc::clone(&secrets));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let publisher = Publisher {
        client: Client::try_from(config).unwrap(),
        namespace: "own".to_owned(),
        gateway_name: "default".to_owned(),
    };
    (secrets, publisher)
}

pub(crate) fn data(secrets: &Secrets, name: &str, key: &str) -> Option<String> {
    let secrets = secrets.lock();
    let value = &secrets.get(name)?["data"][key];
    value.as_str().map(str::to_owned)
}

const CREDENTIALS: &str = "fairlead-default-credentials";
const ADMIN: &str = "fairlead-default-admin";

#[tokio::test]
async fn a_token_is_made_once_and_apart_from_the_credentials() {
    let (secrets, publisher) = scene().await;
    publisher.token(false).await.unwrap();
    let token = data(&secrets, ADMIN, names::TOKEN_KEY).unwrap();
    publisher.token(true).await.unwrap();
    assert_eq!(data(&secrets, ADMIN, names::TOKEN_KEY), Some(token));
    assert_eq!(secrets.lock().len(), 1);
}

#[tokio::test]
async fn the_token_of_an_older_release_is_taken_over_and_taken_away_once_every_gateway_has_moved() {
    let (secrets, publisher) = scene().await;
    let old = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": CREDENTIALS, "namespace": "own"}, "data": {"admin-token": "b2xk", "abc": "dmFsdWU="}});
    secrets.lock().insert(CREDENTIALS.to_owned(), old);
    for _ in 0..2 {
        publisher.token(false).await.unwrap();
        assert_eq!(
            data(&secrets, ADMIN, names::TOKEN_KEY).as_deref(),
            Some("b2xk")
        );
        assert!(
            data(&secrets, CREDENTIALS, names::OLD_TOKEN_KEY).is_some(),
            "older gateways know no other place"
        );
    }
    publisher.token(true).await.unwrap();
    assert_eq!(data(&secrets, CREDENTIALS, names::OLD_TOKEN_KEY), None);
    assert!(data(&secrets, CREDENTIALS, "abc").is_some());
    // Somebody wants another: the old one does not come back.
    secrets.lock().remove(ADMIN);
    publisher.token(true).await.unwrap();
    let another = data(&secrets, ADMIN, names::TOKEN_KEY).unwrap();
    assert_ne!(another, "b2xk");
}
