//! How much one browser may keep busy.

use std::time::Duration;

use axum::body::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::*;
use crate::route::BODIES;

/// Half of a body, and nothing more.
fn half() -> Body {
    let half = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
    Body::from_stream(half.chain(stream::pending()))
}

fn unfinished(browser: &Browser, path: &str) -> Request<Body> {
    let whole = browser.request(Method::POST, path, &Value::Null);
    let (head, _) = whole.into_parts();
    Request::from_parts(head, half())
}

#[tokio::test(start_paused = true)]
async fn half_a_question_is_waited_for_ten_seconds() {
    let browser = Browser::signed_in(operator()).await;
    for path in ["/api/v1/session", "/api/v1/requests"] {
        let before = Instant::now();
        let answer = browser.send(unfinished(&browser, path)).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT, "{path}");
        assert_eq!(answer.headers()[header::CONNECTION], "close");
        assert_eq!(before.elapsed().as_secs(), 10, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_refused_before_it_is_read() {
    let browser = Browser::signed_in(operator()).await;
    for (path, length) in [
        ("/api/v1/session", 16 * 1024 + 1),
        ("/api/v1/requests", 256 * 1024 + 1),
    ] {
        let mut request = unfinished(&browser, path);
        request
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        let before = Instant::now();
        let answer = browser.send(request).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(before.elapsed().as_secs(), 0);
    }
    // One that does not say how long it is is cut off all the same.
    let mut request = browser.request(Method::POST, "/api/v1/session", &Value::Null);
    *request.body_mut() = Body::from("x".repeat(16 * 1024 + 1));
    assert_eq!(
        browser.send(request).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test(start_paused = true)]
async fn strangers_leave_others_their_turns() {
    let browser = Browser::signed_in(operator()).await;
    let stranger = || browser.send(unfinished(&browser, "/api/v1/session"));
    let all = join_all((0..64).map(|_| stranger()));
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.post("/api/v1/requests", json!({})).await.0
    };
    let (answers, status) = tokio::join!(all, meanwhile);
    assert_eq!(status, StatusCode::OK);
    let waited = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::REQUEST_TIMEOUT);
    assert_eq!(waited.count(), BODIES[1]);
}

#[tokio::test(start_paused = true)]
async fn four_questions_of_a_session_are_answered_at_once() {
    let browser = Browser::signed_in(operator()).await;
    let ask = || browser.send(unfinished(&browser, "/api/v1/requests"));
    let other = Browser {
        console: Arc::clone(&browser.console),
        source: Arc::clone(&browser.source),
        cookie: None,
    };
    let other = other.signs_in(lead()).await;
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let fifth = browser
            .send(browser.request(Method::GET, "/api/v1/rules", &Value::Null))
            .await;
        assert_eq!(fifth.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(fifth.headers()[header::RETRY_AFTER], "1");
        assert_eq!(other.get("/api/v1/rules").await.0, StatusCode::OK);
    };
    let four = join_all((0..4).map(|_| ask()));
    tokio::join!(four, meanwhile);
    assert_eq!(browser.get("/api/v1/rules").await.0, StatusCode::OK);
}
