//! Workload identity federation: the token that Kubernetes gives the pod is exchanged for one of Google's, and that one, if the document
//! says so, for one of a service account.
//!
//! Only subjects in files are read: documents can also name programs to run and addresses to ask. Source: AIP-4117; RFC 8693.

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{CLOUD_PLATFORM, NAMED_BY};
use crate::call::exchange;
use crate::{Problem, Request, Response, Secret, Token, Value, World, files, oauth, url};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The document that `gcloud iam workload-identity-pools create-cred-config` writes.
#[derive(Debug, Deserialize)]
struct Document {
    audience: String,
    subject_token_type: String,
    token_url: String,
    credential_source: CredentialSource,
    service_account_impersonation_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CredentialSource {
    file: PathBuf,
    #[serde(default)]
    format: Format,
}

/// How the subject stands in its file.
#[derive(Debug, Default, Deserialize)]
struct Format {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    subject_token_field_name: Option<String>,
}

/// A workload that a pool of identities knows.
#[derive(Debug)]
pub(super) struct Federated {
    document: Document,
    scope: String,
}

impl Federated {
    pub(super) fn parse(document: &Secret, scope: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(document.expose())
            .map_err(|_| "it has not the members audience, subject_token_type, token_url and credential_source.file".to_owned())?;
        let impersonation = document.service_account_impersonation_url.iter();
        for address in impersonation.chain([&document.token_url]) {
            url::secure(address).ok_or("its addresses must be https ones")?;
        }
        Ok(Self {
            document,
            scope: scope.to_owned(),
        })
    }

    pub(super) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let token = self.exchange(world).await?;
        match (
            &self.document.service_account_impersonation_url,
            token.value,
        ) {
            (Some(address), Value::Bearer(federated)) => {
                self.impersonate(world, address, &federated).await
            }
            (_, value) => Ok(Token { value, ..token }),
        }
    }

    async fn exchange(&self, world: &World) -> Result<Token, Problem> {
        let subject = self.subject().await?;
        let document = &self.document;
        // The token of the pool itself is only used to become the service account.
        let scope = match document.service_account_impersonation_url {
            Some(_) => CLOUD_PLATFORM,
            None => &self.scope,
        };
        let fields = [
            ("grant_type", TOKEN_EXCHANGE),
            ("audience", &document.audience),
            ("scope", scope),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token_type", &document.subject_token_type),
            ("subject_token", subject.expose()),
        ];
        let asked = world.clock.now();
        let response = exchange(world, Request::form(&document.token_url, &fields)).await?;
        let server = url::server(&document.token_url);
        if response.status == 200 {
            return oauth::granted(server, &response, asked);
        }
        let refusal = oauth::refusal(&response.body);
        let mend = "the provider of the pool must name the cluster's issuer and the token's audience, and its condition must hold";
        Err(oauth::refused(
            server,
            &response,
            &refusal,
            &[&subject],
            mend,
        ))
    }

    /// The token that is exchanged.
    async fn subject(&self) -> Result<Secret, Problem> {
        let source = &self.document.credential_source;
        let text = files::read(&source.file, NAMED_BY).await?;
        if source.format.r#type.as_deref() != Some("json") {
            return Ok(text);
        }
        let name = source.format.subject_token_field_name.as_deref();
        let json = serde_json::from_str::<Json>(text.expose()).ok();
        let member = json.as_ref().and_then(|json| json.get(name?)?.as_str());
        member.map(Secret::new).ok_or_else(|| Problem::Document {
            path: source.file.display().to_string(),
            reason: "it has not the member that subject_token_field_name names".to_owned(),
        })
    }

    async fn impersonate(
        &self,
        world: &World,
        address: &str,
        federated: &Secret,
    ) -> Result<Token, Problem> {
        let body = json!({"scope": [self.scope], "lifetime": "3600s"}).to_string();
        let bearer = Secret::new(format!("Bearer {}", federated.expose()));
        let request = Request::post(address, "application/json", body);
        let response = exchange(world, request.with("authorization", bearer)).await?;
        let server = url::server(address);
        if response.status == 200 {
            return impersonated(server, &response);
        }
        let refusal = oauth::refusal(&response.body);
        let mend = "let the identity of the pool act as the service account (roles/iam.workloadIdentityUser)";
        Err(oauth::refused(
            server,
            &response,
            &refusal,
            &[federated],
            mend,
        ))
    }
}

fn impersonated(server: &str, response: &Response) -> Result<Token, Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Impersonated {
        access_token: String,
        expire_time: Timestamp,
    }
    let answer: Impersonated =
        serde_json::from_slice(&response.body).map_err(|_| Problem::Malformed {
            server: server.to_owned(),
            what: "an answer without accessToken and expireTime",
        })?;
    let expires = SystemTime::from(answer.expire_time);
    oauth::bearer(server, answer.access_token, Some(expires))
}
