//! The console as a browser meets it, over a source that is made up.

mod access;
mod assets;
mod bounds;
mod live;
mod made_up;
mod renewal;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::console::{Console, Settings};
use crate::feed::Feed;
use made_up::{KEY, LEAD, MadeUp, TOKEN};

/// A browser that is signed in, or is not.
struct Browser {
    console: Arc<Console>,
    source: Arc<MadeUp>,
    cookie: Option<String>,
}

impl Browser {
    fn new() -> Self {
        Self::of(Settings {
            hosts: vec!["console.example".to_owned()],
            viewers: 2,
            holders: true,
            ..Settings::default()
        })
    }

    fn of(settings: Settings) -> Self {
        let feed = Arc::new(Feed::default());
        let source = Arc::new(MadeUp::default());
        Self {
            console: Console::new(Arc::clone(&source) as _, feed, settings),
            source,
            cookie: None,
        }
    }

    async fn signed_in(with: Value) -> Self {
        Self::new().signs_in(with).await
    }

    async fn signs_in(mut self, with: Value) -> Self {
        let answer = self
            .send(self.request(Method::POST, "/api/v1/session", &with))
            .await;
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        self.cookie = cookie.split(';').next().map(str::to_owned);
        self
    }

    /// A request as the pages make it.
    fn request(&self, method: Method, path: &str, body: &Value) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:9090")
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .header("x-fairlead-console", "1");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        request.body(Body::from(body)).unwrap()
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.console.router().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        told(
            self.send(self.request(Method::GET, path, &Value::Null))
                .await,
        )
        .await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        told(self.send(self.request(Method::POST, path, &body)).await).await
    }
}

async fn told(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn operator() -> Value {
    json!({"token": TOKEN})
}

fn lead() -> Value {
    json!({"token": LEAD})
}

fn holder() -> Value {
    json!({"key": KEY})
}
