//! Requests that the gateway itself refuses: the right status, a stable code, a sentence on how to mend it, and no secret in it.

use fairlead_faults::{Play, Provider};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::harness::yaml::{caller, chain, key, object, provider, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, results, whole};

const CREDENTIAL: &str = "sk-upstream-credential-that-nobody-may-see";
const WRONG: &str = "sk-wrong-0123456789abcdef0123456789abcdef";
const EXPIRED: &str = "sk-expired-0123456789abcdef0123456789";
const SUSPENDED: &str = "sk-suspended-0123456789abcdef0123456789";
const NARROW: &str = "sk-narrow-0123456789abcdef0123456789";
const ELSEWHERE: &str = "sk-elsewhere-0123456789abcdef0123456789";
const CHAT: &str = "/v1/chat/completions";
const LIMIT: usize = 65_536;

async fn gateway(a: &Provider) -> Gateway {
    let credentials =
        "credentials: [{name: main, secretRef: {name: upstream}}], models: [{name: fast}]";
    let documents = [
        provider("a", &a.base_url(), credentials),
        secret("upstream", "credential", &format!("apiKey: {CREDENTIAL}")),
        object("LLMProvider", "other", "type: Simulated"),
        caller(),
        key("expired", EXPIRED, "expiresAt: \"2020-01-01T00:00:00Z\""),
        key("suspended", SUSPENDED, "suspended: true"),
        key("narrow", NARROW, "allow: {models: [\"fast-*\"]}"),
        key(
            "elsewhere",
            ELSEWHERE,
            "allow: {providers: [{name: other}]}",
        ),
        chain("chat", &["a"], ""),
        object(
            "RoutingRule",
            "picky",
            "match: {models: [picky], when: 'request.headers[\"x-tier\"] == \"gold\"'}, targets: [{name: a, providerRef: {name: a}, model: fast}]",
        ),
    ];
    let setup = Setup::new().file("all.yaml", &documents.concat());
    setup
        .arguments(&["--max-request-bytes", &LIMIT.to_string()])
        .start()
        .await
}

/// Whether a refusal is as callers may expect every one to be.
fn sound(answer: &Answer) -> Result<(), String> {
    let message = answer.message();
    let error = &answer.json()["error"];
    if message.split(' ').count() < 4 || message.contains('\n') {
        return Err(format!("the message is no sentence: {message:?}"));
    }
    if !error["type"].is_string() || error.get("param").is_none() {
        return Err(format!("the error is not as OpenAI has it: {error}"));
    }
    if answer.header("content-type") != "application/json" {
        return Err(format!(
            "the content type is {:?}",
            answer.header("content-type")
        ));
    }
    let told = format!("{:?} {}", answer.headers, answer.text());
    let secrets = [
        CREDENTIAL, KEY, WRONG, EXPIRED, SUSPENDED, NARROW, ELSEWHERE,
    ];
    secrets
        .iter()
        .find(|secret| told.contains(*secret))
        .map_or(Ok(()), |secret| Err(format!("{secret} is in {told}")))
}

struct Case {
    what: &'static str,
    request: RequestBuilder,
    status: u16,
    code: &'static str,
}

fn case(what: &'static str, request: RequestBuilder, status: u16, code: &'static str) -> Case {
    Case {
        what,
        request,
        status,
        code,
    }
}

