//! Who is let in, and to what.

use std::net::IpAddr;

use super::*;
use crate::guard::Client;
use crate::route::{BELOW, ROUTES, Right};
use made_up::{CLERK, NAMES};

/// Each route with a path that it answers.
fn routes() -> impl Iterator<Item = (&'static crate::route::Route, String)> {
    ROUTES.iter().map(|route| {
        let path = route.path.replace('*', "0000000000000001");
        (route, format!("{BELOW}{path}"))
    })
}

#[tokio::test]
async fn nothing_is_told_to_whoever_has_not_signed_in() {
    let mut browser = Browser::new();
    for cookie in [
        None,
        Some("fairlead-console-9090=0123"),
        Some("__Host-fairlead-console="),
    ] {
        browser.cookie = cookie.map(str::to_owned);
        for (route, path) in routes().filter(|(route, _)| route.right != Right::Anybody) {
            let answer = browser.request(route.method.clone(), &path, &json!({}));
            let (status, told) = told(browser.send(answer).await).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {path}", route.method);
            assert_eq!(told["error"]["code"], "signed_out", "{path}");
        }
    }
    let open: Vec<_> = routes()
        .filter(|(route, _)| route.right == Right::Anybody)
        .map(|(route, path)| format!("{} {path}", route.method))
        .collect();
    assert_eq!(open, ["POST /api/v1/session"]);
}

