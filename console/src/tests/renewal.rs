//! A right that is taken away is gone while somebody looks.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use tokio::time::{advance, timeout};

use super::*;
use crate::renewal::HOLDS;

const OVER: u8 = 1;
const UNKNOWN: u8 = 2;

async fn follow(browser: &Browser, bearer: Option<&str>) -> Response {
    let mut request = browser.request(Method::GET, "/api/v1/live", &Value::Null);
    if let Some(token) = bearer {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    browser.send(request).await
}

/// Whether a stream ends within so many seconds.
async fn ends(stream: BodyDataStream, seconds: u64) -> bool {
    let rest = stream.for_each(|_| async {});
    timeout(Duration::from_secs(seconds), rest).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn who_may_see_nothing_any_more_is_out_within_ten_seconds() {
    for with in [holder(), operator(), lead()] {
        let browser = Browser::signed_in(with).await;
        let stream = follow(&browser, None).await.into_body().into_data_stream();
        browser.source.renews.store(OVER, Relaxed);
        assert_eq!(browser.get("/api/v1/session").await.0, StatusCode::OK);
        assert!(ends(stream, 12).await);
        assert_eq!(
            browser.get("/api/v1/session").await.0,
            StatusCode::UNAUTHORIZED
        );
        // It has ended, and does not come back.
        browser.source.renews.store(0, Relaxed);
        assert_eq!(
            browser.get("/api/v1/session").await.0,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_a_token_ends_with_it_too() {
    let browser = Browser::new();
    let answer = follow(&browser, Some(TOKEN)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    browser.source.renews.store(OVER, Relaxed);
    assert!(ends(answer.into_body().into_data_stream(), 12).await);
}

#[tokio::test(start_paused = true)]
async fn what_was_known_holds_for_a_minute_if_nobody_can_say() {
    let browser = Browser::signed_in(lead()).await;
    browser.source.renews.store(UNKNOWN, Relaxed);
    advance(HOLDS).await;
    assert_eq!(browser.get("/api/v1/rules").await.0, StatusCode::OK);
    advance(Duration::from_secs(51)).await;
    let (status, told) = browser.get("/api/v1/rules").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    browser.source.renews.store(0, Relaxed);
    assert_eq!(browser.get("/api/v1/rules").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_an_hour() {
    let browser = Browser::new();
    for (seconds, over) in [(3_590, false), (3_602, true)] {
        let stream = follow(&browser, Some(TOKEN)).await;
        let stream = stream.into_body().into_data_stream();
        assert_eq!(ends(stream, seconds).await, over, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_session_has_four_streams() {
    let settings = Settings {
        holders: true,
        ..Settings::default()
    };
    let browser = Browser::of(settings).signs_in(operator()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let answer = follow(&browser, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        held.push(answer);
    }
    let fifth = follow(&browser, None).await;
    assert_eq!(fifth.status(), StatusCode::TOO_MANY_REQUESTS);
    held.pop();
    assert_eq!(follow(&browser, None).await.status(), StatusCode::OK);
}
