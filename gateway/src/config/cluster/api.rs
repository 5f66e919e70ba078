//! What the gateway asks the API server for: the index, the parts of the credentials and the admin port's token by name, and shards by their digest.
//! It may see nothing else.
//!
//! Every answer has to come in time. No error says what an answer held, for it may have held a secret.

use std::sync::Arc;
use std::time::Duration;

use fairlead_snapshot::{Digest, Section, names};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::config::InferConfigError;
use kube::runtime::watcher;
use kube::{Client, Config};

use super::known::Known;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a watch lasts before it is begun anew. A connection that died without a word is noticed after that, so edits are never later
/// than this.
const WATCH: Duration = Duration::from_secs(60);
/// How long a connection to the API server may be silent: a little more than a watch on which nothing happens.
const SILENCE: Duration = Duration::from_secs(70);

/// Whose configuration is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    /// Its name: `gatewayName` of the chart.
    pub name: String,
    /// The namespace of the gateway, and of everything that the operator publishes.
    pub namespace: String,
}

/// The API server, as far as the gateway sees it.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) maps: kube::Api<ConfigMap>,
    pub(super) secrets: kube::Api<Secret>,
    pub(super) installation: Arc<Installation>,
}

/// There is no API server to ask.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Neither a pod nor a kubeconfig.
    #[error(
        "--kubernetes needs the service account of a pod, or a kubeconfig (KUBECONFIG or ~/.kube/config): {0}"
    )]
    NoConfig(#[from] InferConfigError),
    /// What is configured cannot be used, such as a certificate that does not parse.
    #[error("the API server's address, certificate or token cannot be used: {}", why(.0))]
    Unusable(#[from] kube::Error),
}

/// An answer that did not come, or was none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {what}: {why}")]
pub(super) struct ApiError {
    /// What was asked for.
    what: String,
    why: String,
}

impl Api {
    /// Finds the API server; asks it nothing yet.
    pub(super) async fn connect(installation: Installation) -> Result<Self, ConnectError> {
        let mut config = Config::infer().await?;
        config.connect_timeout = Some(ANSWER);
        config.read_timeout = Some(SILENCE);
        config.reset_reader_on_write = true;
        // Whoever asks does so again later, and shows meanwhile what is wrong.
        config.default_retry = false;
        let client = Client::try_from(config)?;
        Ok(Self {
            maps: kube::Api::namespaced(client.clone(), &installation.namespace),
            secrets: kube::Api::namespaced(client, &installation.namespace),
            installation: Arc::new(installation),
        })
    }

    /// The name of the index.
    pub(super) fn index_name(&self) -> String {
        names::index(&self.installation.name)
    }

    /// The name of the credentials.
    pub(super) fn credentials_name(&self) -> String {
        names::credentials(&self.installation.name)
    }

    /// The name of the admin port's token.
    pub(super) fn admin_name(&self) -> String {
        names::admin(&self.installation.name)
    }

    /// The index; `None`: there is none.
    pub(super) async fn index(&self) -> Result<Option<ConfigMap>, ApiError> {
        let name = self.index_name();
        in_time("ConfigMap", &name, self.maps.get_opt(&name)).await
    }

    /// The text of a shard; `None`: it is not there, or not any more.
    pub(super) async fn shard(
        &self,
        section: Section,
        digest: &Digest,
    ) -> Result<Option<String>, ApiError> {
        let name = names::shard(&self.installation.name, section, digest);
        let map = in_time("ConfigMap", &name, self.maps.get_opt(&name)).await?;
        // A shard without its text is as wrong as one with another text, and found out in the same place.
        Ok(map.map(|map| text(map, names::SHARD_KEY).unwrap_or_default()))
    }

    /// One part of the credentials, counted from 0; `None`: there is no such Secret.
    pub(super) async fn credentials(&self, part: usize) -> Result<Option<Known>, ApiError> {
        let name = names::credentials_part(&self.installation.name, part);
        let secret = in_time("Secret", &name, self.secrets.get_opt(&name)).await?;
        Ok(secret.map(Known::of))
    }
}

/// The text at a key of a ConfigMap.
pub(super) fn text(map: ConfigMap, key: &str) -> Option<String> {
    map.data?.remove(key)
}

/// One object, and how it is watched.
pub(super) fn by_name(name: &str) -> watcher::Config {
    watcher::Config::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX))
}

async fn in_time<T>(
    kind: &str,
    name: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, ApiError> {
    let answer = tokio::time::timeout(ANSWER, answer).await;
    let failed = |why| ApiError {
        what: format!("the {kind} {name}"),
        why,
    };
    match answer {
        Ok(answer) => answer.map_err(|error| failed(why(&error))),
        Err(_) => Err(failed(format!(
            "the API server has not answered within {} s",
            ANSWER.as_secs()
        ))),
    }
}

/// What went wrong, in words that hold nothing of an answer's content.
pub(super) fn why(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return refused(status.code, &status.message);
    }
    if matches!(error, kube::Error::SerdeError(_) | kube::Error::FromUtf8(_)) {
        return "the answer is not what an API server sends".to_owned();
    }
    let mut why = String::from("the API server cannot be reached");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let text = error.to_string();
        if !why.contains(&text) {
            why.push_str(": ");
            why.push_str(&text);
        }
        source = error.source();
    }
    why
}

/// What went wrong with a watch.
pub(super) fn why_not_watched(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => why(error),
        watcher::Error::WatchError(status) => refused(status.code, &status.message),
        watcher::Error::NoResourceVersion => {
            "the answer is not what an API server sends".to_owned()
        }
    }
}

fn refused(code: u16, message: &str) -> String {
    match code {
        401 => "the API server does not know this gateway (401); see to its ServiceAccount and the token mounted from it".to_owned(),
        403 => format!("{message} (403); the Role of the gateway must allow it"),
        _ => format!("the API server says: {message} ({code})"),
    }
}