#[tokio::test]
async fn the_holder_of_a_key_gets_what_is_of_the_key_and_nothing_else() {
    let browser = Browser::signed_in(holder()).await;
    for (route, path) in routes().filter(|(route, _)| route.right == Right::Viewer) {
        let answer = browser.request(route.method.clone(), &path, &json!({}));
        let (status, _) = told(browser.send(answer).await).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} {path}", route.method);
    }
    let (_, page) = browser.post("/api/v1/requests", json!({})).await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    assert_eq!(page["entries"][0]["key"], NAMES[0]);
    let (own, _) = browser.get("/api/v1/requests/0000000000000001").await;
    let (other, _) = browser.get("/api/v1/requests/0000000000000002").await;
    assert_eq!((own, other), (StatusCode::OK, StatusCode::NOT_FOUND));
    assert_eq!(browser.get("/api/v1/mine").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_was_written_is_for_whoever_has_the_right_and_each_reading_is_told() {
    let of = |id: u64| format!("/api/v1/content/{id:016x}");
    for (who, answers) in [
        (operator(), [StatusCode::OK, StatusCode::OK]),
        (lead(), [StatusCode::OK, StatusCode::NOT_FOUND]),
        (json!({"token": CLERK}), [StatusCode::FORBIDDEN; 2]),
        (holder(), [StatusCode::FORBIDDEN; 2]),
    ] {
        let browser = Browser::signed_in(who.clone()).await;
        let own = browser.get(&of(1)).await;
        let other = browser.get(&of(2)).await;
        assert_eq!([own.0, other.0], answers, "{who}");
        let read: Vec<u64> = browser
            .source
            .read
            .lock()
            .iter()
            .map(|(_, id)| *id)
            .collect();
        let wanted =
            (1..=2).filter(|id| answers[usize::try_from(*id).unwrap() - 1] == StatusCode::OK);
        assert_eq!(read, wanted.collect::<Vec<u64>>(), "{who}");
    }
    let lead = Browser::signed_in(lead()).await;
    let (status, _) = lead.get("/api/v1/content/one").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_see_one_namespace_is_told_nothing_of_another() {
    let browser = Browser::signed_in(lead()).await;
    for (route, path) in routes().filter(|(route, path)| {
        route.right != Right::Anybody && !path.ends_with("live") && route.method != Method::DELETE
    }) {
        let body = match path.as_str() {
            "/api/v1/explain" => json!({"key": NAMES[0], "body": {"model": "chat"}}),
            "/api/v1/apply" => json!({"form": {}, "seen": ""}),
            "/api/v1/apply/awaited" => json!({"name": NAMES[0], "generation": 1}),
            _ => json!({}),
        };
        let answer = browser.request(route.method.clone(), &path, &body);
        let (status, told) = told(browser.send(answer).await).await;
        assert!(!told.to_string().contains("shop/"), "{path}: {told}");
        assert!(
            status.is_success() || path.ends_with("mine") || path.contains("/apply"),
            "{path}: {status} {told}"
        );
    }
    let others = json!({"key": NAMES[1], "body": {"model": "chat"}});
    assert_eq!(
        browser.post("/api/v1/explain", others).await.0,
        StatusCode::NOT_FOUND
    );
    // Nobody says whose requests are asked for but the session.
    let (status, _) = browser
        .post("/api/v1/requests", json!({"filter": {"scope": "All"}}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, usage) = browser.post("/api/v1/usage", json!({})).await;
    assert_eq!(usage[0]["requests"], 1);
}

#[tokio::test]
async fn other_sites_ask_for_nothing() {
    let browser = Browser::signed_in(operator()).await;
    for (route, path) in routes() {
        let live = path.ends_with("live");
        let mut wrong: Vec<Request<Body>> = Vec::new();
        for site in ["cross-site", "same-site"] {
            let mut request = browser.request(route.method.clone(), &path, &json!({}));
            request
                .headers_mut()
                .insert("sec-fetch-site", site.parse().unwrap());
            wrong.push(request);
        }
        if !live {
            let mut unmarked = browser.request(route.method.clone(), &path, &json!({}));
            unmarked.headers_mut().remove("x-fairlead-console");
            wrong.push(unmarked);
        }
        if route.method == Method::POST {
            let mut form = browser.request(route.method.clone(), &path, &json!({}));
            let kind = "text/plain".parse().unwrap();
            form.headers_mut().insert(header::CONTENT_TYPE, kind);
            wrong.push(form);
        }
        for request in wrong {
            let (status, told) = told(browser.send(request).await).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {told}");
            assert_eq!(told["error"]["code"], "cross_site");
        }
    }
}

#[tokio::test]
async fn a_name_that_was_made_to_mean_this_machine_is_refused() {
    let browser = Browser::signed_in(operator()).await;
    for (host, allowed) in [
        ("127.0.0.1:9090", true),
        ("localhost:9090", true),
        ("[::1]:9090", true),
        ("console.example", true),
        ("Console.Example:443", true),
        ("evil.example:9090", false),
        ("127.0.0.1.evil.example", false),
        ("localhost.evil.example", false),
        ("10.0.0.1:9090", false),
        ("", false),
    ] {
        for path in ["/", "/console.js", "/api/v1/keys"] {
            let mut request = browser.request(Method::GET, path, &Value::Null);
            request
                .headers_mut()
                .insert(header::HOST, host.parse().unwrap());
            let status = browser.send(request).await.status();
            let refused = status == StatusCode::MISDIRECTED_REQUEST;
            assert_eq!(refused, !allowed, "{host} {path}: {status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn five_guesses_a_minute_from_one_place_and_others_still_get_in() {
    let browser = Browser::new();
    let guess = |with: &Value, from: [u8; 4]| {
        let mut request = browser.request(Method::POST, "/api/v1/session", with);
        request.extensions_mut().insert(Client(IpAddr::from(from)));
        browser.send(request)
    };
    for _ in 0..5 {
        let answer = guess(&json!({"token": "wrong"}), [10, 0, 0, 1]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let late = guess(&operator(), [10, 0, 0, 1]).await;
    assert_eq!(late.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(late.headers()[header::RETRY_AFTER], "60");
    assert_eq!(
        guess(&operator(), [10, 0, 0, 2]).await.status(),
        StatusCode::OK
    );
    // Guesses by header are the same guesses; a program that has the token is let in all the same.
    let shown = |token: &str| {
        let mut shown = browser.request(Method::GET, "/api/v1/keys", &Value::Null);
        let from = Client(IpAddr::from([10, 0, 0, 1]));
        shown.extensions_mut().insert(from);
        let bearer = format!("Bearer {token}").parse().unwrap();
        shown.headers_mut().insert(header::AUTHORIZATION, bearer);
        browser.send(shown)
    };
    assert_eq!(shown("wrong").await.status(), StatusCode::UNAUTHORIZED);
    let guessed = shown("wrong too").await;
    assert_eq!(guessed.status(), StatusCode::TOO_MANY_REQUESTS);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    for _ in 0..10 {
        assert_eq!(shown(TOKEN).await.status(), StatusCode::OK);
    }
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert_eq!(
        guess(&operator(), [10, 0, 0, 1]).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_token_may_be_shown_instead_of_a_session() {
    let browser = Browser::new();
    for (token, status) in [(TOKEN, StatusCode::OK), ("wrong", StatusCode::UNAUTHORIZED)] {
        let mut request = browser.request(Method::GET, "/api/v1/rules", &Value::Null);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        assert_eq!(browser.send(request).await.status(), status);
    }
}

#[tokio::test]
async fn a_session_ends_where_it_is_signed_out_of() {
    let browser = Browser::signed_in(operator()).await;
    let (_, who) = browser.get("/api/v1/session").await;
    assert_eq!(
        (&who["name"], &who["holder"], &who["namespaces"]),
        (&json!("someone"), &json!(false), &Value::Null)
    );
    let out = browser.request(Method::DELETE, "/api/v1/session", &Value::Null);
    assert_eq!(browser.send(out).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        browser.get("/api/v1/session").await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_cookie_is_as_safe_as_the_way_that_it_came() {
    let browser = Browser::new();
    for (origin, expected) in [
        ("http://127.0.0.1:9090", "fairlead-console-9090="),
        ("https://console.example", "__Host-fairlead-console="),
    ] {
        let mut request = browser.request(Method::POST, "/api/v1/session", &operator());
        request
            .headers_mut()
            .insert(header::ORIGIN, origin.parse().unwrap());
        let answer = browser.send(request).await;
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(expected), "{cookie}");
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("Path=/"));
        assert_eq!(
            cookie.ends_with("; Secure"),
            origin.starts_with("https"),
            "{cookie}"
        );
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn the_cookie_that_browsers_protect_goes_before_the_other() {
    let mut browser = Browser::signed_in(operator()).await;
    let plain = browser.cookie.clone().unwrap();
    let value = plain.split_once('=').unwrap().1.to_owned();
    let planted = Browser {
        console: Arc::clone(&browser.console),
        source: Arc::clone(&browser.source),
        cookie: None,
    };
    let planted = planted.signs_in(lead()).await.cookie.unwrap();
    browser.cookie = Some(format!("{planted}; __Host-fairlead-console={value}"));
    let (_, who) = browser.get("/api/v1/session").await;
    assert_eq!(who["namespaces"], Value::Null, "{who}");
    // One that is over keeps nobody out, and one of another port is another's.
    browser.cookie = Some(format!("__Host-fairlead-console=old; {plain}"));
    assert_eq!(browser.get("/api/v1/session").await.0, StatusCode::OK);
    browser.cookie = Some(format!("fairlead-console-9091={value}"));
    let (status, _) = browser.get("/api/v1/session").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_is_told_which_pages_have_something_for_them() {
    let pages = async |with: Value| {
        let browser = Browser::signed_in(with).await;
        browser.get("/api/v1/session").await.1["pages"].clone()
    };
    assert_eq!(pages(holder()).await, json!(["mine", "requests", "setup"]));
    let all = pages(operator()).await;
    for page in ["overview", "requests", "providers", "keys", "builder"] {
        assert!(all.as_array().unwrap().contains(&page.into()), "{all}");
    }
    assert_eq!(
        pages(json!({"token": made_up::NOBODY})).await,
        json!(["overview", "setup", "catalog"])
    );
}

#[tokio::test]
async fn a_request_is_told_without_what_is_not_for_the_viewer() {
    let of = async |with: Value| {
        let browser = Browser::signed_in(with).await;
        let (_, page) = browser.post("/api/v1/requests", json!({})).await;
        let (_, one) = browser.get("/api/v1/requests/0000000000000001").await;
        let same = |entry: &&Value| entry["id"] == one["id"];
        let entries = page["entries"].as_array().unwrap();
        assert_eq!(entries.iter().find(same), Some(&one));
        one
    };
    let inner = [
        "inner-credential",
        "inner-server",
        "inner-address",
        "only-eu",
        "canary",
    ];
    for with in [holder(), lead()] {
        let told = of(with).await.to_string();
        for word in inner {
            assert!(!told.contains(word), "{word}: {told}");
        }
        assert!(
            told.contains("platform/openai"),
            "its caller knows it: {told}"
        );
    }
    let told = of(operator()).await.to_string();
    for word in inner {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[tokio::test]
async fn nothing_is_written_where_nothing_can_be() {
    let browser = Browser::signed_in(operator()).await;
    let apply =
        json!({"form": {"namespace": "search", "name": "chat"}, "seen": "0", "version": null});
    let (status, told) = browser.post("/api/v1/apply", apply).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
}

#[tokio::test]
async fn keys_open_nothing_where_they_are_not_wanted() {
    let browser = Browser::of(Settings::default());
    let (status, _) = browser.post("/api/v1/session", holder()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_told_what_is_wrong_with_it() {
    let browser = Browser::signed_in(operator()).await;
    for (path, body, says) in [
        (
            "/api/v1/requests",
            json!({"filter": {"kye": "a"}}),
            "unknown field `kye`",
        ),
        (
            "/api/v1/session",
            json!({"token": "a", "key": "b"}),
            "either token or key",
        ),
        ("/api/v1/catalog", json!("chat"), "not what is asked with"),
    ] {
        let (status, told) = browser.post(path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        let words = told["error"]["message"].as_str().unwrap();
        assert!(words.contains(says), "{path}: {words}");
    }
    assert_eq!(
        browser.get("/api/v1/requests/xyz").await.0,
        StatusCode::BAD_REQUEST
    );
    for path in [
        "/api/v1/nothing",
        "/api/v1/requests/1/2",
        "/api/v2/keys",
        "/nothing",
    ] {
        assert_eq!(browser.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}
