//! AWS, from a Secret or from the pod.

use std::path::PathBuf;

use super::{ConfigError, Environment, Values, given, needed, variable};
use crate::source::aws::{AssumeRole, Authorization, Container, Role, Sts, WebIdentity};
use crate::{AwsCredentials, Secret, Source};

/// Where ECS's agent answers.
const ECS_AGENT: &str = "http://169.254.170.2";
const SESSION: &str = "fairlead";

/// What the provider says beside its credentials.
#[derive(Debug, Clone, Default)]
pub struct Settings<'a> {
    /// Where the token service is asked, usually the provider's own; empty: what the environment says.
    pub region: &'a str,
    /// A role to assume with the credentials.
    pub role: Option<RoleSettings<'a>>,
}

/// A role to assume.
#[derive(Debug, Clone, Default)]
pub struct RoleSettings<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// What its owner asks to be told.
    pub external_id: Option<&'a str>,
    /// As who AWS's logs show us; `fairlead` if it is not given.
    pub session: Option<&'a str>,
}

/// Keys of a Secret: `accessKeyId`, `secretAccessKey`, and `sessionToken` if they are good for a time only.
///
/// # Errors
/// One is missing or cannot be right.
pub fn from_secret(values: Values<'_>, settings: &Settings<'_>) -> Result<Source, ConfigError> {
    let keys = keys(
        &needed(values, "accessKeyId")?,
        needed(values, "secretAccessKey")?,
        given(values, "sessionToken"),
    )?;
    assuming(keys, settings, None)
}

/// What AWS puts into a pod, looked for as its SDKs do: keys, then a role for the pod's token (IRSA), then an agent beside it (Pod Identity).
/// Files of profiles and the metadata of nodes are not looked at.
///
/// # Errors
/// There is none of it, or it cannot be right.
pub fn from_environment(
    environment: Environment<'_>,
    settings: &Settings<'_>,
) -> Result<Source, ConfigError> {
    let get = |name| variable(environment, name);
    let region = match settings.region {
        "" => get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")),
        region => Some(region.to_owned()),
    };
    let region = region.unwrap_or_default();
    let endpoint = get("AWS_ENDPOINT_URL_STS");
    let found = if let Some(id) = get("AWS_ACCESS_KEY_ID") {
        let secret = get("AWS_SECRET_ACCESS_KEY").ok_or(ConfigError::Bad {
            what: "AWS_SECRET_ACCESS_KEY",
            why: "must be set beside AWS_ACCESS_KEY_ID",
        })?;
        let token = get("AWS_SESSION_TOKEN").map(Secret::new);
        keys(&Secret::new(id), Secret::new(secret), token)?
    } else if let Some(file) = get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let arn = get("AWS_ROLE_ARN").ok_or(ConfigError::Bad {
            what: "AWS_ROLE_ARN",
            why: "must be set beside AWS_WEB_IDENTITY_TOKEN_FILE: annotate the pod's service account with eks.amazonaws.com/role-arn",
        })?;
        let session = get("AWS_ROLE_SESSION_NAME");
        Source::AwsWebIdentity(WebIdentity {
            sts: Sts::new(&region, endpoint.as_deref())?,
            role: role(&arn, session.as_deref(), None)?,
            token_file: PathBuf::from(file),
        })
    } else {
        Source::AwsContainer(container(environment)?)
    };
    let settings = Settings {
        region: &region,
        role: settings.role.clone(),
    };
    assuming(found, &settings, endpoint.as_deref())
}

fn container(environment: Environment<'_>) -> Result<Container, ConfigError> {
    let get = |name| variable(environment, name);
    let relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let url = match relative.filter(|path| path.starts_with('/')) {
        Some(path) => Some(format!("{ECS_AGENT}{path}")),
        None => get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    };
    let url = url.ok_or(ConfigError::NoIdentity {
        cloud: "AWS",
        mend: "annotate its service account with a role (IRSA) or associate it with one (EKS Pod Identity), and restart it",
    })?;
    let file = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    let token = get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let authorization = match (file, token) {
        (Some(file), _) => Some(Authorization::File(PathBuf::from(file))),
        (None, Some(token)) => Some(Authorization::Token(Secret::new(token))),
        (None, None) => None,
    };
    Container::new(&url, authorization)
}

/// The source itself, or the role of the settings assumed with it.
fn assuming(
    source: Source,
    settings: &Settings<'_>,
    endpoint: Option<&str>,
) -> Result<Source, ConfigError> {
    let Some(wanted) = &settings.role else {
        return Ok(source);
    };
    Ok(Source::AwsAssumeRole(AssumeRole {
        sts: Sts::new(settings.region, endpoint)?,
        role: role(wanted.arn, wanted.session, wanted.external_id)?,
        by: Box::new(source),
    }))
}

fn keys(id: &Secret, secret: Secret, token: Option<Secret>) -> Result<Source, ConfigError> {
    let bad = |what| ConfigError::Bad {
        what,
        why: "must be one word of plain letters",
    };
    if !id.fits_a_header() {
        return Err(bad("accessKeyId"));
    }
    if !secret.fits_a_header() {
        return Err(bad("secretAccessKey"));
    }
    if !token.as_ref().is_none_or(Secret::fits_a_header) {
        return Err(bad("sessionToken"));
    }
    Ok(Source::AwsKeys(AwsCredentials {
        access_key: id.expose().to_owned(),
        secret_key: secret,
        session_token: token,
    }))
}

fn role(arn: &str, session: Option<&str>, external: Option<&str>) -> Result<Role, ConfigError> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    if !matches!(parts.as_slice(), ["arn", _, "iam", "", _, role] if role.starts_with("role/")) {
        return Err(ConfigError::Bad {
            what: "the role",
            why: "must be the ARN of one, such as arn:aws:iam::123456789012:role/gateway",
        });
    }
    let session = session.unwrap_or(SESSION);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=64).contains(&session.len()) || !session.bytes().all(fits) {
        return Err(ConfigError::Bad {
            what: "the name of the session",
            why: "must be 2 to 64 letters, digits and _+=,.@-",
        });
    }
    Ok(Role {
        arn: arn.to_owned(),
        session: session.to_owned(),
        external_id: external.map(str::to_owned),
    })
}
