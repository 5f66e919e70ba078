//! The bad requests: what is wrong with each, and the answer it must get.

use reqwest::RequestBuilder;

use super::{CREDENTIAL, ELSEWHERE, EXPIRED, LIMIT, NARROW, ORPHANED, SUSPENDED, WRONG};
use crate::harness::{Gateway, KEY, whole};

const CHAT: &str = "/v1/chat/completions";

/// A request and the answer it must get.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) request: RequestBuilder,
    pub(super) status: u16,
    pub(super) code: &'static str,
}

/// Every case.
pub(super) fn cases(gateway: &Gateway) -> Vec<Case> {
    [
        bodies(gateway),
        sizes(gateway),
        callers(gateway),
        models(gateway),
        paths(gateway),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn case(what: &'static str, request: RequestBuilder, status: u16, code: &'static str) -> Case {
    Case {
        what,
        request,
        status,
        code,
    }
}

fn chat(gateway: &Gateway) -> RequestBuilder {
    gateway.post(CHAT).bearer_auth(KEY)
}

fn bodies(gateway: &Gateway) -> Vec<Case> {
    let deep = format!(
        r#"{{"model":"chat","x":{}{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let table: [(&str, &[u8], &str); 11] = [
        ("not JSON", b"{\"model\": \"chat\",", "invalid_request"),
        ("empty", b"", "invalid_request"),
        ("a list", b"[]", "invalid_request"),
        (
            "trailing bytes",
            br#"{"model":"chat"} {}"#,
            "invalid_request",
        ),
        ("not UTF-8", b"{\"model\":\"\xff\"}", "invalid_request"),
        ("too deep", deep.as_bytes(), "invalid_request"),
        ("no model", br#"{"messages":[]}"#, "invalid_request"),
        (
            "a model that is no text",
            br#"{"model":7}"#,
            "invalid_request",
        ),
        (
            "a stream that is no boolean",
            br#"{"model":"chat","stream":"yes"}"#,
            "invalid_request",
        ),
        (
            "a key twice",
            br#"{"model":"chat","model":"fast"}"#,
            "duplicate_key",
        ),
        (
            "a key twice, once escaped",
            br#"{"model":"chat","mod\u0065l":"fast"}"#,
            "duplicate_key",
        ),
    ];
    let made =
        table.map(|(what, body, code)| case(what, chat(gateway).body(body.to_vec()), 400, code));
    made.into()
}

fn sizes(gateway: &Gateway) -> Vec<Case> {
    let large = format!(r#"{{"model":"chat","user":"{}"}}"#, "x".repeat(LIMIT));
    let pieces: Vec<_> = large
        .as_bytes()
        .chunks(1000)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let good = || chat(gateway).body(whole("chat").to_string());
    vec![
        case(
            "too large, as announced",
            chat(gateway).body(large),
            413,
            "body_too_large",
        ),
        case(
            "too large, in chunks",
            chat(gateway).body(chunked),
            413,
            "body_too_large",
        ),
        case(
            "compressed",
            good().header("content-encoding", "gzip"),
            415,
            "unsupported_encoding",
        ),
        case(
            "no time",
            good().header("x-fairlead-timeout-ms", "soon"),
            400,
            "invalid_request",
        ),
    ]
}

fn callers(gateway: &Gateway) -> Vec<Case> {
    let send = || gateway.post(CHAT).body(whole("chat").to_string());
    let long = "x".repeat(4000);
    vec![
        case("no key", send(), 401, "missing_key"),
        case(
            "an empty key",
            send().header("authorization", "Bearer "),
            401,
            "missing_key",
        ),
        case(
            "another scheme",
            send().basic_auth("a", Some(KEY)),
            401,
            "missing_key",
        ),
        case("a wrong key", send().bearer_auth(WRONG), 401, "invalid_key"),
        case(
            "a wrong x-api-key",
            send().header("x-api-key", WRONG),
            401,
            "invalid_key",
        ),
        case(
            "a very long key",
            send().bearer_auth(long),
            401,
            "invalid_key",
        ),
        case(
            "the provider's credential",
            send().bearer_auth(CREDENTIAL),
            401,
            "invalid_key",
        ),
        case(
            "a wrong key for no request",
            gateway.post(CHAT).bearer_auth(WRONG).body("{"),
            401,
            "invalid_key",
        ),
        case(
            "an expired key",
            send().bearer_auth(EXPIRED),
            401,
            "key_expired",
        ),
        case(
            "a suspended key",
            send().bearer_auth(SUSPENDED),
            401,
            "key_suspended",
        ),
        case(
            "a key whose team is gone",
            send().bearer_auth(ORPHANED),
            401,
            "key_owner_missing",
        ),
    ]
}

fn models(gateway: &Gateway) -> Vec<Case> {
    let table = [
        (
            "a model that the key may not use",
            NARROW,
            "chat",
            403,
            "model_not_allowed",
        ),
        (
            "a provider that the key may not use, by rule",
            ELSEWHERE,
            "chat",
            403,
            "provider_not_allowed",
        ),
        (
            "a provider that the key may not use, by name",
            ELSEWHERE,
            "a/fast",
            403,
            "provider_not_allowed",
        ),
        (
            "a provider that the key may not use, by model",
            ELSEWHERE,
            "fast",
            403,
            "provider_not_allowed",
        ),
        ("no rule that takes it", KEY, "picky", 404, "no_rule"),
        ("an unknown model", KEY, "nope", 404, "unknown_model"),
        (
            "an unknown model of a provider",
            KEY,
            "a/nope",
            404,
            "unknown_model",
        ),
    ];
    let request = |key, model| {
        gateway
            .post(CHAT)
            .bearer_auth(key)
            .body(whole(model).to_string())
    };
    table
        .map(|(what, key, model, status, code)| case(what, request(key, model), status, code))
        .into()
}

fn paths(gateway: &Gateway) -> Vec<Case> {
    let client = reqwest::Client::new();
    let post = |path: &str| {
        gateway
            .post(path)
            .bearer_auth(KEY)
            .body(whole("chat").to_string())
    };
    let get = |path: &str| client.get(gateway.url(path));
    vec![
        case("an unknown path", post("/v1/chat"), 404, "unknown_path"),
        case("the root", post("/"), 404, "unknown_path"),
        case(
            "below a path that there is",
            post("/v1/chat/completions/more"),
            404,
            "unknown_path",
        ),
        case(
            "a GET of completions",
            get(CHAT).bearer_auth(KEY),
            405,
            "method_not_allowed",
        ),
        case(
            "a POST to the models",
            post("/v1/models"),
            405,
            "method_not_allowed",
        ),
        case(
            "the models without a key",
            get("/v1/models"),
            401,
            "missing_key",
        ),
        case(
            "an unknown model's page",
            get("/v1/models/nope").bearer_auth(KEY),
            404,
            "unknown_model",
        ),
    ]
}
