//! Tokens of the clouds: had once, renewed before they end, and missed by nobody but the provider that needs them.

use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use super::bedrock;
use crate::harness::certificate::Certificate;
use crate::harness::yaml::{ONCE, caller, chain, object, provider, secret};
use crate::harness::{Gateway, Setup, eventually, whole};

/// What the agent beside a pod gives out: keys that are good for so long, named by the request they were asked for with.
fn keys(seen: &Seen, seconds: i64) -> Play {
    let expires = Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let nth = seen.sequence;
    Play::json(
        200,
        &json!({
            "AccessKeyId": format!("AKID{nth}"), "SecretAccessKey": format!("secret-of-the-agent-{nth}"),
            "Token": format!("token-of-the-agent-{nth}"), "Expiration": expires.to_string(),
        }),
    )
}

/// A gateway whose pod has an identity at AWS, with somebody else behind Bedrock and somebody else beside it.
async fn with_agent(agent: &Provider, a: &Provider, other: &Provider) -> Gateway {
    let url = format!("http://{}/v1/credentials", agent.address());
    let objects = [
        bedrock("a", a, "workloadIdentity: {}"),
        provider("spare", &other.base_url(), ONCE),
        chain("alone", &["a"], ""),
        chain("chat", &["a", "spare"], ""),
        chain("beside", &["spare"], ""),
        caller(),
    ];
    Setup::new()
        .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)
        .file("all.yaml", &objects.concat())
        .start()
        .await
}

fn is_signed_with(seen: &Seen, nth: usize) -> bool {
    let token = format!("token-of-the-agent-{nth}");
    let authorization = seen.header("authorization").unwrap_or_default();
    authorization.contains(&format!("Credential=AKID{nth}/"))
        && seen.header("x-amz-security-token") == Some(&token)
}

#[tokio::test]
async fn many_requests_ask_for_keys_once() {
    let agent = Provider::start(|seen| keys(seen, 3600).after(Duration::from_millis(300))).await;
    let a = Provider::always(Play::chat("Hello.")).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    let gateway = with_agent(&agent, &a, &spare).await;
    let body = whole("alone");
    let asked = (0..40).map(|_| gateway.ask(&body));
    for answer in join_all(asked).await {
        assert_eq!(answer.content(), "Hello.", "{}", answer.text());
    }
    assert_eq!((agent.requests(), a.requests()), (1, 40));
    assert!(a.seen().iter().all(|seen| is_signed_with(seen, 0)));
}

#[tokio::test]
async fn keys_are_renewed_ahead_and_a_failure_meanwhile_harms_nobody() {
    let agent = Provider::start(|seen| match seen.sequence {
        1 => Play::status(500),
        _ => keys(seen, 8),
    })
    .await;
    let a = Provider::always(Play::chat("Hello.")).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    let gateway = with_agent(&agent, &a, &spare).await;
    let ask = async || {
        let answer = gateway.ask(&whole("alone")).await;
        assert_eq!(answer.content(), "Hello.", "{}", answer.text());
        a.seen().pop().unwrap()
    };
    assert!(is_signed_with(&ask().await, 0));
    // It is asked ahead of the end, and fails; the keys in hand are still good.
    agent.until(|agent| agent.requests() == 2).await;
    assert!(is_signed_with(&ask().await, 0));
    eventually("the next keys are used", async || {
        is_signed_with(&ask().await, 2).then_some(())
    })
    .await;
    let log = [gateway.out.so_far(), gateway.err.so_far()].concat();
    let log = log.join("\n");
    assert!(log.contains("a new token could not be fetched"), "{log}");
    assert!(
        !log.contains("secret-of-the-agent") && !log.contains("token-of-the-agent"),
        "{log}"
    );
}

#[tokio::test]
async fn without_keys_the_next_target_answers_and_others_notice_nothing() {
    let agent = Provider::always(Play::status(503)).await;
    let a = Provider::always(Play::chat("Hello.")).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    let gateway = with_agent(&agent, &a, &spare).await;
    for _ in 0..20 {
        let answer = gateway.ask(&whole("chat")).await;
        assert_eq!(answer.content(), "Spare.", "{}", answer.text());
        let beside = gateway.ask(&whole("beside")).await;
        assert_eq!((beside.status, beside.attempts()), (200, "spare=ok"));
    }
    let alone = gateway.ask(&whole("alone")).await;
    assert!(alone.status >= 500, "{}", alone.text());
    assert!(!alone.text().contains("credentials"), "{}", alone.text());
    assert_eq!(a.requests(), 0);
    assert!(agent.requests() < 20, "{}", agent.requests());
}

