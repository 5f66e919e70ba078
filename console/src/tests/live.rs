//! The live view.

use std::time::Duration;

use fairlead_record::Entry;
use futures_util::StreamExt as _;
use http::HeaderValue;

use super::*;

/// A stream of events, and what comes of it.
struct Events(axum::body::BodyDataStream);

impl Events {
    async fn of(browser: &Browser, last: Option<&str>) -> Option<Self> {
        let mut request = browser.request(Method::GET, "/api/v1/live", &Value::Null);
        request.headers_mut().remove("x-fairlead-console");
        if let Some(last) = last {
            let last = HeaderValue::from_str(last).unwrap();
            request.headers_mut().insert("last-event-id", last);
        }
        let answer = browser.send(request).await;
        (answer.status() == StatusCode::OK).then(|| Self(answer.into_body().into_data_stream()))
    }

    /// The next message: its id, and what it says. Comments are passed over.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let piece = self.0.next().await?.unwrap();
            let text = String::from_utf8(piece.to_vec()).unwrap();
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.map(|line| line.trim_start().to_owned())
            };
            if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                return Some((id, serde_json::from_str(&data).unwrap()));
            }
        }
    }
}

fn push(browser: &Browser, id: u64, key: &str) {
    browser.console.feed.push(Arc::new(Entry {
        id,
        key: Some(key.into()),
        ..Entry::default()
    }));
}

fn ids(message: &Value) -> Vec<String> {
    let requests = message["requests"].as_array().unwrap();
    let ids = requests
        .iter()
        .map(|request| request["id"].as_str().unwrap());
    ids.map(|id| id.trim_start_matches('0').to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_ends_within_a_second_comes_in_one_message_and_goes_on_where_it_was_cut() {
    let browser = Browser::signed_in(operator()).await;
    push(&browser, 9, "a/k");
    let mut events = Events::of(&browser, None).await.unwrap();
    for id in 1..=3 {
        push(&browser, id, "a/k");
    }
    let (place, message) = events.next().await.unwrap();
    assert_eq!(
        (ids(&message), &message["skipped"]),
        (vec!["1".into(), "2".into(), "3".into()], &json!(0))
    );
    drop(events);
    push(&browser, 4, "a/k");
    let mut events = Events::of(&browser, Some(&place)).await.unwrap();
    let (_, message) = events.next().await.unwrap();
    assert_eq!(ids(&message), ["4"]);
    // A place in another process means nothing.
    let mut strange = Events::of(&browser, Some("0000000000000000-1"))
        .await
        .unwrap();
    push(&browser, 5, "a/k");
    assert_eq!(ids(&strange.next().await.unwrap().1), ["5"]);
    assert!(
        Events::of(&browser, None).await.is_none(),
        "two follow already"
    );
    drop(events);
    assert!(Events::of(&browser, None).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_cut_down_and_said_to_be() {
    let browser = Browser::signed_in(operator()).await;
    let mut events = Events::of(&browser, None).await.unwrap();
    for id in 0..5_000 {
        push(&browser, id, "a/k");
    }
    let (_, message) = events.next().await.unwrap();
    assert_eq!(ids(&message).len(), 100);
    assert_eq!(message["skipped"], 4_900);
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_that_it_is_there_and_ends_with_its_session() {
    let browser = Browser::signed_in(operator()).await;
    let mut events = Events::of(&browser, None).await.unwrap();
    let before = tokio::time::Instant::now();
    let comment = events.0.next().await.unwrap().unwrap();
    assert!(comment.starts_with(b":"), "{comment:?}");
    assert_eq!(before.elapsed().as_secs(), 15);
    let out = browser.request(Method::DELETE, "/api/v1/session", &Value::Null);
    browser.send(out).await;
    let end = tokio::time::timeout(Duration::from_secs(5), events.next()).await;
    assert_eq!(end.unwrap(), None);
    // Its place is free again.
    assert_eq!(
        browser
            .console
            .viewers
            .load(std::sync::atomic::Ordering::Relaxed),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_hears_of_their_own() {
    let browser = Browser::signed_in(holder()).await;
    let mut events = Events::of(&browser, None).await.unwrap();
    for (id, key) in [
        (1, "shop/cart"),
        (2, "search/checkout"),
        (3, "search/other"),
    ] {
        push(&browser, id, key);
    }
    assert_eq!(ids(&events.next().await.unwrap().1), ["2"]);
}
