//! From Secrets and environments to sources.

use fairlead_auth::configure::aws::{RoleSettings, Settings};
use fairlead_auth::configure::{aws, entra, google};
use fairlead_auth::source::entra::COGNITIVE_SERVICES;
use fairlead_auth::source::google::CLOUD_PLATFORM;
use fairlead_auth::{ConfigError, Source};

use crate::aws::ARN;
use crate::entra::{CLIENT, TENANT};
use crate::script::{of, secret};

fn from_aws_pod(variables: &[(&str, &str)]) -> Result<Source, ConfigError> {
    aws::from_environment(&of(variables), &Settings::default())
}

#[test]
fn what_aws_puts_into_a_pod_is_found_in_the_order_of_its_sdks() {
    let all = [
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ROLE_ARN", ARN),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
    ];
    assert!(matches!(from_aws_pod(&all).unwrap(), Source::AwsKeys(_)));
    assert!(matches!(
        from_aws_pod(&all[2..]).unwrap(),
        Source::AwsWebIdentity(_)
    ));
    assert!(matches!(
        from_aws_pod(&all[5..]).unwrap(),
        Source::AwsContainer(_)
    ));
    let relative = [(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "/v2/credentials/1",
    )];
    assert!(matches!(
        from_aws_pod(&relative).unwrap(),
        Source::AwsContainer(_)
    ));
}

#[test]
fn a_pod_without_an_identity_is_told_how_to_get_one() {
    let errors = [
        (from_aws_pod(&[]).unwrap_err(), ["AWS", "IRSA"]),
        (
            entra::from_environment(&of(&[("AZURE_CLIENT_ID", CLIENT)]), COGNITIVE_SERVICES)
                .unwrap_err(),
            ["Azure", "azure.workload.identity/use"],
        ),
    ];
    for (error, parts) in errors {
        assert!(matches!(error, ConfigError::NoIdentity { .. }), "{error:?}");
        for part in parts {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}

#[test]
fn half_of_what_is_needed_is_not_enough() {
    for (variables, named) in [
        (vec![("AWS_ACCESS_KEY_ID", "A")], "AWS_SECRET_ACCESS_KEY"),
        (
            vec![
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
                ("AWS_REGION", "eu-west-1"),
            ],
            "AWS_ROLE_ARN",
        ),
        (
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", ARN)],
            "region",
        ),
    ] {
        let error = from_aws_pod(&variables).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn the_agent_is_asked_in_the_clear_on_this_node_only() {
    for (url, may) in [
        ("http://169.254.170.23/v1/credentials", true),
        ("http://[fd00:ec2::23]/v1/credentials", true),
        ("http://127.0.0.1:1234/", true),
        ("http://localhost/", true),
        ("https://agent.example/", true),
        ("http://169.254.169.254/", false),
        ("http://agent.example/", false),
        ("http://127.0.0.1.evil.example/", false),
        ("http://169.254.170.2@evil.example/", false),
        ("file:///etc/passwd", false),
    ] {
        let source = from_aws_pod(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)]);
        assert_eq!(source.is_ok(), may, "{url}");
    }
}

#[test]
fn a_secret_that_lacks_a_key_is_told_which() {
    let all = [
        ("accessKeyId", "A"),
        ("secretAccessKey", "hush"),
        ("tenantId", TENANT),
        ("clientId", CLIENT),
        ("clientSecret", "hush"),
        ("serviceAccount", "{}"),
    ];
    for missing in all.map(|(key, _)| key) {
        let values = all.map(|(key, value)| {
            if key == missing {
                (key, " \n")
            } else {
                (key, value)
            }
        });
        let values = secret(&values);
        let sources = [
            aws::from_secret(&values, &Settings::default()),
            entra::from_secret(&values, COGNITIVE_SERVICES, None),
            google::from_secret(&values, CLOUD_PLATFORM),
        ];
        let told = sources.iter().any(
            |source| matches!(source, Err(ConfigError::MissingKey { key }) if *key == missing),
        );
        assert!(told, "{missing}: {sources:?}");
    }
}

#[test]
fn white_space_around_a_value_is_no_part_of_it() {
    let with = [("accessKeyId", "A\n"), ("secretAccessKey", " s \n")];
    let without = [("accessKeyId", "A"), ("secretAccessKey", "s")];
    let source = |values: &[(&str, &str)]| aws::from_secret(&secret(values), &Settings::default());
    assert_eq!(source(&with), source(&without));
}

#[test]
fn what_cannot_be_right_is_refused_without_being_quoted() {
    let keys = |id, key| {
        let values = [("accessKeyId", id), ("secretAccessKey", key)];
        aws::from_secret(&secret(&values), &Settings::default())
    };
    let application = |tenant, authority| {
        let values = [
            ("tenantId", tenant),
            ("clientId", CLIENT),
            ("clientSecret", "hush"),
        ];
        entra::from_secret(&secret(&values), COGNITIVE_SERVICES, authority)
    };
    let role = |arn, session| {
        let values = [("accessKeyId", "A"), ("secretAccessKey", "hush")];
        let role = RoleSettings {
            arn,
            session,
            external_id: None,
        };
        let settings = Settings {
            region: "eu-west-1",
            role: Some(role),
        };
        aws::from_secret(&secret(&values), &settings)
    };
    for (source, named) in [
        (keys("hush hush", "hush"), "accessKeyId"),
        (keys("A", "hush\nhush"), "secretAccessKey"),
        (application("hush/../x", None), "tenantId"),
        (application("..", None), "tenantId"),
        (
            application(TENANT, Some("http://login.example")),
            "authority",
        ),
        (role("gateway", None), "the role"),
        (role("arn:aws:iam::1:user/hush", None), "the role"),
        (role(ARN, Some("a b")), "session"),
    ] {
        let error = source.unwrap_err().to_string();
        assert!(error.contains(named) && !error.contains("hush"), "{error}");
    }
    assert!(role(ARN, Some("a@b.example")).is_ok());
}

#[test]
fn the_metadata_server_must_be_a_host() {
    for (host, may) in [
        ("127.0.0.1:80", true),
        ("a/b", false),
        ("u@h", false),
        ("a b", false),
    ] {
        let source = google::from_environment(&of(&[("GCE_METADATA_HOST", host)]), CLOUD_PLATFORM);
        assert_eq!(source.is_ok(), may, "{host}");
    }
}
