//! What is passed through to one provider by its name.

use bytes::Bytes;
use fairlead_faults::{Framing, Play, Provider, Step};
use http::{Method, Request};
use http_body_util::Full;

use crate::harness::yaml::{KEY, caller, key, object, provider, secret};
use crate::harness::{Answer, World, always};

const CREDENTIAL: &str = "sk-provider-0123456789";

fn world(a: &Provider) -> World {
    let credential = "credentials: [{name: main, secretRef: {name: a-key}}], passthrough: {paths: [/files, /batches]}";
    World::serve(&[
        provider("a", &a.base_url(), credential),
        secret("a-key", "credential", &format!("apiKey: {CREDENTIAL}")),
        object("LLMProvider", "sim", "type: Simulated"),
        caller(),
        key(
            "bound",
            "sk-bound-0123456789abcdef0123456789",
            "allow: {models: [\"cheap\"]}",
        ),
        key(
            "elsewhere",
            "sk-elsewhere-0123456789abcdef012345",
            "allow: {providers: [{name: sim}]}",
        ),
    ])
}

async fn ask(world: &World, method: Method, path: &str, key: &str, body: &'static [u8]) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-of-theirs")
        .header("host", "gateway");
    let request = request.body(Full::new(Bytes::from_static(body))).unwrap();
    world.ask_request(request).await
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_as_it_came_with_the_credential_in_the_place_of_the_key() {
    let a = always(Play::answer(
        201,
        &[("content-type", "text/x-of-theirs")],
        "as it is",
    ));
    let world = world(&a);
    let methods = [Method::GET, Method::POST, Method::DELETE, Method::PUT];
    for method in methods {
        let path = "/passthrough/default/a/files/file-1?after=x&key=sk-mine";
        let got = ask(&world, method.clone(), path, KEY, b"\x00\xffraw").await;
        assert_eq!(
            (got.status, got.text().as_str()),
            (201, "as it is"),
            "{method}"
        );
        assert_eq!(got.header("content-type"), "text/x-of-theirs");
        let seen = a.seen().pop().unwrap();
        assert_eq!(seen.method, method.as_str());
        assert_eq!(seen.path, "/v1/files/file-1?after=x");
        assert_eq!(seen.body, &b"\x00\xffraw"[..]);
        assert_eq!(seen.header("content-type"), Some("application/x-of-theirs"));
        let bearer = format!("Bearer {CREDENTIAL}");
        assert_eq!(seen.header("authorization"), Some(bearer.as_str()));
        let entry = world.ended().unwrap();
        assert_eq!((entry.status, entry.complete), (201, true));
        assert_eq!(entry.attempts[0].outcome(), "ok");
    }
    assert_eq!(world.held(), crate::harness::Held::default());
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_that_is_not_allowed_by_name() {
    let a = always(Play::answer(200, &[], "no"));
    let world = world(&a);
    let (bound, elsewhere) = (
        "sk-bound-0123456789abcdef0123456789",
        "sk-elsewhere-0123456789abcdef012345",
    );
    let (forbidden, nowhere) = ((403, "passthrough_not_allowed"), (404, "unknown_path"));
    for (path, key, refusal) in [
        ("a/chat/completions", KEY, forbidden),
        ("a/filesystem", KEY, forbidden),
        ("missing/files", KEY, forbidden),
        ("sim/files", KEY, forbidden),
        ("a/files", bound, forbidden),
        ("a/files", elsewhere, forbidden),
        ("a/files/../chat/completions", KEY, nowhere),
        ("a/files/%2e%2e/chat/completions", KEY, nowhere),
        ("a/files", "sk-nobody", (401, "invalid_key")),
    ] {
        let path = format!("/passthrough/default/{path}");
        let got = ask(&world, Method::GET, &path, key, b"").await;
        assert_eq!((got.status, got.code().as_str()), refusal, "{path}");
    }
    assert_eq!(a.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_streamed_and_a_refusal_told_as_it_came_without_our_credential() {
    let a = always(Play::steps([
        Step::head(
            200,
            &[("content-type", "application/octet-stream")],
            Framing::Chunked,
        ),
        Step::Body(Bytes::from_static(b"one")),
        Step::Pause(crate::harness::seconds(20)),
        Step::Body(Bytes::from_static(b"two")),
        Step::End,
    ]));
    let got = ask(
        &world(&a),
        Method::GET,
        "/passthrough/default/a/files/f/content",
        KEY,
        b"",
    )
    .await;
    assert!(got.whole);
    assert_eq!(got.text(), "onetwo");
    assert_eq!(got.times("two"), [crate::harness::seconds(20)]);

    let said = format!("{{\"error\":{{\"message\":\"no file, {CREDENTIAL}\"}}}}");
    let a = always(Play::answer(
        404,
        &[("content-type", "application/json")],
        said,
    ));
    let got = ask(
        &world(&a),
        Method::GET,
        "/passthrough/default/a/files/f",
        KEY,
        b"",
    )
    .await;
    assert_eq!(got.status, 404);
    assert_eq!(
        got.text(),
        "{\"error\":{\"message\":\"no file, [redacted]\"}}"
    );

    let a = always(Play::status(401));
    let got = ask(
        &world(&a),
        Method::GET,
        "/passthrough/default/a/files/f",
        KEY,
        b"",
    )
    .await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (502, "provider_credential")
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_reached_is_told_and_nothing_is_sent_again() {
    let a = always(Play::reset());
    let world = world(&a);
    let got = ask(
        &world,
        Method::POST,
        "/passthrough/default/a/batches",
        KEY,
        b"{}",
    )
    .await;
    assert_eq!((got.status, got.code().as_str()), (502, "provider_error"));
    assert_eq!(a.requests(), 1);
    assert_eq!(world.held(), crate::harness::Held::default());
}
