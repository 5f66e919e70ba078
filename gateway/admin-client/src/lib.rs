//! What gateways are asked on their admin ports: with the token, directly, and with a bound on how long an answer may take and be.

mod endpoint;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use fairlead_snapshot::{SecretBytes, names};
use futures_util::stream::{self, Stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

pub use endpoint::{Endpoint, endpoints};

/// How long an answer may take, and how long a connection.
const ANSWER: Duration = Duration::from_secs(2);
/// How long an answer may be, in bytes: many times what a gateway says.
const LONGEST: usize = 4 * 1024 * 1024;
/// How long a line may be, in bytes.
const LINE: usize = 256 * 1024;
/// How long lines may be silent: three times what a gateway lets pass before it says that it is still there.
const SILENCE: Duration = Duration::from_secs(45);

/// A question that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answered, or it was refused. Without the address, which the message about it names.
    #[error(transparent)]
    Http(reqwest::Error),
    /// It is no answer.
    #[error("cannot understand what it says")]
    Json(#[from] serde_json::Error),
    /// It did not end.
    #[error("the answer is over {0} bytes")]
    TooLong(usize),
}

impl From<reqwest::Error> for AskError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// Asks gateways. Clones share what is known of the token.
#[derive(Clone)]
pub struct AdminClient {
    secrets: Api<Secret>,
    /// The Secret of the token.
    secret: String,
    port: u16,
    /// For questions that are answered at once.
    http: reqwest::Client,
    /// For those whose answers have no end.
    lines: reqwest::Client,
    token: Arc<Mutex<Option<SecretBytes>>>,
}

impl std::fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminClient")
            .field("secret", &self.secret)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl AdminClient {
    /// One of the gateways of an installation; it has no token yet.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(
        client: &Client,
        namespace: &str,
        gateway_name: &str,
        port: u16,
    ) -> reqwest::Result<Self> {
        // Pods are asked directly, whatever proxy the environment names.
        let http = || reqwest::Client::builder().no_proxy();
        Ok(Self {
            secrets: Api::namespaced(client.clone(), namespace),
            secret: names::admin(gateway_name),
            port,
            http: http().timeout(ANSWER).build()?,
            lines: http()
                .connect_timeout(ANSWER)
                .read_timeout(SILENCE)
                .build()?,
            token: Arc::default(),
        })
    }

    /// Reads the token, if it is not known: before each round of questions.
    pub async fn prepare(&self) {
        let unknown = self.token.lock().is_none();
        if unknown && let Some(token) = self.read_token().await {
            *self.token.lock() = Some(token);
        }
    }

    /// What a gateway says under this path, which begins with a slash.
    ///
    /// # Errors
    /// It does not say it in time, or something else than was expected.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<T, AskError> {
        let mut answer = self.get(&self.http, endpoint, path).await?;
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            text.extend_from_slice(&piece);
            if text.len() > LONGEST {
                return Err(AskError::TooLong(LONGEST));
            }
        }
        Ok(serde_json::from_slice(&text)?)
    }

    /// The lines of an answer that has no end, without those that are empty. It ends where the gateway ends it, and after the first error.
    ///
    /// # Errors
    /// It does not begin: nobody answers, or it is refused.
    pub async fn lines(
        &self,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, AskError>> + Send + use<>, AskError> {
        let lines = Lines {
            answer: Some(self.get(&self.lines, endpoint, path).await?),
            read: BytesMut::new(),
        };
        Ok(stream::unfold(lines, |mut lines| async move {
            let next = lines.next().await.transpose()?;
            if next.is_err() {
                lines.answer = None;
                lines.read.clear();
            }
            Some((next, lines))
        }))
    }

    async fn get(
        &self,
        http: &reqwest::Client,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<reqwest::Response, AskError> {
        let host = if endpoint.address.contains(':') {
            format!("[{}]", endpoint.address)
        } else {
            endpoint.address.clone()
        };
        let url = format!("http://{host}:{}{path}", self.port);
        let token = self.token.lock().clone();
        let text = token.as_ref().map(SecretBytes::expose).unwrap_or_default();
        let asked = http.get(url).bearer_auth(String::from_utf8_lossy(text));
        let answer = asked.send().await?;
        // A gateway that does not know the token has another, which is read before the next question.
        if answer.status() == reqwest::StatusCode::UNAUTHORIZED {
            let mut known = self.token.lock();
            if *known == token {
                *known = None;
            }
        }
        Ok(answer.error_for_status()?)
    }

    async fn read_token(&self) -> Option<SecretBytes> {
        let secret = self.secrets.get_opt(&self.secret).await.ok()??;
        let token = secret.data?.remove(names::TOKEN_KEY)?;
        Some(SecretBytes::new(token.0))
    }
}

struct Lines {
    /// `None`: it has ended.
    answer: Option<reqwest::Response>,
    read: BytesMut,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, AskError> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end).freeze();
                self.read.advance(1);
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.read.len() > LINE {
                return Err(AskError::TooLong(LINE));
            }
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            match answer.chunk().await? {
                Some(piece) => self.read.extend_from_slice(&piece),
                // What is left is no whole line.
                None => self.answer = None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