/// A server of tokens with a certificate, which gives out `token-0`, then `token-1` ..
async fn token_server(certificate: &Certificate) -> Provider {
    let script = |seen: &Seen| {
        let token = format!("token-{}", seen.sequence);
        let body = json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"});
        Play::json(200, &body)
    };
    Provider::start_tls(script, &certificate.certificate, &certificate.key).await
}

/// Asks twenty times and expects that the one token came with each.
async fn comes_with_the_token(gateway: &Gateway, server: &Provider, a: &Provider) {
    let body = whole("m");
    for answer in join_all((0..20).map(|_| gateway.ask(&body))).await {
        assert_eq!(answer.content(), "Hello.", "{}", answer.text());
    }
    assert_eq!((server.requests(), a.requests()), (1, 20));
    for seen in a.seen() {
        assert_eq!(seen.header("authorization"), Some("Bearer token-0"));
        assert_eq!(
            (seen.header("api-key"), seen.header("x-goog-api-key")),
            (None, None)
        );
    }
    let log = [gateway.out.so_far(), gateway.err.so_far()].concat();
    assert!(!log.join("\n").contains("token-0"));
}

/// An `LLMProvider` of a cloud.
fn of_cloud(kind: &str, a: &Provider, credential: &str) -> String {
    let address = a.address();
    let spec = format!(
        "type: {kind}, baseURL: \"http://{address}\", allowPrivateNetwork: true, credentials: [{{name: main, {credential}}}], {ONCE}"
    );
    object("LLMProvider", "a", &spec)
}

#[tokio::test]
async fn a_service_account_of_google_is_exchanged_for_one_token() {
    let certificate = Certificate::loopback();
    let (server, a) = (
        token_server(&certificate).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let file = json!({
        "type": "service_account", "client_email": "gateway@p.iam.gserviceaccount.com", "private_key_id": "k1",
        "private_key": key.serialize_pem(), "token_uri": format!("https://{}/token", server.address()),
    });
    // A text in JSON is one in YAML.
    let value = format!("serviceAccount: {}", json!(file.to_string()));
    let kind = "VertexAI, vertexAI: {project: acme, location: eu}";
    let objects = [
        of_cloud(kind, &a, "secretRef: {name: a-key}"),
        secret("a-key", "credential", &value),
        chain("m", &["a"], ""),
        caller(),
    ];
    let setup = Setup::new().file("all.yaml", &objects.concat());
    setup.write("ca.pem", &certificate.certificate);
    let path = setup.path("ca.pem").display().to_string();
    let gateway = setup.variable("SSL_CERT_FILE", &path).start().await;
    comes_with_the_token(&gateway, &server, &a).await;
    let asked = String::from_utf8_lossy(&server.seen()[0].body).into_owned();
    assert!(asked.contains("assertion="), "{asked}");
}

#[tokio::test]
async fn the_identity_of_a_pod_at_azure_is_exchanged_for_one_token() {
    let certificate = Certificate::loopback();
    let (server, a) = (
        token_server(&certificate).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let objects = [
        of_cloud("AzureOpenAI", &a, "workloadIdentity: {}"),
        chain("m", &["a"], ""),
        caller(),
    ];
    let setup = Setup::new().file("all.yaml", &objects.concat());
    setup.write("ca.pem", &certificate.certificate);
    setup.write("pod-token", "token-of-the-pod");
    let path = |name: &str| setup.path(name).display().to_string();
    let (trusted, token) = (path("ca.pem"), path("pod-token"));
    let gateway = setup
        .variable("SSL_CERT_FILE", &trusted)
        .variable("AZURE_FEDERATED_TOKEN_FILE", &token)
        .variable("AZURE_TENANT_ID", "tenant-1")
        .variable("AZURE_CLIENT_ID", "client-1")
        .variable(
            "AZURE_AUTHORITY_HOST",
            &format!("https://{}", server.address()),
        )
        .start()
        .await;
    comes_with_the_token(&gateway, &server, &a).await;
    let seen = &server.seen()[0];
    let asked = String::from_utf8_lossy(&seen.body).into_owned();
    assert_eq!(seen.path, "/tenant-1/oauth2/v2.0/token");
    assert!(
        asked.contains("client_assertion=token-of-the-pod"),
        "{asked}"
    );
}
