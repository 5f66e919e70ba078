//! Who calls: with tokens of an issuer, and from where.

mod networks;
mod tenants;

use std::sync::Arc;

use fairlead_faults::Provider;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::clock;
use crate::harness::issuer::{Issuers, Signer, set};
use crate::harness::yaml::{chain, key, object, provider};
use crate::harness::{Answer, OTHER, PRICE, World, always, seconds, settled, two_cents, whole};

const LOGIN: &str = "https://login.example";
const KEYS: &str = "https://login.example/keys";

/// A `VirtualKey` that takes tokens; `oidc` and `more` are further fields of both.
fn by_token(name: &str, issuer: &str, oidc: &str, more: &str) -> String {
    let spec = format!(
        "key: {{type: OIDC, oidc: {{issuer: \"{issuer}\", audiences: [fairlead]{oidc}}}}}{more}"
    );
    object("VirtualKey", name, &spec)
}

/// What a token says of a caller.
fn said(subject: &str) -> Value {
    json!({"iss": LOGIN, "aud": "fairlead", "sub": subject})
}

/// The same with something else in it; null takes away.
fn saying(subject: &str, name: &str, value: Value) -> Value {
    let mut said = said(subject);
    said[name] = value;
    said
}

/// A gateway with one provider, these callers, and an issuer with the key of `signer`.
async fn world(a: &Provider, signer: &Signer, callers: &[String]) -> (World, Arc<Issuers>) {
    let issuers = Issuers::with(LOGIN, &[signer]);
    let world = serve(a, &issuers, callers);
    settled().await;
    (world, issuers)
}

fn serve(a: &Provider, issuers: &Arc<Issuers>, callers: &[String]) -> World {
    let base = documents(a);
    World::serve_behind(
        &[],
        Some(Arc::clone(issuers) as _),
        &[&base[..], callers].concat(),
    )
}

fn documents(a: &Provider) -> [String; 2] {
    [
        provider("a", &a.base_url(), PRICE),
        chain("chat", &["a"], ""),
    ]
}

/// A request that shows a token in a header.
async fn shown(world: &World, header: &str, value: &str) -> Answer {
    let request = Request::post("/v1/chat/completions")
        .header(header, value)
        .header("content-type", "application/json")
        .header("host", "gateway");
    let body = Full::from(whole("chat").to_string());
    world.ask_request(request.body(body).unwrap()).await
}

async fn ask(world: &World, token: &str) -> Answer {
    shown(world, "authorization", &format!("Bearer {token}")).await
}

/// Status and code of the answer to a token.
async fn told(world: &World, token: &str) -> (u16, String) {
    let answer = ask(world, token).await;
    let code = if answer.status == 200 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status, code)
}

fn no(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_wherever_a_key_is_and_goes_no_further() {
    let (a, signer) = (always(two_cents()), Signer::new("one"));
    let (world, issuers) = world(
        &a,
        &signer,
        &[by_token("app", LOGIN, ", claims: {sub: app}", "")],
    )
    .await;
    let token = signer.token(&said("app"));
    for (header, value) in [
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("bearer  {token}")),
        ("x-api-key", token.clone()),
        ("api-key", token.clone()),
        ("x-goog-api-key", token.clone()),
    ] {
        assert_eq!(shown(&world, header, &value).await.status, 200, "{header}");
        let entry = format!("{:?}", world.ended().unwrap());
        assert!(
            entry.contains("default/app") && !entry.contains(&token),
            "{entry}"
        );
    }
    let path = format!("/v1beta/models/chat:generateContent?key={token}");
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("host", "gateway");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]});
    let answer = world
        .ask_request(request.body(Full::from(body.to_string())).unwrap())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for seen in a.seen() {
        let all = format!("{seen:?}");
        assert!(!all.contains(&token[..40]) && !all.contains("eyJ"), "{all}");
    }
    // One look at the document and one at the keys, however many requests there are.
    assert_eq!(issuers.asked(KEYS), 1);
}

