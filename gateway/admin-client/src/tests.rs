//! Gateways that are scripted, and an API server that has the token and nothing else.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode};
use k8s_openapi::ByteString;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const TOKEN: &str = "the-token";

fn api_server() -> Client {
    let service = tower::service_fn(|_: Request<Body>| async {
        let token = ByteString(TOKEN.as_bytes().to_vec());
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"token": token}});
        let body = Body::from(secret.to_string().into_bytes());
        Ok::<_, Infallible>(Response::builder().status(200).body(body).unwrap())
    });
    Client::new(service, "own")
}

/// A gateway that says `text` at `/said` to whoever has the token.
async fn gateway(text: &'static str) -> (AdminClient, Endpoint, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move |headers: HeaderMap| async move {
        let shown = headers.get("authorization").map(|value| value.as_bytes());
        if shown == Some(format!("Bearer {TOKEN}").as_bytes()) {
            text.into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    let service = Router::new().route("/said", get(answer));
    #[expect(clippy::disallowed_methods, reason = "the test ends it")]
    let serving = tokio::spawn(async move {
        let _ = axum::serve(listener, service).await;
    });
    let client = AdminClient::new(&api_server(), "own", "default", port).unwrap();
    let endpoint = Endpoint {
        pod: "gateway-1".to_owned(),
        address: Ipv4Addr::LOCALHOST.to_string(),
    };
    (client, endpoint, serving)
}

#[tokio::test]
async fn a_token_that_is_refused_is_read_again_and_never_shown() {
    let (client, endpoint, serving) = gateway("{\"generation\": 7}").await;
    *client.token.lock() = Some(SecretBytes::new(b"an old one".to_vec()));
    let refused = client.ask::<Value>(&endpoint, "/said").await.unwrap_err();
    assert!(!format!("{refused} {refused:?} {client:?}").contains("old one"));
    client.prepare().await;
    let answer: Value = client.ask(&endpoint, "/said").await.unwrap();
    assert_eq!(answer["generation"], 7);
    assert!(!format!("{client:?}").contains(TOKEN));
    serving.abort();
}

#[tokio::test]
async fn lines_come_whole_and_without_the_empty_ones() {
    let (client, endpoint, serving) = gateway("{\"a\":1}\n\n{\"b\":2}\nhalf").await;
    client.prepare().await;
    let lines = client.lines(&endpoint, "/said").await.unwrap();
    let lines: Vec<_> = lines.map(|line| line.unwrap()).collect().await;
    assert_eq!(lines, ["{\"a\":1}", "{\"b\":2}"]);
    serving.abort();
}

#[tokio::test]
async fn a_line_without_end_is_not_read_to_it() {
    let text: &'static str = Box::leak("x".repeat(3 * LINE).into_boxed_str());
    let (client, endpoint, serving) = gateway(text).await;
    client.prepare().await;
    let lines = client.lines(&endpoint, "/said").await.unwrap();
    let lines: Vec<_> = lines.collect().await;
    assert!(matches!(lines[..], [Err(AskError::TooLong(LINE))]));
    serving.abort();
}
