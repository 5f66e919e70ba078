//! Apply: credentials, then shards, then the index that names them.
//!
//! In this order a reader that has the index finds everything it names. The index is replaced with the version it replaces, so a leader that
//! was deposed without noticing cannot overwrite what its successor wrote. Nothing is deleted here: see [`crate::tidy`].

use std::collections::{BTreeMap, BTreeSet};

use fairlead_compile::Credentials;
use fairlead_snapshot::{Index, Publication, Shard, names};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::generate::random_value;

/// How many shards are written at once.
const AT_ONCE: usize = 4;

/// Where an installation publishes.
#[derive(Clone)]
pub struct Publisher {
    /// Speaks to the API server.
    pub client: Client,
    /// The namespace of the gateways.
    pub namespace: String,
    /// The installation.
    pub gateway_name: String,
}

/// A publication that did not come about, or not wholly; what was live before still is.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Someone else wrote the index meanwhile.
    #[error("the index was changed by someone else")]
    Overtaken,
    /// The credentials cannot be written.
    #[error("cannot write the credentials")]
    Credentials(#[source] kube::Error),
    /// A shard cannot be written.
    #[error("cannot write the shard {0}")]
    Shard(String, #[source] kube::Error),
    /// The index cannot be written.
    #[error("cannot write the index")]
    Index(#[source] kube::Error),
    /// No admin token can be made.
    #[error("the system gives no random numbers")]
    Random,
    /// None in practice.
    #[error("the index cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Publisher {
    /// Makes sure that the Secret holds these values and an admin token. What it holds beside them stays: gateways may not have moved yet.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub async fn credentials(&self, credentials: &Credentials) -> Result<(), ApplyError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::credentials(&self.gateway_name);
        let found = api.get_opt(&name).await.map_err(ApplyError::Credentials)?;
        let is_new = found.is_none();
        let mut secret = found.unwrap_or_else(|| Secret {
            metadata: self.metadata(name.clone(), names::PART_CREDENTIALS),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        });
        let data = secret.data.get_or_insert_default();
        let before = data.len();
        if !data.contains_key(names::ADMIN_TOKEN_KEY) {
            let token = random_value("").map_err(|_| ApplyError::Random)?;
            data.insert(
                names::ADMIN_TOKEN_KEY.to_owned(),
                ByteString(token.into_bytes()),
            );
        }
        for (id, value) in credentials.iter() {
            // An id names its value, so what is there under it is the same.
            data.entry(id.to_string())
                .or_insert_with(|| ByteString(value.expose().to_vec()));
        }
        let changed = data.len() != before;
        let written = if is_new {
            api.create(&PostParams::default(), &secret).await
        } else if changed {
            api.replace(&name, &PostParams::default(), &secret).await
        } else {
            return Ok(());
        };
        written.map(drop).map_err(ApplyError::Credentials)
    }

    /// Writes the shards that are not there yet. Returns how many those were.
    ///
    /// # Errors
    /// One cannot be written.
    pub async fn shards(
        &self,
        publication: &Publication,
        there: &BTreeSet<String>,
    ) -> Result<usize, ApplyError> {
        let missing: Vec<(String, &Shard)> = publication
            .shards
            .iter()
            .map(|shard| (self.shard_name(shard), shard))
            .filter(|(name, _)| !there.contains(name))
            .collect();
        let count = missing.len();
        let write: Vec<_> = missing
            .into_iter()
            .map(|(name, shard)| self.shard(name, shard))
            .collect();
        stream::iter(write)
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(count)
    }

    /// The ConfigMap of a shard.
    #[must_use]
    pub fn shard_name(&self, shard: &Shard) -> String {
        names::shard(&self.gateway_name, shard.section, &shard.digest)
    }

    async fn shard(&self, name: String, shard: &Shard) -> Result<(), ApplyError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let map = ConfigMap {
            metadata: self.metadata(name.clone(), names::PART_SHARD),
            data: Some(BTreeMap::from([(
                names::SHARD_KEY.to_owned(),
                shard.text.clone(),
            )])),
            immutable: Some(true),
            ..ConfigMap::default()
        };
        match api.create(&PostParams::default(), &map).await {
            Ok(_) => Ok(()),
            // Its name says what it holds.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(ApplyError::Shard(name, error)),
        }
    }

    /// Writes the index. `replaces`: the version of the one it replaces. Returns its own version.
    ///
    /// # Errors
    /// It was changed by someone else, or cannot be written.
    pub async fn index(&self, index: &Index, replaces: Option<&str>) -> Result<String, ApplyError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::index(&self.gateway_name);
        let mut map = ConfigMap {
            metadata: self.metadata(name.clone(), names::PART_INDEX),
            data: Some(BTreeMap::from([(
                names::INDEX_KEY.to_owned(),
                index.text()?,
            )])),
            ..ConfigMap::default()
        };
        map.metadata.resource_version = replaces.map(str::to_owned);
        let written = match replaces {
            Some(_) => api.replace(&name, &PostParams::default(), &map).await,
            None => api.create(&PostParams::default(), &map).await,
        };
        match written {
            Ok(map) => Ok(map.metadata.resource_version.unwrap_or_default()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
                Err(ApplyError::Overtaken)
            }
            Err(error) => Err(ApplyError::Index(error)),
        }
    }

    fn metadata(&self, name: String, part: &str) -> ObjectMeta {
        let labels = [
            (names::GATEWAY_LABEL, self.gateway_name.as_str()),
            (names::PART_LABEL, part),
            ("app.kubernetes.io/managed-by", "fairlead-operator"),
        ];
        ObjectMeta {
            name: Some(name),
            labels: Some(
                labels
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
            ..ObjectMeta::default()
        }
    }
}
