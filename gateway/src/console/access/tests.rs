//! Before an API server that is scripted.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "eyJhbGciOiJub25lIn0.e30.c2ln";

/// What the API server says, and how often it was asked.
#[derive(Default)]
struct Server {
    reviews: AtomicUsize,
    checks: AtomicUsize,
    /// How many are asked at once, and how many have been.
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    /// The status of a review of a token; null: it fails.
    review: Mutex<Value>,
    /// The same of one for the API server itself.
    own_review: Mutex<Value>,
    /// The namespaces where everything is allowed; `""`: all.
    allowed: Mutex<Vec<String>>,
    /// The subresources that are allowed nowhere.
    refused: Mutex<Vec<&'static str>>,
    /// Whether what somebody may see cannot be said.
    broken: Mutex<bool>,
}

impl Server {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let is_review = request.uri().path().ends_with("/tokenreviews");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let now = self.at_once.fetch_add(1, Relaxed) + 1;
        self.most_at_once.fetch_max(now, Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.at_once.fetch_sub(1, Relaxed);
        let status = if is_review {
            self.reviews.fetch_add(1, Relaxed);
            if asked["spec"].get("audiences").is_some() {
                self.review.lock().clone()
            } else {
                self.own_review.lock().clone()
            }
        } else {
            self.checks.fetch_add(1, Relaxed);
            let attributes = &asked["spec"]["resourceAttributes"];
            assert_eq!(
                (&attributes["verb"], &attributes["group"]),
                (&json!("get"), &json!("fairlead.dev"))
            );
            let namespace = attributes["namespace"].as_str().unwrap_or_default();
            let subresource = attributes["subresource"].as_str().unwrap_or_default();
            let refused = self.refused.lock().contains(&subresource);
            let allowed = !refused && self.allowed.lock().iter().any(|one| one == namespace);
            if *self.broken.lock() {
                Value::Null
            } else {
                json!({"allowed": allowed})
            }
        };
        if status.is_null() {
            let failure = json!({"kind": "Status", "apiVersion": "v1", "code": 500, "message": "broken", "reason": "x", "status": "Failure"});
            let body = Body::from(failure.to_string().into_bytes());
            return Response::builder().status(500).body(body).unwrap();
        }
        let mut answer = asked;
        answer["status"] = status;
        Response::new(Body::from(answer.to_string().into_bytes()))
    }
}

fn world() -> (Arc<Server>, Access) {
    world_of(false)
}

