//! The keys of issuers: where they are asked for, when, and what an issuer that fails comes to.

use std::sync::Arc;
use std::time::Duration;

use fairlead_auth::{ANSWER_BYTES, Issuer, IssuerKeys, Reach};
use serde_json::{Value, json};

use crate::script::{Answer, Server, answer, header, json_answer, spawn, unreachable};

const ISSUER: &str = "https://login.example/tenant";
const DISCOVERY: &str = "https://login.example/tenant/.well-known/openid-configuration";
const KEYS: &str = "https://keys.example/all";

/// A set of one key, which nobody has the other half of.
fn keys(kid: &str) -> Value {
    let x = "A".repeat(43);
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}]})
}

fn document() -> Value {
    json!({"issuer": ISSUER, "jwks_uri": KEYS})
}

/// Keys of an issuer that are kept.
fn keep(server: &Arc<Server>, issuer: Issuer) -> IssuerKeys {
    let (keys, refresher) = IssuerKeys::new(issuer, server.world());
    spawn(refresher.run());
    keys
}

/// What `login.example` and `keys.example` answer.
fn usual(url: &str) -> Answer {
    match url {
        DISCOVERY => json_answer(200, &document()),
        KEYS => json_answer(200, &keys("one")),
        _ => answer(404, "nothing is here"),
    }
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

/// Whether an issuer has keys, and where they were asked for.
async fn asked(
    issuer: Issuer,
    play: impl Fn(&str) -> Answer + Send + 'static,
) -> (bool, Vec<String>) {
    let server = Server::new(move |_, request| play(&request.url));
    let keys = keep(&server, issuer);
    // Less than any pause after a failure.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let urls = (0..server.asked())
        .map(|at| server.request(at).url)
        .collect();
    (keys.current().is_some(), urls)
}

#[tokio::test(start_paused = true)]
async fn keys_are_where_the_discovery_document_says_or_the_key_does() {
    let discovered = asked(Issuer::new(ISSUER, None, false), usual).await;
    assert_eq!(
        discovered,
        (true, vec![DISCOVERY.to_owned(), KEYS.to_owned()])
    );
    let given = asked(Issuer::new(ISSUER, Some(KEYS), false), usual).await;
    assert_eq!(given, (true, vec![KEYS.to_owned()]));
    // A slash at the end is part of the name, and not of the address.
    let name = format!("{ISSUER}/");
    let of_name = name.clone();
    let play = move |url: &str| match url {
        DISCOVERY => json_answer(200, &json!({"issuer": of_name, "jwks_uri": KEYS})),
        other => usual(other),
    };
    assert!(asked(Issuer::new(&name, None, false), play).await.0);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_answers_something_else_has_no_keys() {
    let with = |name: &str, value: Value| {
        let mut document = document();
        document[name] = value;
        document
    };
    for bad in [
        with("issuer", json!("https://login.example/other")),
        with("issuer", json!("https://login.example/tenant/")),
        with("jwks_uri", json!(null)),
        with("jwks_uri", json!("http://keys.example/all")),
        with("jwks_uri", json!("file:///etc/passwd")),
        with("jwks_uri", json!("https://user@keys.example/all")),
        json!([]),
    ] {
        let what = bad.to_string();
        let (there, urls) = asked(Issuer::new(ISSUER, None, false), move |_| {
            json_answer(200, &bad)
        })
        .await;
        assert_eq!((there, urls), (false, vec![DISCOVERY.to_owned()]), "{what}");
    }
    for (status, body) in [
        (301, String::new()),
        (307, keys("one").to_string()),
        (404, keys("one").to_string()),
        (503, keys("one").to_string()),
        (200, json!({"keys": [{"kty": "oct"}]}).to_string()),
        (200, "<html>".to_owned()),
        (200, format!("{}{}", keys("one"), " ".repeat(ANSWER_BYTES))),
    ] {
        let play = move |_: &str| answer(status, body.clone());
        let (there, _) = asked(Issuer::new(ISSUER, Some(KEYS), false), play).await;
        assert!(!there, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn over_http_only_who_may_be_at_a_private_address_is_asked() {
    let play = |_: &str| json_answer(200, &keys("one"));
    let url = "http://login.internal/keys";
    let open = asked(Issuer::new("http://login.internal", Some(url), true), play).await;
    assert_eq!(open, (true, vec![url.to_owned()]));
    let closed = asked(Issuer::new("http://login.internal", Some(url), false), play).await;
    assert_eq!(closed, (false, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn the_api_server_is_shown_the_pods_token_and_nobody_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "of-the-pod\n").unwrap();
    for (name, jwks_url, shown) in [
        ("https://kubernetes.default.svc", None, true),
        ("https://kubernetes.default.svc.cluster.local", None, true),
        (
            "https://oidc.example",
            Some("https://kubernetes.default.svc/openid/v1/jwks"),
            true,
        ),
        (
            "https://kubernetes.default.svc",
            Some("https://evil.example/openid/v1/jwks"),
            false,
        ),
        ("https://kubernetes.default.svc.evil.example", None, false),
        (
            "https://evil.example",
            Some("https://kubernetes.default.svc/api/v1/secrets"),
            false,
        ),
    ] {
        let server = Server::new(|_, _| json_answer(200, &keys("one")));
        let issuer = Issuer::with_pod_token(name, jwks_url, false, token.clone());
        let _kept = keep(&server, issuer);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let request = server.request(0);
        let expected = shown.then_some("Bearer of-the-pod");
        assert_eq!(
            header(&request, "authorization"),
            expected,
            "{name} {jwks_url:?}"
        );
        assert_eq!(request.reach == Reach::Cluster, shown, "{name}");
        if shown {
            assert!(request.url.ends_with("/openid/v1/jwks"), "{}", request.url);
        }
    }
    let server = Server::new(|_, _| json_answer(200, &keys("one")));
    let missing = folder.path().join("missing");
    let kept = keep(
        &server,
        Issuer::with_pod_token("https://kubernetes.default.svc", None, false, missing),
    );
    seconds(1).await;
    assert!(kept.current().is_none() && server.asked() == 0);
}

#[tokio::test(start_paused = true)]
async fn keys_are_looked_at_every_five_minutes_and_no_sooner_than_after_ten_seconds() {
    let server =
        Server::new(|number, _| json_answer(200, &keys(if number < 4 { "one" } else { "two" })));
    let kept = keep(&server, Issuer::new(ISSUER, Some(KEYS), false));
    let version = |kept: &IssuerKeys| kept.current().map(|held| held.version);
    seconds(1).await;
    assert_eq!((server.asked(), version(&kept)), (1, Some(1)));
    for _ in 0..100 {
        kept.misses_one();
    }
    seconds(1).await;
    assert_eq!(server.asked(), 1);
    seconds(9).await;
    assert_eq!(server.asked(), 2);
    // Nobody missed one since.
    seconds(290).await;
    assert_eq!(server.asked(), 2);
    seconds(20).await;
    assert_eq!(server.asked(), 3);
    // Long after the last look the next is at once.
    seconds(100).await;
    kept.misses_one();
    seconds(1).await;
    assert_eq!((server.asked(), version(&kept)), (4, Some(1)));
    seconds(301).await;
    // What was verified with other keys does not hold any more.
    assert_eq!((server.asked(), version(&kept)), (5, Some(2)));
}

#[tokio::test(start_paused = true)]
async fn an_outage_takes_no_keys_away_and_is_not_made_worse() {
    let server = Server::new(|number, _| match number {
        0 => json_answer(200, &keys("one")),
        1..100 => unreachable(),
        _ => json_answer(200, &keys("two")),
    });
    let kept = keep(&server, Issuer::new(ISSUER, Some(KEYS), false));
    seconds(400).await;
    for _ in 0..20 {
        kept.misses_one();
        seconds(60).await;
    }
    assert_eq!(kept.current().map(|held| held.version), Some(1));
    assert!(server.asked() < 100, "{}", server.asked());
    seconds(3600).await;
    assert_eq!(kept.current().map(|held| held.version), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_key_can_be_withdrawn_and_a_set_that_cannot_be_used_withdraws_none() {
    for (set, left) in [
        (json!({"keys": []}), Some(0)),
        (json!({"keys": [{"kty": "oct", "k": "AAAA"}]}), Some(1)),
        (json!({}), Some(1)),
    ] {
        let answer = set.clone();
        let server = Server::new(move |number, _| {
            json_answer(
                200,
                &if number == 0 {
                    keys("one")
                } else {
                    answer.clone()
                },
            )
        });
        let kept = keep(&server, Issuer::new(ISSUER, Some(KEYS), false));
        seconds(400).await;
        assert_eq!(kept.current().map(|held| held.keys.len()), left, "{set}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_starts_waits_for_the_first_answer_and_not_for_long() {
    for answer in [json_answer(200, &keys("one")), unreachable()] {
        let server = Server::new(move |_, _| answer.clone());
        let kept = keep(&server, Issuer::new(ISSUER, Some(KEYS), false));
        assert!(kept.are_awaited());
        seconds(1).await;
        assert!(!kept.are_awaited());
    }
    let (kept, _refresher) = IssuerKeys::new(
        Issuer::new(ISSUER, Some(KEYS), false),
        Server::new(|_, _| unreachable()).world(),
    );
    assert!(kept.are_awaited());
    seconds(6).await;
    assert!(
        !kept.are_awaited(),
        "it has not been asked, and that is long"
    );
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_needs_is_asked_no_more() {
    let server = Server::new(|_, request| usual(&request.url));
    let kept = keep(&server, Issuer::new(ISSUER, Some(KEYS), false));
    let other = kept.clone();
    seconds(1).await;
    drop(kept);
    seconds(300).await;
    assert_eq!(server.asked(), 2);
    drop(other);
    seconds(3600).await;
    assert_eq!(server.asked(), 2);
}
