//! AWS: keys that are good for a time, from its Security Token Service or from an agent beside the pod.
//!
//! Source: the API reference of AWS STS (2011-06-15); "Container credential provider", AWS SDKs and Tools Reference Guide.

mod container;
mod sts;

pub use container::{Authorization, Container};
pub use sts::Sts;

use std::path::PathBuf;

use crate::{AwsCredentials, Problem, Source, Token, Value, World, files};

/// A role, and as who it is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its whole name, `arn:aws:iam::123456789012:role/gateway`.
    pub(crate) arn: String,
    /// What AWS's logs name whoever assumed it.
    pub(crate) session: String,
    /// What the role's owner asked to be told, so that nobody is talked into assuming it for another.
    pub(crate) external_id: Option<String>,
}

/// A role, for the token that Kubernetes keeps fresh in a file (IRSA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    pub(crate) sts: Sts,
    pub(crate) role: Role,
    pub(crate) token_file: PathBuf,
}

/// A role, for somebody who may assume it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    pub(crate) sts: Sts,
    pub(crate) role: Role,
    /// Who assumes it: another source of AWS's.
    pub(crate) by: Box<Source>,
}

impl WebIdentity {
    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let token = files::read(&self.token_file, "AWS_WEB_IDENTITY_TOKEN_FILE").await?;
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", sts::VERSION),
            ("RoleArn", &self.role.arn),
            ("RoleSessionName", &self.role.session),
            ("WebIdentityToken", token.expose()),
        ];
        self.sts.call(world, &fields, None, &[&token]).await
    }
}

impl AssumeRole {
    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let by: AwsCredentials = match self.by.fetch_boxed(world).await?.value {
            Value::Aws(credentials) => credentials,
            // Not built like this: `configure` chains sources of AWS only.
            Value::Bearer(_) => {
                let reason = "is not one of AWS";
                return Err(Problem::Key { reason });
            }
        };
        let mut fields = vec![
            ("Action", "AssumeRole"),
            ("Version", sts::VERSION),
            ("RoleArn", &self.role.arn),
            ("RoleSessionName", &self.role.session),
        ];
        fields.extend(
            self.role
                .external_id
                .iter()
                .map(|id| ("ExternalId", id.as_str())),
        );
        let mut secrets = vec![&by.secret_key];
        secrets.extend(&by.session_token);
        self.sts.call(world, &fields, Some(&by), &secrets).await
    }
}
