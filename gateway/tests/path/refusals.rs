//! Requests that the gateway itself refuses: the right status, a stable code, a sentence on how to mend it, and no secret in it.

mod cases;

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{caller, chain, key, object, provider, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, results, whole};
use cases::{Case, cases};

const CREDENTIAL: &str = "sk-upstream-credential-that-nobody-may-see";
const WRONG: &str = "sk-wrong-0123456789abcdef0123456789abcdef";
const EXPIRED: &str = "sk-expired-0123456789abcdef0123456789";
const SUSPENDED: &str = "sk-suspended-0123456789abcdef0123456789";
const ORPHANED: &str = "sk-orphaned-0123456789abcdef01234567890";
const NARROW: &str = "sk-narrow-0123456789abcdef0123456789";
const ELSEWHERE: &str = "sk-elsewhere-0123456789abcdef0123456789";
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
        key("orphaned", ORPHANED, "teamRef: {name: nobody}"),
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
        CREDENTIAL, KEY, WRONG, EXPIRED, SUSPENDED, ORPHANED, NARROW, ELSEWHERE,
    ];
    secrets
        .iter()
        .find(|secret| told.contains(*secret))
        .map_or(Ok(()), |secret| Err(format!("{secret} is in {told}")))
}

#[tokio::test]
async fn every_bad_request_gets_its_status_its_code_and_a_sentence_without_secrets() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = gateway(&a).await;
    let cases = cases(&gateway);
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
        results::at_most(&name, results::count(wrong.len()), "requests", 0.0),
        "{}",
        wrong.join("\n")
    );
    assert_eq!(a.requests(), 0, "a refused request reached the provider");
    let log = [gateway.out.so_far(), gateway.err.so_far()]
        .concat()
        .join("\n");
    for secret in [
        CREDENTIAL, KEY, WRONG, EXPIRED, SUSPENDED, ORPHANED, NARROW, ELSEWHERE,
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
