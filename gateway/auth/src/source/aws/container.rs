//! An agent beside the pod that gives out keys: EKS Pod Identity's, or ECS's.

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::call::exchange;
use crate::oauth::{Refusal, refused};
use crate::url::{self, Address};
use crate::{
    AwsCredentials, ConfigError, Problem, Reach, Request, Response, Secret, Token, Value, World,
    files,
};

/// Without TLS, keys are asked for at these and at loopback addresses only: those of the agents, as all of AWS's SDKs have it.
const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    url: String,
    authorization: Option<Authorization>,
}

/// What the agent knows us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// A text.
    Token(Secret),
    /// A file, which Kubernetes keeps fresh.
    File(PathBuf),
}

impl Container {
    /// The agent at an address.
    ///
    /// # Errors
    /// Keys may not be asked for there.
    pub fn new(url: &str, authorization: Option<Authorization>) -> Result<Self, ConfigError> {
        let is_near = |address: Address<'_>| {
            let name = address.name();
            let loopback = name
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
            loopback || name == "localhost" || AGENTS.contains(&name)
        };
        let address = Address::parse(url);
        if !address.is_some_and(|address| address.secure || is_near(address)) {
            return Err(ConfigError::Bad {
                what: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                why: "must be an https address, or that of an agent on this node",
            });
        }
        Ok(Self {
            url: url.to_owned(),
            authorization,
        })
    }

    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let mut request = Request::get(&self.url, Reach::Node);
        let named_by = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        let token = match &self.authorization {
            None => None,
            Some(Authorization::Token(token)) => Some(token.clone()),
            Some(Authorization::File(path)) => Some(files::read(path, named_by).await?),
        };
        if let Some(token) = &token {
            request = request.with("authorization", token.clone());
        }
        let response = exchange(world, request).await?;
        let server = url::server(&self.url);
        if response.status == 200 {
            return granted(server, &response);
        }
        let secrets: Vec<_> = token.iter().collect();
        let mend = match response.status {
            404 => {
                "associate the pod's service account with a role (EKS Pod Identity), and restart the pod"
            }
            _ => {
                "the association of the pod's service account, its role and the role's trust policy must be right"
            }
        };
        Err(refused(
            server,
            &response,
            &refusal(&response),
            &secrets,
            mend,
        ))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: Timestamp,
}

fn granted(server: &str, response: &Response) -> Result<Token, Problem> {
    let malformed = |what| Problem::Malformed {
        server: server.to_owned(),
        what,
    };
    let answer: Answer = serde_json::from_slice(&response.body).map_err(|_| {
        malformed("an answer without AccessKeyId, SecretAccessKey, Token and Expiration")
    })?;
    let credentials = AwsCredentials {
        access_key: answer.access_key_id,
        secret_key: Secret::new(answer.secret_access_key),
        session_token: Some(Secret::new(answer.token)),
    };
    let token = checked(credentials, SystemTime::from(answer.expiration));
    token.ok_or_else(|| malformed("keys that cannot be ones"))
}

/// Keys that can be signed with, and sent.
pub(super) fn checked(credentials: AwsCredentials, expires: SystemTime) -> Option<Token> {
    let AwsCredentials {
        access_key,
        secret_key,
        session_token,
    } = &credentials;
    let is_good = Secret::new(access_key.as_str()).fits_a_header()
        && !secret_key.is_empty()
        && session_token.as_ref().is_none_or(Secret::fits_a_header);
    is_good.then_some(Token {
        value: Value::Aws(credentials),
        expires: Some(expires),
    })
}

/// `{"code": ..., "message": ...}`, in small or capital letters.
fn refusal(response: &Response) -> Refusal {
    let Ok(json) = serde_json::from_slice::<Json>(&response.body) else {
        return Refusal::default();
    };
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| json.get(name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    Refusal {
        code: text(["code", "Code"]),
        said: text(["message", "Message"]),
    }
}
