//! Callers with tokens of an issuer, and from somewhere, over real sockets.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, chain, key, object, provider};
use crate::harness::{Answer, Gateway, Setup, eventually, whole};

const OTHER: &str = "sk-other-0123456789abcdef0123456789abc";

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn token(pair: &EcdsaKeyPair, issuer: &str, subject: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let header = json!({"alg": "ES256", "kid": "one"});
    let claims = json!({"iss": issuer, "aud": ["fairlead"], "sub": subject, "exp": now + 600});
    let signed = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// An issuer with its discovery document and the public half of a key.
async fn issuer(pair: &EcdsaKeyPair) -> Provider {
    let point = pair.public_key().as_ref();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "one", "x": part(&point[1..33]), "y": part(&point[33..])});
    Provider::start(move |seen| {
        let own = format!("http://{}", seen.header("host").unwrap());
        match seen.path.as_str() {
            "/.well-known/openid-configuration" => Play::json(
                200,
                &json!({"issuer": own, "jwks_uri": format!("{own}/keys")}),
            ),
            "/keys" => Play::json(200, &json!({"keys": [key]})),
            _ => Play::status(404),
        }
    })
    .await
}

#[tokio::test]
async fn a_token_of_an_issuer_is_a_key_and_is_seen_by_nobody() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (issuer, a) = (
        issuer(&pair).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let name = format!("http://{}", issuer.address());
    let spec = format!(
        "key: {{type: OIDC, oidc: {{issuer: \"{name}\", audiences: [fairlead], claims: {{sub: app}}, allowPrivateNetwork: true}}}}"
    );
    let objects = [
        provider("a", &a.base_url(), ""),
        chain("chat", &["a"], ""),
        object("VirtualKey", "app", &spec),
    ];
    let gateway = Setup::new()
        .file("all.yaml", &objects.concat())
        .start()
        .await;
    let own = token(&pair, &name, "app");
    let answer = eventually("the keys of the issuer have come", async || {
        let answer = gateway.ask_as(&own, &whole("chat")).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert_eq!(answer.content(), "Hello.", "{}", answer.text());
    let stranger = gateway
        .ask_as(&token(&pair, &name, "somebody"), &whole("chat"))
        .await;
    assert_eq!(stranger.status, 401, "{}", stranger.text());
    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let forged = gateway
        .ask_as(&token(&other, &name, "app"), &whole("chat"))
        .await;
    assert_eq!(forged.status, 401, "{}", forged.text());
    let line = gateway.access(|line| line["status"] == 200).await;
    assert_eq!(line["key"], "default/app", "{line}");
    assert_eq!(a.requests(), 1);
    let written = [gateway.out.so_far(), gateway.err.so_far()]
        .concat()
        .join("\n");
    let sent = format!("{:?}", a.seen());
    assert!(
        !written.contains("eyJ") && !sent.contains("eyJ"),
        "{written}\n{sent}"
    );
}

async fn from(gateway: &Gateway, key: &str, forwarded: Option<&str>) -> u16 {
    let mut request = gateway.post("/v1/chat/completions").bearer_auth(key);
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    Answer::to(request.body(whole("chat").to_string()))
        .await
        .status
}

#[tokio::test]
async fn a_key_is_good_from_its_networks_and_a_trusted_proxy_says_where_that_is() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let objects = [
        provider("a", &a.base_url(), ""),
        chain("chat", &["a"], ""),
        key("near", KEY, "networks: [127.0.0.0/8]"),
        key("far", OTHER, "networks: [192.0.2.0/24]"),
    ];
    let all = objects.concat();
    let gateway = Setup::new().file("all.yaml", &all).start().await;
    assert_eq!(from(&gateway, KEY, None).await, 200);
    assert_eq!(from(&gateway, OTHER, None).await, 403);
    assert_eq!(from(&gateway, OTHER, Some("192.0.2.7")).await, 403);
    let proxied = Setup::new().arguments(&["--trusted-proxies", "10.0.0.0/8,127.0.0.1/32"]);
    let gateway = proxied.file("all.yaml", &all).start().await;
    assert_eq!(from(&gateway, OTHER, Some("192.0.2.7")).await, 200);
    assert_eq!(
        from(&gateway, OTHER, Some("192.0.2.7, 198.51.100.1, 10.0.0.1")).await,
        403
    );
    assert_eq!(from(&gateway, KEY, Some("192.0.2.7")).await, 403);
    assert_eq!(from(&gateway, KEY, None).await, 200);
}
