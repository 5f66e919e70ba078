//! Microsoft Entra.

use std::io::Write as _;
use std::time::Duration;

use fairlead_auth::configure::entra::{from_environment, from_secret};
use fairlead_auth::source::entra::COGNITIVE_SERVICES;
use fairlead_auth::{Method, Problem, Reach, Source};
use serde_json::json;

use crate::script::{Server, answer, bearer, field, form, json_answer, of, secret, start, token};

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const CLIENT: &str = "6e4e2f0a-6a4c-4d8e-8f0e-1f3c0a2b4c5d";
pub(crate) const CLIENT_SECRET: &str = "hush~8Q&x=+/%";

pub(crate) fn application() -> Source {
    let values = [
        ("tenantId", TENANT),
        ("clientId", CLIENT),
        ("clientSecret", CLIENT_SECRET),
    ];
    from_secret(&secret(&values), COGNITIVE_SERVICES, None).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_application_proves_itself_by_its_secret() {
    let server = Server::new(|_, _| token("eyJ0eXAi", 3599));
    let got = server.fetch(&application()).await.unwrap();
    assert_eq!(bearer(&got), "eyJ0eXAi");
    // Counted from when it was asked for, not from when the answer came.
    assert_eq!(got.expires, Some(start() + Duration::from_secs(3599)));
    let request = server.request(0);
    assert_eq!(
        (request.method, request.reach),
        (Method::Post, Reach::Anywhere)
    );
    assert_eq!(
        request.url,
        format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token")
    );
    let expected = [
        ("client_id", CLIENT),
        ("grant_type", "client_credentials"),
        ("scope", COGNITIVE_SERVICES),
        ("client_secret", CLIENT_SECRET),
    ];
    assert_eq!(
        form(&request),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_proves_itself_by_its_token_which_is_read_each_time() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "first").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let variables = [
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
    ];
    let source = from_environment(&of(&variables), COGNITIVE_SERVICES).unwrap();
    let server = Server::new(|_, _| token("t", 3599));
    server.fetch(&source).await.unwrap();
    std::fs::write(&path, "second").unwrap();
    server.fetch(&source).await.unwrap();
    let request = server.request(0);
    assert_eq!(
        request.url,
        format!("https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token")
    );
    assert_eq!(field(&request, "client_assertion"), "first");
    assert_eq!(
        field(&request, "client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert_eq!(field(&server.request(1), "client_assertion"), "second");
    std::fs::remove_file(&path).unwrap();
    let problem = server.fetch(&source).await.unwrap_err().to_string();
    assert!(problem.contains("does not exist"), "{problem}");
    assert!(problem.contains("AZURE_FEDERATED_TOKEN_FILE"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_to_mend() {
    for (code, said, mend) in [
        (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
            "not the id of one",
        ),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys are expired.",
            "create a new one",
        ),
        (
            "unauthorized_client",
            "AADSTS700016: Application not found.",
            "correct clientId",
        ),
        (
            "invalid_request",
            "AADSTS90002: Tenant not found.",
            "correct tenantId",
        ),
        (
            "invalid_request",
            "AADSTS7002138: No matching federated identity record found.",
            "federated credential",
        ),
        (
            "invalid_scope",
            "AADSTS70011: The provided value for scope is not valid.",
            "/.default",
        ),
        ("unknown", "Who knows", "check tenantId"),
    ] {
        let body = json!({"error": code, "error_description": format!("{said}\r\nTrace ID: 1 {CLIENT_SECRET}")});
        let server = Server::new(move |_, _| json_answer(401, &body));
        let problem = server.fetch(&application()).await.unwrap_err();
        assert!(!problem.is_transient(), "{problem}");
        let problem = problem.to_string();
        for part in ["login.microsoftonline.com", "401", code, said, mend] {
            assert!(problem.contains(part), "{part:?} is not in {problem}");
        }
        assert!(!problem.contains("hush"), "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_of_the_servers_own_is_told_from_a_refusal() {
    let busy = |code, said| json!({"error": code, "error_description": said}).to_string();
    for (status, body) in [
        (400, busy("temporarily_unavailable", "try later")),
        (
            400,
            busy(
                "server_error",
                "AADSTS90033: A transient error has occurred.",
            ),
        ),
        (503, String::new()),
        (429, String::new()),
    ] {
        let server = Server::new(move |_, _| answer(status, body.clone()));
        let problem = server.fetch(&application()).await.unwrap_err();
        assert!(matches!(problem, Problem::Busy { .. }), "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_one_is_said_to_be_malformed() {
    for body in [
        "",
        "<html>Sign in</html>",
        "{}",
        r#"{"access_token": "t"}"#,
        r#"{"access_token": "t", "expires_in": 0}"#,
        r#"{"access_token": "t", "expires_in": "soon"}"#,
        r#"{"access_token": "t", "expires_in": -1}"#,
        r#"{"access_token": "t", "expires_in": 18446744073709551615}"#,
        r#"{"access_token": "", "expires_in": 60}"#,
        r#"{"access_token": "two\r\nlines", "expires_in": 60}"#,
        r#"{"access_token": 1, "expires_in": 60}"#,
    ] {
        let server = Server::new(move |_, _| answer(200, body));
        let problem = server.fetch(&application()).await.unwrap_err();
        assert!(
            matches!(problem, Problem::Malformed { .. }),
            "{body}: {problem}"
        );
    }
    for status in [204, 302] {
        let server = Server::new(move |_, _| answer(status, ""));
        let problem = server.fetch(&application()).await.unwrap_err();
        assert!(
            matches!(problem, Problem::Malformed { .. }),
            "{status}: {problem}"
        );
    }
    let server = Server::new(|_, _| answer(200, vec![b' '; 300_000]));
    let problem = server.fetch(&application()).await.unwrap_err();
    assert!(problem.to_string().contains("too long"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn seconds_may_be_written_as_a_text() {
    let server = Server::new(|_, _| answer(200, r#"{"access_token":"t","expires_in":"60"}"#));
    let got = server.fetch(&application()).await.unwrap();
    assert_eq!(got.expires, Some(start() + Duration::from_secs(60)));
}
