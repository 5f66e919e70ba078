//! Google.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fairlead_auth::configure::google::{from_environment, from_secret};
use fairlead_auth::source::google::CLOUD_PLATFORM;
use fairlead_auth::{ConfigError, Method, Reach, Source};
use serde_json::{Value as Json, json};

use crate::script::{Server, answer, bearer, field, header, json_answer, of, secret, start, token};

/// Made anew each time: nothing that looks like a key is kept in the repository.
static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

pub(crate) fn pem() -> String {
    let der = KEY.as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    format!("{begin}\n{}\n{end}\n", lines.join("\n"))
}

fn document() -> Json {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": pem(),
        "client_email": "gateway@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    })
}

fn parse(document: &str) -> Result<Source, ConfigError> {
    from_secret(&secret(&[("serviceAccount", document)]), CLOUD_PLATFORM)
}

pub(crate) fn account() -> Source {
    parse(&document().to_string()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_account_signs_a_statement_that_its_public_key_proves() {
    let server = Server::new(|_, _| token("ya29.x", 3599));
    let got = server.fetch(&account()).await.unwrap();
    assert_eq!(bearer(&got), "ya29.x");
    let request = server.request(0);
    assert_eq!(request.url, "https://oauth2.googleapis.com/token");
    assert_eq!(
        field(&request, "grant_type"),
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    let assertion = field(&request, "assertion");
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, KEY.public_key().as_ref())
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| -> Json {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(
        json(head),
        json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
    );
    let issued = start().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(
        json(claims),
        json!({
            "iss": "gateway@p.iam.gserviceaccount.com",
            "scope": CLOUD_PLATFORM,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": issued,
            "exp": issued + 3600,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_to_mend() {
    for (code, said, mend) in [
        (
            "invalid_grant",
            "Invalid JWT Signature.",
            "create a new key",
        ),
        (
            "invalid_grant",
            "Invalid grant: account not found",
            "does not exist",
        ),
        (
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.",
            "the clock",
        ),
        ("invalid_scope", "Invalid OAuth scope", "the scope"),
    ] {
        let body = json!({"error": code, "error_description": said});
        let server = Server::new(move |_, _| json_answer(400, &body));
        let problem = server.fetch(&account()).await.unwrap_err().to_string();
        for part in [code, said, mend] {
            assert!(problem.contains(part), "{part:?} is not in {problem}");
        }
    }
}

#[test]
fn a_document_that_cannot_be_used_is_refused_without_being_quoted() {
    let with = |name: &str, value: Json| {
        let mut document = document();
        document[name] = value;
        document.to_string()
    };
    for (document, reason) in [
        ("hush".to_owned(), "not the JSON document"),
        (
            "{\"type\": \"service_account\", \"private_key\": \"hush\"}".to_owned(),
            "client_email",
        ),
        (with("private_key", json!("hush")), "not an RSA key"),
        (
            with("private_key", json!(pem().replace('\n', " "))),
            "with its line breaks",
        ),
        (
            with("token_uri", json!("http://oauth2.googleapis.com/token")),
            "https",
        ),
        (
            with(
                "token_uri",
                json!("https://oauth2.googleapis.com@evil.example/"),
            ),
            "https",
        ),
        (with("type", json!("authorized_user")), "login of a person"),
        (
            with("type", json!("external_account")),
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (with("type", json!("gdch_service_account")), "not known"),
    ] {
        let error = parse(&document).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason:?} is not in {error}");
        assert!(
            !error.contains("hush") && !error.contains("BEGIN"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_metadata_server_is_asked_straight() {
    let server = Server::new(|_, _| token("ya29.m", 300));
    let source = from_environment(&of(&[]), CLOUD_PLATFORM).unwrap();
    assert_eq!(bearer(&server.fetch(&source).await.unwrap()), "ya29.m");
    let request = server.request(0);
    assert_eq!(
        request.url,
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!((request.method, request.reach), (Method::Get, Reach::Node));
    assert_eq!(header(&request, "metadata-flavor"), Some("Google"));

    let moved = [("GCE_METADATA_HOST", "127.0.0.1:8080")];
    let source = from_environment(&of(&moved), CLOUD_PLATFORM).unwrap();
    let server = Server::new(|_, _| answer(404, "<html>not found</html>"));
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(
        problem.contains("127.0.0.1:8080 refused with 404"),
        "{problem}"
    );
    assert!(problem.contains("workload identity"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn the_file_that_the_environment_names_is_read_for_each_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    let source = from_environment(&of(&variables), CLOUD_PLATFORM).unwrap();
    let server = Server::new(|_, _| token("ya29.f", 3599));
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(problem.contains("key.json does not exist"), "{problem}");
    std::fs::write(&path, "{}").unwrap();
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(problem.contains("not the JSON document"), "{problem}");
    std::fs::write(&path, document().to_string()).unwrap();
    assert_eq!(bearer(&server.fetch(&source).await.unwrap()), "ya29.f");
}

/// The document of workload identity federation, whose subject is in a file beside it.
fn federated(folder: &std::path::Path, impersonate: bool) -> String {
    let mut document = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": folder.join("token").to_str().unwrap()},
    });
    if impersonate {
        document["service_account_impersonation_url"] = json!(
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/g@p.iam.gserviceaccount.com:generateAccessToken"
        );
    }
    document.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_federated_workload_becomes_a_service_account() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "subject").unwrap();
    let path = folder.path().join("config.json");
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    let scope = "https://www.googleapis.com/auth/one-thing";
    let source = from_environment(&of(&variables), scope).unwrap();

    std::fs::write(&path, federated(folder.path(), false)).unwrap();
    let server = Server::new(|_, _| token("pool", 3599));
    assert_eq!(bearer(&server.fetch(&source).await.unwrap()), "pool");
    assert_eq!(field(&server.request(0), "subject_token"), "subject");
    assert_eq!(field(&server.request(0), "scope"), scope);

    std::fs::write(&path, federated(folder.path(), true)).unwrap();
    let server = Server::new(|number, _| match number {
        0 => token("pool", 3599),
        _ => json_answer(
            200,
            &json!({"accessToken": "account", "expireTime": "2026-12-24T18:00:00Z"}),
        ),
    });
    let got = server.fetch(&source).await.unwrap();
    assert_eq!(bearer(&got), "account");
    // Of the pool's token nothing is wanted but to become the account.
    assert_eq!(field(&server.request(0), "scope"), CLOUD_PLATFORM);
    let expires = UNIX_EPOCH + Duration::from_secs(1_798_135_200);
    assert_eq!(got.expires, Some(expires));
    assert_eq!(
        header(&server.request(1), "authorization"),
        Some("Bearer pool")
    );
    let body: Json = serde_json::from_slice(&server.request(1).body).unwrap();
    assert_eq!(body, json!({"scope": [scope], "lifetime": "3600s"}));

    let server = Server::new(|number, _| match number {
        0 => token("hush-pool", 3599),
        _ => json_answer(
            403,
            &json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no, hush-pool"}}),
        ),
    });
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(
        problem.contains("403 PERMISSION_DENIED: no, [cut]; let the identity"),
        "{problem}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_subject_of_a_federation_may_be_a_member_of_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("token");
    let path = folder.path().join("config.json");
    let mut document: Json = serde_json::from_str(&federated(folder.path(), false)).unwrap();
    document["credential_source"]["format"] =
        json!({"type": "json", "subject_token_field_name": "id_token"});
    std::fs::write(&path, document.to_string()).unwrap();
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())];
    let source = from_environment(&of(&variables), CLOUD_PLATFORM).unwrap();
    let server = Server::new(|_, _| token("pool", 3599));
    std::fs::write(&subject, r#"{"id_token": "subject"}"#).unwrap();
    server.fetch(&source).await.unwrap();
    assert_eq!(field(&server.request(0), "subject_token"), "subject");
    std::fs::write(&subject, r#"{"other": "hush"}"#).unwrap();
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(
        problem.contains("subject_token_field_name") && !problem.contains("hush"),
        "{problem}"
    );
}
