//! Bedrock: what it is sent, whole and streamed, and that what arrives is what was signed. Claude there, tokens of clouds, and a split with others
//! are in `clouds/`.

mod claude;
mod split;
mod tokens;

use std::time::SystemTime;

use fairlead_auth::{AwsCredentials, Secret, sigv4};
use fairlead_faults::{Play, Provider, Seen};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::harness::yaml::{ONCE, caller, object, rule, secret};
use crate::harness::{Gateway, serve, streamed, whole};

const ACCESS_KEY: &str = "AKIDOFTHEGATEWAY";
const SECRET_KEY: &str = "secret-access-key-that-nobody-may-see";
const SESSION: &str = "session-token-that-nobody-may-see";

/// Ids of models, of which each has something that a path escapes.
const MODELS: [(&str, &str, &str); 2] = [
    (
        "haiku",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "anthropic.claude-3-haiku-20240307-v1%3A0",
    ),
    (
        "profile",
        "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc",
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc",
    ),
];

/// An `LLMProvider` of Bedrock's; `credential` says where its credential is.
fn bedrock(name: &str, provider: &Provider, credential: &str) -> String {
    let address = provider.address();
    let spec = format!(
        "type: Bedrock, bedrock: {{region: eu-west-1}}, baseURL: \"http://{address}\", allowPrivateNetwork: true, credentials: [{{name: main, {credential}}}], {ONCE}"
    );
    object("LLMProvider", name, &spec)
}

async fn gateway(provider: &Provider, values: &str) -> Gateway {
    let rules = MODELS.map(|(name, model, _)| {
        let target = format!("{{name: a, providerRef: {{name: a}}, model: \"{model}\"}}");
        rule(
            name,
            &format!("match: {{models: [{name}]}}, targets: [{target}]"),
        )
    });
    serve([
        bedrock("a", provider, "secretRef: {name: a-key}"),
        secret("a-key", "credential", values),
        rules.concat(),
        caller(),
    ])
    .await
}

/// Keys of AWS, and those of a session if there is a token.
fn keys(session: Option<&str>) -> String {
    let token = session.map(|token| format!(", sessionToken: {token}"));
    format!(
        "accessKeyId: {ACCESS_KEY}, secretAccessKey: {SECRET_KEY}{}",
        token.unwrap_or_default()
    )
}

fn credentials(session: Option<&str>) -> AwsCredentials {
    AwsCredentials {
        access_key: ACCESS_KEY.to_owned(),
        secret_key: Secret::new(SECRET_KEY),
        session_token: session.map(Secret::new),
    }
}

/// Whether a request is signed by these credentials as it arrived: what it should be signed with, made of what is there.
fn is_signed_by(seen: &Seen, credentials: &AwsCredentials) -> bool {
    let header = |name| seen.header(name).unwrap_or_default();
    let Ok(date) = DateTime::strptime("%Y%m%dT%H%M%SZ", header("x-amz-date")) else {
        return false;
    };
    let time = date.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let parts = sigv4::Parts {
        method: &seen.method,
        host: header("host"),
        path: &seen.path,
        query: "",
        headers: &[("content-type", header("content-type"))],
        payload: sigv4::Payload::Bytes(&seen.body),
    };
    let scope = sigv4::Scope {
        region: "eu-west-1",
        service: "bedrock",
    };
    let signed = sigv4::sign(&parts, credentials, scope, SystemTime::from(time));
    let mut headers = signed.headers();
    headers.all(|(name, value)| seen.header(name) == Some(value))
}

#[tokio::test]
async fn what_arrives_is_what_was_signed_whole_and_streamed() {
    for session in [None, Some(SESSION)] {
        let provider = Provider::always(Play::words(["Hel", "lo."])).await;
        let gateway = gateway(&provider, &keys(session)).await;
        for (name, _, escaped) in MODELS {
            for (body, verb) in [
                (whole(name), "converse"),
                (streamed(name), "converse-stream"),
            ] {
                let answer = gateway.ask(&body).await;
                assert_eq!(
                    (answer.status, answer.content().as_str()),
                    (200, "Hello."),
                    "{}",
                    answer.text()
                );
                let seen = provider.seen().pop().unwrap();
                assert_eq!(seen.path, format!("/model/{escaped}/{verb}"));
                assert_eq!(seen.header("x-amz-security-token"), session);
                assert!(is_signed_by(&seen, &credentials(session)), "{seen:?}");
                let mut other = credentials(session);
                other.secret_key = Secret::new("another");
                assert!(!is_signed_by(&seen, &other));
                let changed = Seen {
                    body: "{}".into(),
                    ..seen
                };
                assert!(!is_signed_by(&changed, &credentials(session)));
            }
        }
    }
}

#[tokio::test]
async fn a_bearer_key_is_sent_as_it_is_and_nothing_is_signed() {
    let provider = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = gateway(&provider, "apiKey: bedrock-api-key-0123456789").await;
    for body in [whole("haiku"), streamed("haiku")] {
        assert_eq!(gateway.ask(&body).await.content(), "Hello.");
        let seen = provider.seen().pop().unwrap();
        assert_eq!(
            seen.header("authorization"),
            Some("Bearer bedrock-api-key-0123456789")
        );
        assert_eq!(seen.header("x-amz-date"), None);
    }
}

#[tokio::test]
async fn what_a_provider_repeats_of_a_signed_request_reaches_neither_callers_nor_the_log() {
    let provider = Provider::start(|seen| {
        let token = seen.header("x-amz-security-token").unwrap_or_default();
        let message = format!("No luck with {token}.");
        Play::json(400, &json!({"message": message}))
            .header("x-amzn-errortype", "ValidationException:http://internal/")
    })
    .await;
    let gateway = gateway(&provider, &keys(Some(SESSION))).await;
    for body in [whole("haiku"), streamed("haiku")] {
        let answer = gateway.ask(&body).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, "No luck with [redacted]."),
            "{}",
            answer.text()
        );
    }
    gateway.access(|line| line["stream"] == true).await;
    let log = [gateway.out.so_far(), gateway.err.so_far()].concat();
    let log = log.join("\n");
    for hidden in [SECRET_KEY, SESSION, "AWS4-HMAC-SHA256"] {
        assert!(!log.contains(hidden), "{log}");
    }
}

#[tokio::test]
async fn a_refused_signature_is_not_the_callers_business() {
    for (kind, message) in [
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match.",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
    ] {
        let refusal = Play::json(403, &json!({"message": message}));
        let provider = Provider::always(refusal.header("x-amzn-errortype", kind)).await;
        let answer = gateway(&provider, &keys(None))
            .await
            .ask(&whole("haiku"))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str(), answer.attempts()),
            (502, "provider_credential", "a=bad_credential"),
            "{kind}: {}",
            answer.text()
        );
        assert!(!answer.text().contains("signature"), "{}", answer.text());
    }
}
