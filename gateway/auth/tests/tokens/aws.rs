//! AWS.

use std::time::{Duration, UNIX_EPOCH};

use fairlead_auth::configure::aws::{RoleSettings, Settings, from_environment, from_secret};
use fairlead_auth::{AwsCredentials, Problem, Reach, Secret, Source, Token, Value};

use crate::script::{Answer, Server, answer, field, form, header, json_answer, of, secret};

pub(crate) const ARN: &str = "arn:aws:iam::123456789012:role/gateway";
const EXPIRES: &str = "2026-12-24T18:00:00Z";

/// An answer of STS, as it is.
fn granted(action: &str) -> Answer {
    let text = format!(
        r#"<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/gateway/fairlead</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIA1</AccessKeyId>
      <SecretAccessKey>hush/secret+key</SecretAccessKey>
      <SessionToken>hush/session+token==</SessionToken>
      <Expiration>{EXPIRES}</Expiration>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</{action}Response>"#
    );
    answer(200, text)
}

fn refused(status: u16, code: &str, said: &str) -> Answer {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{said}</Message></Error></ErrorResponse>"
    );
    answer(status, text)
}

fn assert_granted(token: &Token) {
    let expected = AwsCredentials {
        access_key: "ASIA1".to_owned(),
        secret_key: Secret::new("hush/secret+key"),
        session_token: Some(Secret::new("hush/session+token==")),
    };
    assert_eq!(token.value, Value::Aws(expected));
    let expires = UNIX_EPOCH + Duration::from_secs(1_798_135_200);
    assert_eq!(token.expires, Some(expires));
}

/// IRSA, whose token is in a file.
fn irsa(file: &tempfile::NamedTempFile) -> Source {
    let variables = [
        ("AWS_ROLE_ARN", ARN),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.path().to_str().unwrap()),
        ("AWS_REGION", "eu-west-1"),
    ];
    from_environment(&of(&variables), &Settings::default()).unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test(start_paused = true)]
