//! What gateways are asked on their admin ports: with the token, directly, and with a bound on how long an answer may take and be.

use std::time::Duration;

use fairlead_snapshot::names;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use crate::args::Args;
use crate::watch::resource::Endpoint;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);
/// How long an answer may be, in bytes: many times what a gateway says.
const LONGEST: usize = 4 * 1024 * 1024;

/// A question that was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody answered, or it was refused. Without the address, which the message about it names.
    #[error(transparent)]
    Http(reqwest::Error),
    /// It is no answer.
    #[error("cannot understand what it says")]
    Json(#[from] serde_json::Error),
    /// It did not end.
    #[error("the answer is over {LONGEST} bytes")]
    TooLong,
}

impl From<reqwest::Error> for AskError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// Asks gateways.
#[derive(Clone)]
pub(crate) struct Gateways {
    args: Args,
    client: Client,
    http: reqwest::Client,
    token: Option<String>,
}

impl Gateways {
    /// One that has no token yet.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn new(args: &Args, client: &Client) -> reqwest::Result<Self> {
        Ok(Self {
            args: args.clone(),
            client: client.clone(),
            // Pods are asked directly, whatever proxy the environment names.
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(ANSWER)
                .build()?,
            token: None,
        })
    }

    /// Reads the token, if it is not known.
    pub(crate) async fn prepare(&mut self) {
        if self.token.is_none() {
            self.token = self.read_token().await;
        }
    }

    /// What a gateway says under this path, which begins with a slash.
    ///
    /// # Errors
    /// It does not say it in time, or something else than was expected.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<T, AskError> {
        let host = if endpoint.address.contains(':') {
            format!("[{}]", endpoint.address)
        } else {
            endpoint.address.clone()
        };
        let url = format!("http://{host}:{}{path}", self.args.gateway_admin_port);
        let token = self.token.as_deref().unwrap_or_default();
        let answer = self.http.get(url).bearer_auth(token).send().await?;
        let mut answer = answer.error_for_status()?;
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            text.extend_from_slice(&piece);
            if text.len() > LONGEST {
                return Err(AskError::TooLong);
            }
        }
        Ok(serde_json::from_slice(&text)?)
    }

    /// Takes an error in: a gateway that does not know the token has another, which is read before the next question.
    pub(crate) fn failed(&mut self, error: &AskError) {
        if matches!(error, AskError::Http(error) if error.status() == Some(reqwest::StatusCode::UNAUTHORIZED))
        {
            self.token = None;
        }
    }

    async fn read_token(&self) -> Option<String> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.args.namespace);
        let name = names::admin(&self.args.gateway_name);
        let token = api
            .get_opt(&name)
            .await
            .ok()??
            .data?
            .remove(names::TOKEN_KEY)?;
        String::from_utf8(token.0).ok()
    }
}