fn bodies(gateway: &Gateway) -> Vec<Case> {
    let send = |body: String| gateway.post(CHAT).bearer_auth(KEY).body(body);
    let deep = format!(
        r#"{{"model":"chat","messages":{}{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let large = format!(r#"{{"model":"chat","user":"{}"}}"#, "x".repeat(LIMIT));
    let pieces = large
        .as_bytes()
        .chunks(1000)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect::<Vec<_>>();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    vec![
        case(
            "not JSON",
            send("{\"model\": \"chat\",".into()),
            400,
            "invalid_request",
        ),
        case("empty", send(String::new()), 400, "invalid_request"),
        case("a list", send("[]".into()), 400, "invalid_request"),
        case(
            "trailing bytes",
            send(r#"{"model":"chat"} {}"#.into()),
            400,
            "invalid_request",
        ),
        case(
            "not UTF-8",
            gateway
                .post(CHAT)
                .bearer_auth(KEY)
                .body(b"{\"model\":\"\xff\"}".to_vec()),
            400,
            "invalid_request",
        ),
        case("too deep", send(deep), 400, "invalid_request"),
        case(
            "no model",
            send(r#"{"messages":[]}"#.into()),
            400,
            "invalid_request",
        ),
        case(
            "a model that is no text",
            send(r#"{"model":7}"#.into()),
            400,
            "invalid_request",
        ),
        case(
            "a stream that is no boolean",
            send(r#"{"model":"chat","stream":"yes"}"#.into()),
            400,
            "invalid_request",
        ),
        case(
            "a key twice",
            send(r#"{"model":"chat","model":"fast"}"#.into()),
            400,
            "duplicate_key",
        ),
        case(
            "a key twice, once escaped",
            send(r#"{"model":"chat","mod\u0065l":"fast"}"#.into()),
            400,
            "duplicate_key",
        ),
        case(
            "too large, as announced",
            send(large),
            413,
            "body_too_large",
        ),
        case(
            "too large, in chunks",
            gateway.post(CHAT).bearer_auth(KEY).body(chunked),
            413,
            "body_too_large",
        ),
        case(
            "compressed",
            send(whole("chat").to_string()).header("content-encoding", "gzip"),
            415,
            "unsupported_encoding",
        ),
        case(
            "no time",
            send(whole("chat").to_string()).header("x-fairlead-timeout-ms", "soon"),
            400,
            "invalid_request",
        ),
    ]
}

fn keys(gateway: &Gateway) -> Vec<Case> {
    let send = || gateway.post(CHAT).body(whole("chat").to_string());
    let model = |key: &str, model: &str| {
        gateway
            .post(CHAT)
            .bearer_auth(key)
            .body(whole(model).to_string())
    };
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
            "a wrong key as x-api-key",
            send().header("x-api-key", WRONG),
            401,
            "invalid_key",
        ),
        case(
            "a very long key",
            send().bearer_auth("x".repeat(4000)),
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
            "a wrong key for a body that is none",
            gateway.post(CHAT).bearer_auth(WRONG).body("{"),
            401,
            "invalid_key",
        ),
        case(
            "a model that the key may not use",
            model(NARROW, "chat"),
            403,
            "model_not_allowed",
        ),
        case(
            "a provider that the key may not use, by rule",
            model(ELSEWHERE, "chat"),
            403,
            "provider_not_allowed",
        ),
        case(
            "a provider that the key may not use, by name",
            model(ELSEWHERE, "a/fast"),
            403,
            "provider_not_allowed",
        ),
        case(
            "a provider that the key may not use, by model",
            model(ELSEWHERE, "fast"),
            403,
            "provider_not_allowed",
        ),
        case("no rule that takes it", model(KEY, "picky"), 404, "no_rule"),
        case("an unknown model", model(KEY, "nope"), 404, "unknown_model"),
        case(
            "an unknown model of a provider",
            model(KEY, "a/nope"),
            404,
            "unknown_model",
        ),
    ]
}

fn paths(gateway: &Gateway) -> Vec<Case> {
    let client = reqwest::Client::new();
    let post = |path: &str| {
        gateway
            .post(path)
            .bearer_auth(KEY)
            .body(json!({"model": "chat"}).to_string())
    };
    vec![
        case("an unknown path", post("/v1/chat"), 404, "unknown_path"),
        case("the root", post("/"), 404, "unknown_path"),
        case(
            "a path with a slash more",
            post("/v1/chat/completions/"),
            404,
            "unknown_path",
        ),
        case(
            "a GET of completions",
            client.get(gateway.url(CHAT)).bearer_auth(KEY),
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
            client.get(gateway.url("/v1/models")),
            401,
            "missing_key",
        ),
        case(
            "an unknown model's page",
            client.get(gateway.url("/v1/models/nope")).bearer_auth(KEY),
            404,
            "unknown_model",
        ),
    ]
}

#[tokio::test]
#[expect(clippy::cast_precision_loss, reason = "a few dozen")]
async fn every_bad_request_gets_its_status_its_code_and_a_sentence_without_secrets() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a).await;
    let cases: Vec<Case> = [bodies(&gateway), keys(&gateway), paths(&gateway)]
        .into_iter()
        .flatten()
        .collect();
    let (count, mut wrong) = (cases.len(), Vec::new());
    for Case {
        what,
        request,
        status,
        code,
    } in cases
    {
        let answer = Answer::to(request).await;
        if (answer.status, answer.code().as_str()) != (status, code) {
            wrong.push(format!(
                "{what}: {} {} instead of {status} {code}",
                answer.status,
                answer.text()
            ));
        } else if let Err(why) = sound(&answer) {
            wrong.push(format!("{what}: {why}"));
        }
    }
    let name = format!("bad requests: answered wrongly, of {count}");
    assert!(
        results::at_most(&name, wrong.len() as f64, "requests", 0.0),
        "{}",
        wrong.join("\n")
    );
    assert_eq!(a.requests(), 0, "a refused request reached the provider");
    let log = [gateway.out.so_far(), gateway.err.so_far()]
        .concat()
        .join("\n");
    for secret in [
        CREDENTIAL, KEY, WRONG, EXPIRED, SUSPENDED, NARROW, ELSEWHERE,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_callers_text_is_repeated_only_up_to_a_length() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a).await;
    for (model, code) in [
        ("m".repeat(250), "unknown_model"),
        ("m".repeat(5_000), "invalid_request"),
    ] {
        let answer = gateway.ask(&whole(&model)).await;
        assert_eq!(answer.code(), code);
        assert!(!answer.text().contains(&model[..150]), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_suspended_key_works_again_once_it_is_taken_back() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let others = [provider("a", &a.base_url(), ""), chain("chat", &["a"], "")].concat();
    let gateway = Setup::new()
        .file("a.yaml", &others)
        .file("key.yaml", &key("caller", KEY, "suspended: true"))
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.code(), "key_suspended");
    gateway.edit("key.yaml", &caller()).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    gateway.edit("key.yaml", "# nobody\n").await;
    assert_eq!(gateway.ask(&whole("chat")).await.code(), "invalid_key");
}