/// `acting`: whether a token is good too that the API server itself takes.
fn world_of(acting: bool) -> (Arc<Server>, Access) {
    let server = Arc::<Server>::default();
    *server.review.lock() = json!({
        "authenticated": true, "audiences": ["fairlead-console"], "user": {"username": "jane", "uid": "1", "groups": ["leads"]},
    });
    let serving = Arc::clone(&server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let client = Client::new(service, "own");
    let access = Access::new(&client, ("fairlead-console", acting), &Arc::default());
    (server, access)
}

fn namespaces(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn reach(names: &[&str]) -> fairlead_console::Reach {
    fairlead_console::Reach::Namespaces(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn an_answer_holds_for_ten_seconds_whether_yes_or_no() {
    let (server, access) = world();
    for _ in 0..5 {
        let found = access.admit(TOKEN).await.unwrap().unwrap();
        assert_eq!((found.user.as_str(), found.token()), ("jane", TOKEN));
    }
    assert_eq!(server.reviews.load(Relaxed), 1);
    *server.review.lock() = json!({"authenticated": false});
    tokio::time::advance(HOLDS).await;
    for _ in 0..5 {
        assert!(access.admit(TOKEN).await.unwrap().is_none());
    }
    assert_eq!(server.reviews.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_there_is_asked_about_again_after_a_minute() {
    let (server, access) = world();
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    *server.review.lock() = json!({"authenticated": false});
    tokio::time::advance(Duration::from_secs(50)).await;
    assert!(access.renew(&identity).await.unwrap().is_some());
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(access.renew(&identity).await.unwrap().is_none());
    assert_eq!(server.reviews.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_review_that_fails_lets_nobody_in_and_is_not_remembered() {
    let (server, access) = world();
    let good = std::mem::take(&mut *server.review.lock());
    assert!(matches!(
        access.admit(TOKEN).await,
        Err(Trouble::Unavailable(_))
    ));
    *server.review.lock() = good;
    assert!(access.admit(TOKEN).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_sign_ins_are_few_reviews_and_few_at_once() {
    let (server, access) = world();
    let same = (0..1_000).map(|_| access.admit(TOKEN));
    assert!(
        futures_util::future::join_all(same)
            .await
            .iter()
            .all(|found| found.as_ref().is_ok_and(Option::is_some))
    );
    assert!(server.reviews.load(Relaxed) <= REVIEWS);
    let different: Vec<String> = (0..1_000).map(|at| format!("a.b{at}.c")).collect();
    let different = different.iter().map(|token| access.admit(token));
    let found = futures_util::future::join_all(different).await;
    assert!(found.iter().all(|found| !matches!(found, Ok(None))));
    assert!(server.most_at_once.load(Relaxed) <= REVIEWS);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_costs_the_api_server_nothing() {
    let (server, access) = world();
    for bad in ["", "no-token", "a.b", "sk-fairlead-0123456789abcdef"] {
        assert!(access.admit(bad).await.unwrap().is_none());
    }
    assert_eq!(server.reviews.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn somebody_sees_the_namespaces_where_they_may_and_no_other() {
    let (server, access) = world();
    *server.allowed.lock() = vec!["search".to_owned()];
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    let all = namespaces(&["search", "shop", "searc"]);
    let rights = access.rights(&identity, &all).await.unwrap();
    assert_eq!(rights, Rights::to_see(&reach(&["search"])));
    // Five questions about all namespaces, and one for each of the three.
    assert_eq!(server.checks.load(Relaxed), 20);
    access.rights(&identity, &all).await.unwrap();
    assert_eq!(server.checks.load(Relaxed), 20);
    server.allowed.lock().clear();
    tokio::time::advance(HOLDS).await;
    let rights = access.rights(&identity, &all).await.unwrap();
    assert_eq!(rights, Rights::default());
    assert!(server.most_at_once.load(Relaxed) <= CHECKS);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_see_all_is_asked_about_five_times() {
    let (server, access) = world();
    *server.allowed.lock() = vec![String::new()];
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    let rights = access
        .rights(&identity, &namespaces(&["a", "b"]))
        .await
        .unwrap();
    assert_eq!(rights, Rights::to_see(&fairlead_console::Reach::All));
    assert_eq!(server.checks.load(Relaxed), 5);
}

/// To see a request is not to see what was written in it, and that is worth nothing without the request.
#[tokio::test(start_paused = true)]
async fn what_was_written_has_a_right_of_its_own() {
    let (server, access) = world();
    *server.allowed.lock() = vec![String::new()];
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    let (all, none) = (fairlead_console::Reach::All, reach(&[]));
    for (refused, requests, content) in [
        (vec![], &all, &all),
        (vec!["content"], &all, &none),
        (vec!["requests"], &none, &none),
        (vec!["usage"], &none, &none),
    ] {
        server.refused.lock().clone_from(&refused);
        tokio::time::advance(HOLDS).await;
        let rights = access.rights(&identity, &namespaces(&["a"])).await.unwrap();
        assert_eq!(
            (&rights.requests, &rights.content),
            (requests, content),
            "{refused:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_gives_no_right() {
    let (server, access) = world();
    *server.allowed.lock() = vec![String::new()];
    *server.broken.lock() = true;
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    let rights = access.rights(&identity, &namespaces(&["a"])).await;
    assert!(matches!(rights, Err(Trouble::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn of_more_namespaces_than_may_be_asked_about_the_rest_is_not_seen() {
    let (server, access) = world();
    let names: Vec<String> = (0..2 * rights::NAMESPACES)
        .map(|at| format!("n{at:04}"))
        .collect();
    server.allowed.lock().clone_from(&names);
    let identity = access.admit(TOKEN).await.unwrap().unwrap();
    let all = names.iter().map(|name| Arc::from(name.as_str())).collect();
    let rights = access.rights(&identity, &all).await.unwrap();
    let fairlead_console::Reach::Namespaces(seen) = rights.health else {
        panic!("not all of them")
    };
    assert_eq!(seen.len(), rights::NAMESPACES);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_server_takes_opens_the_console_only_where_one_may_act_with_it() {
    let (no, jane) = (
        json!({"authenticated": false}),
        json!({"authenticated": true, "audiences": ["https://kubernetes"], "user": {"username": "jane"}}),
    );
    let (server, access) = world();
    (*server.review.lock(), *server.own_review.lock()) = (no.clone(), jane.clone());
    assert!(access.admit(TOKEN).await.unwrap().is_none());
    assert_eq!(server.reviews.load(Relaxed), 1, "it was not even asked");

    let (server, access) = world_of(true);
    (*server.review.lock(), *server.own_review.lock()) = (no.clone(), jane);
    assert!(access.admit(TOKEN).await.unwrap().unwrap().acts);

    // One for this console alone opens it, and nobody acts with it.
    let (server, access) = world_of(true);
    *server.own_review.lock() = no;
    assert!(!access.admit(TOKEN).await.unwrap().unwrap().acts);
    *server.own_review.lock() = Value::Null;
    tokio::time::advance(HOLDS).await;
    access.admit(TOKEN).await.unwrap_err();
}