/// Tokens that are not taken now, and what they are told. The other signer has a key of the same name.
fn not_taken(signer: &Signer, other: &Signer, now: i64) -> Vec<(String, &'static str)> {
    let as_if = |alg: &str| signer.token_with(&json!({"alg": alg, "kid": "one"}), &said("app"));
    vec![
        (
            signer.token(&saying("app", "exp", json!(now - 31))),
            "token_expired",
        ),
        (
            signer.token(&saying("app", "nbf", json!(now + 60))),
            "invalid_token",
        ),
        (
            signer.token(&saying("app", "exp", json!("never"))),
            "invalid_token",
        ),
        (
            signer.token(&saying("app", "aud", json!("other"))),
            "wrong_audience",
        ),
        (
            signer.token(&saying("app", "aud", json!(null))),
            "wrong_audience",
        ),
        (
            signer.token(&saying("app", "iss", json!("https://login.example/"))),
            "unknown_issuer",
        ),
        (
            signer.token(&saying("app", "iss", json!(null))),
            "invalid_token",
        ),
        (signer.token(&said("nobody")), "no_key_for_token"),
        (signer.token(&said("idle")), "key_suspended"),
        (signer.token(&said("late")), "key_expired"),
        (other.token(&said("app")), "invalid_token"),
        (as_if("none"), "invalid_token"),
        (as_if("HS256"), "invalid_token"),
        // The key is on P-256 and signs in no other way, whatever the token says.
        (as_if("RS256"), "invalid_token"),
        (as_if("ES384"), "invalid_token"),
        (format!("{}x", signer.token(&said("app"))), "invalid_token"),
        (
            signer.token(&saying("app", "long", json!("x".repeat(8192)))),
            "invalid_token",
        ),
        ("sk-neither-a-key.nor.a-token".to_owned(), "invalid_key"),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_token_that_is_not_taken_is_told_why() {
    let (a, signer, other) = (always(two_cents()), Signer::new("one"), Signer::new("one"));
    let callers = [
        by_token("app", LOGIN, ", claims: {sub: app}", ""),
        by_token("idle", LOGIN, ", claims: {sub: idle}", ", suspended: true"),
        by_token(
            "late",
            LOGIN,
            ", claims: {sub: late}",
            ", expiresAt: \"2020-01-01T00:00:00Z\"",
        ),
    ];
    let (world, _) = world(&a, &signer, &callers).await;
    let now = clock::unix_seconds();
    for (token, code) in not_taken(&signer, &other, now) {
        assert_eq!(told(&world, &token).await, no(401, code), "{token}");
    }
    assert_eq!(a.requests(), 0);
    // Half a minute between clocks is borne with.
    for claims in [
        saying("app", "exp", json!(now - 25)),
        saying("app", "nbf", json!(now + 25)),
    ] {
        assert_eq!(
            told(&world, &signer.token(&claims)).await,
            no(200, ""),
            "{claims}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_a_token_up_learns_nothing_of_what_keys_take() {
    let (a, signer, other) = (always(two_cents()), Signer::new("one"), Signer::new("one"));
    let (world, _) = world(
        &a,
        &signer,
        &[by_token("app", LOGIN, ", claims: {sub: app}", "")],
    )
    .await;
    let mut texts = Vec::new();
    for claims in [
        said("app"),
        said("nobody"),
        saying("app", "aud", json!("other")),
        saying("app", "exp", json!(1)),
        saying("app", "kubernetes.io", json!({"namespace": "shop"})),
    ] {
        texts.push(ask(&world, &other.token(&claims)).await.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_budget_holds_for_a_caller_with_tokens_and_it_sees_how_much_is_left() {
    let (a, signer) = (always(two_cents()), Signer::new("one"));
    let callers = [
        by_token(
            "app",
            LOGIN,
            ", claims: {sub: app}",
            r#", budgets: [{name: day, amount: "0.10", period: Daily}]"#,
        ),
        by_token("other", LOGIN, ", claims: {sub: other}", ""),
    ];
    let (world, _) = world(&a, &signer, &callers).await;
    let mut answers = Vec::new();
    for at in 0..7 {
        // A new token each time: what is used is the key's, not the token's.
        let token = signer.token(&saying("app", "jti", json!(at)));
        answers.push(told(&world, &token).await);
    }
    assert_eq!(answers[..5], vec![no(200, ""); 5]);
    assert_eq!(answers[5..], vec![no(429, "budget_exhausted"); 2]);
    assert_eq!(told(&world, &signer.token(&said("other"))).await.0, 200);
    let request = Request::get("/v1/usage")
        .header(
            "authorization",
            format!("Bearer {}", signer.token(&said("app"))),
        )
        .header("host", "gateway");
    let usage = world
        .ask_request(request.body(Full::default()).unwrap())
        .await;
    let usage: Value = serde_json::from_str(&usage.text()).unwrap();
    assert_eq!(usage["key"], "default/app");
    assert!(usage["limits"].to_string().contains("day"), "{usage}");
}

#[tokio::test(start_paused = true)]
async fn until_the_keys_of_an_issuer_have_come_its_callers_are_told_to_wait() {
    let (a, signer) = (always(two_cents()), Signer::new("one"));
    let issuers = Arc::new(Issuers::default());
    let callers = [
        by_token("app", LOGIN, ", claims: {sub: app}", ""),
        key("plain", crate::harness::yaml::KEY, ""),
    ];
    let world = serve(&a, &issuers, &callers);
    settled().await;
    let token = signer.token(&said("app"));
    let answer = ask(&world, &token).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "issuer_unavailable")
    );
    assert_eq!(answer.header("retry-after"), "1");
    // The others do not notice.
    assert_eq!(world.ask(&whole("chat")).await.status, 200);
    for (url, what) in [
        (
            format!("{LOGIN}/.well-known/openid-configuration"),
            json!({"issuer": LOGIN, "jwks_uri": KEYS}),
        ),
        (KEYS.to_owned(), set(&[&signer])),
    ] {
        issuers.put(&url, Some(what));
    }
    tokio::time::sleep(seconds(11)).await;
    assert_eq!(told(&world, &token).await, no(200, ""));
    // An outage harms nobody who has keys in hand, not even the next configuration.
    issuers.put(KEYS, None);
    tokio::time::sleep(seconds(3600)).await;
    let base = documents(&a);
    world.edit(&[&base[..], &callers[..1]].concat());
    assert_eq!(
        told(&world, &signer.token(&saying("app", "jti", json!(1)))).await,
        no(200, "")
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_the_issuer_is_known_soon_and_a_withdrawn_one_is_not_any_more() {
    let (a, old, new) = (always(two_cents()), Signer::new("old"), Signer::new("new"));
    let (world, issuers) = world(&a, &old, &[by_token("app", LOGIN, "", "")]).await;
    let (by_old, by_new) = (old.token(&said("app")), new.token(&said("app")));
    assert_eq!(told(&world, &by_old).await, no(200, ""));
    issuers.put(KEYS, Some(set(&[&old, &new])));
    for _ in 0..50 {
        // Nobody waits, and the issuer is not asked by each of them.
        assert_eq!(told(&world, &by_new).await, no(401, "invalid_token"));
    }
    tokio::time::sleep(seconds(11)).await;
    assert_eq!(told(&world, &by_new).await, no(200, ""));
    assert!(issuers.asked(KEYS) <= 3, "{}", issuers.asked(KEYS));
    issuers.put(KEYS, Some(set(&[&new])));
    tokio::time::sleep(seconds(300)).await;
    // It was verified before, and is not any more.
    assert_eq!(told(&world, &by_old).await, no(401, "invalid_token"));
    assert_eq!(told(&world, &by_new).await, no(200, ""));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_key_holds_at_once_for_tokens_that_were_taken_before() {
    let (a, signer) = (always(two_cents()), Signer::new("one"));
    let (world, issuers) = world(&a, &signer, &[by_token("app", LOGIN, "", "")]).await;
    let token = signer.token(&said("app"));
    assert_eq!(told(&world, &token).await, no(200, ""));
    let base = documents(&a);
    for (key, expected) in [
        (
            by_token("app", LOGIN, "", ", suspended: true"),
            no(401, "key_suspended"),
        ),
        (
            by_token("app", LOGIN, ", claims: {sub: other}", ""),
            no(401, "no_key_for_token"),
        ),
        (
            by_token("app", "https://other.example", "", ""),
            no(401, "unknown_issuer"),
        ),
        // Asked anew, for nobody has needed the issuer meanwhile.
        (
            by_token("app", LOGIN, "", ""),
            no(503, "issuer_unavailable"),
        ),
    ] {
        world.edit(&[&base[..], &[key]].concat());
        assert_eq!(told(&world, &token).await, expected);
    }
    settled().await;
    assert_eq!(told(&world, &token).await, no(200, ""));
    assert_eq!(issuers.asked(KEYS), 2);
}