async fn a_pod_gets_the_keys_of_its_role_for_its_token() {
    let token_file = file("hush.pod.token\n");
    let server = Server::new(|_, _| granted("AssumeRoleWithWebIdentity"));
    assert_granted(&server.fetch(&irsa(&token_file)).await.unwrap());
    let request = server.request(0);
    assert_eq!(request.url, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(header(&request, "authorization"), None, "nobody signs it");
    let expected = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", ARN),
        ("RoleSessionName", "fairlead"),
        ("WebIdentityToken", "hush.pod.token"),
    ];
    assert_eq!(
        form(&request),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_sts_says_what_to_mend() {
    let token_file = file("hush.pod.token");
    for (status, code, mend) in [
        (403, "AccessDenied", "the cluster's OIDC provider"),
        (400, "ExpiredTokenException", "projected volume"),
        (400, "InvalidIdentityToken", "IAM OIDC provider"),
        (403, "RegionDisabledException", "activate AWS STS"),
        (400, "ValidationError", "the ARN of the role"),
        (400, "Other", "trust policy"),
    ] {
        let said = "Not authorized: hush.pod.token &amp; more";
        let server = Server::new(move |_, _| refused(status, code, said));
        let problem = server.fetch(&irsa(&token_file)).await.unwrap_err();
        assert!(!problem.is_transient(), "{problem}");
        let problem = problem.to_string();
        let whole = format!(
            "sts.eu-west-1.amazonaws.com refused with {status} {code}: Not authorized: [cut] & more; "
        );
        assert!(problem.starts_with(&whole), "{problem}");
        assert!(problem.contains(mend), "{mend:?} is not in {problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_is_trouble_of_the_servers_own_though_it_is_a_400() {
    let token_file = file("t");
    let server = Server::new(|_, _| refused(400, "Throttling", "Rate exceeded"));
    let problem = server.fetch(&irsa(&token_file)).await.unwrap_err();
    assert!(matches!(problem, Problem::Busy { .. }), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_from_sts_is_malformed() {
    let token_file = file("t");
    for body in [
        "",
        "{}",
        "<html>Sign in</html>",
        "<Credentials><AccessKeyId>A</AccessKeyId></Credentials>",
        "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>soon</Expiration></Credentials>",
        "<Credentials><AccessKeyId>A B</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-12-24T18:00:00Z</Expiration></Credentials>",
    ] {
        let server = Server::new(move |_, _| answer(200, body));
        let problem = server.fetch(&irsa(&token_file)).await.unwrap_err();
        assert!(
            matches!(problem, Problem::Malformed { .. }),
            "{body}: {problem}"
        );
    }
}

const KEYS: [(&str, &str); 2] = [
    ("accessKeyId", "AKIDEXAMPLE"),
    ("secretAccessKey", "hush/static+key"),
];

/// The keys of a Secret, and a role assumed with them.
fn assumed() -> Source {
    let role = RoleSettings {
        arn: ARN,
        external_id: Some("ticket-17"),
        session: Some("team-a"),
    };
    let settings = Settings {
        region: "us-east-1",
        role: Some(role),
    };
    from_secret(&secret(&KEYS), &settings).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_with_a_signed_request() {
    let server = Server::new(|_, _| granted("AssumeRole"));
    assert_granted(&server.fetch(&assumed()).await.unwrap());
    let request = server.request(0);
    assert_eq!(request.url, "https://sts.us-east-1.amazonaws.com/");
    assert_eq!(field(&request, "ExternalId"), "ticket-17");
    assert_eq!(field(&request, "RoleSessionName"), "team-a");
    let signed = header(&request, "authorization").unwrap();
    let begin = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(signed.starts_with(begin), "{signed}");
    assert_eq!(header(&request, "x-amz-date"), Some("20261130T005320Z"));

    let server = Server::new(|_, _| refused(403, "AccessDenied", "User may not"));
    let problem = server.fetch(&assumed()).await.unwrap_err().to_string();
    assert!(problem.contains("external id"), "{problem}");
    let server = Server::new(|_, _| {
        refused(
            403,
            "SignatureDoesNotMatch",
            "The Canonical String was hush/static+key",
        )
    });
    let problem = server.fetch(&assumed()).await.unwrap_err().to_string();
    assert!(
        problem.contains("secretAccessKey") && !problem.contains("hush"),
        "{problem}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_by_whoever_the_pod_is() {
    let token_file = file("t");
    let variables = [
        ("AWS_ROLE_ARN", ARN),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            token_file.path().to_str().unwrap(),
        ),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_STS", "https://vpce-1.sts.example"),
    ];
    let other = "arn:aws:iam::210987654321:role/tenant";
    let settings = Settings {
        role: Some(RoleSettings {
            arn: other,
            ..RoleSettings::default()
        }),
        ..Settings::default()
    };
    let source = from_environment(&of(&variables), &settings).unwrap();
    let server = Server::new(|number, _| match number {
        0 => granted("AssumeRoleWithWebIdentity"),
        _ => granted("AssumeRole"),
    });
    assert_granted(&server.fetch(&source).await.unwrap());
    let (first, second) = (server.request(0), server.request(1));
    assert_eq!(first.url, "https://vpce-1.sts.example/");
    assert_eq!(field(&first, "RoleArn"), ARN);
    assert_eq!(field(&second, "RoleArn"), other);
    assert_eq!(
        header(&second, "x-amz-security-token"),
        Some("hush/session+token==")
    );
}

/// EKS Pod Identity, whose token is in a file.
fn pod_identity(file: &tempfile::NamedTempFile) -> Source {
    let variables = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            file.path().to_str().unwrap(),
        ),
    ];
    from_environment(&of(&variables), &Settings::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_agent_gives_keys_for_the_pods_token() {
    let token_file = file("hush.agent.token\n");
    let body = serde_json::json!({
        "AccessKeyId": "ASIA1", "SecretAccessKey": "hush/secret+key", "Token": "hush/session+token==",
        "Expiration": EXPIRES, "AccountId": "123456789012",
    });
    let server = Server::new(move |_, _| json_answer(200, &body));
    assert_granted(&server.fetch(&pod_identity(&token_file)).await.unwrap());
    let request = server.request(0);
    assert_eq!(request.url, "http://169.254.170.23/v1/credentials");
    assert_eq!(request.reach, Reach::Node);
    assert_eq!(header(&request, "authorization"), Some("hush.agent.token"));

    let server = Server::new(|_, _| {
        let body =
            serde_json::json!({"code": "AccessDeniedException", "message": "no hush.agent.token"});
        json_answer(400, &body)
    });
    let problem = server
        .fetch(&pod_identity(&token_file))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("400 AccessDeniedException: no [cut]; the association"),
        "{problem}"
    );
    let server = Server::new(|_, _| answer(200, "{}"));
    let problem = server.fetch(&pod_identity(&token_file)).await.unwrap_err();
    assert!(matches!(problem, Problem::Malformed { .. }), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_written_down_are_there_at_once_and_for_ever() {
    let settings = Settings::default();
    let source = from_secret(&secret(&KEYS), &settings).unwrap();
    let server = Server::new(|_, _| answer(500, ""));
    let keeper = server.keep(source);
    let token = keeper.current().unwrap();
    assert_eq!(token.expires, None);
    keeper.rejected(&token);
    tokio::time::sleep(Duration::from_secs(1_000_000)).await;
    assert_eq!(keeper.token().await.unwrap(), token);
    assert_eq!(server.asked(), 0);
}
