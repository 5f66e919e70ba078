//! Apply: credentials, then shards, then the index that names them.
//!
//! In this order a reader that has the index finds everything it names. The index is replaced with the version it replaces, so a leader that
//! was deposed without noticing cannot overwrite what its successor wrote. Credentials are in [`crate::vault`]; nothing is deleted here: see
//! [`crate::tidy`].

use std::collections::{BTreeMap, BTreeSet};

use fairlead_snapshot::{Index, Publication, Shard, names};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;

use crate::unread::Things;

/// How many shards are written at once.
const AT_ONCE: usize = 4;

/// Where an installation publishes.
#[derive(Clone)]
pub(crate) struct Publisher {
    /// Speaks to the API server.
    pub client: Client,
    /// The namespace of the gateways.
    pub namespace: String,
    /// The installation.
    pub gateway_name: String,
}

/// A publication that did not come about, or not wholly; what was live before still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
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
    /// None in practice.
    #[error("the index cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Publisher {
    /// Writes the shards that are not there yet. Returns how many those were. `generation`: of the live index.
    ///
    /// # Errors
    /// One cannot be written; others may have been.
    pub(crate) async fn shards(
        &self,
        publication: &Publication,
        things: &mut Things,
        generation: u64,
    ) -> Result<usize, ApplyError> {
        let missing: Vec<(String, &Shard)> = publication
            .shards
            .iter()
            .map(|shard| (self.shard_name(shard), shard))
            .filter(|(name, _)| !things.holds(name))
            .collect();
        let count = missing.len();
        let write: Vec<_> = missing
            .into_iter()
            .map(|(name, shard)| self.shard(name, shard))
            .collect();
        let mut written = stream::iter(write).buffer_unordered(AT_ONCE);
        while let Some(name) = written.try_next().await? {
            things.wrote(name, generation, Instant::now());
        }
        Ok(count)
    }

    /// The ConfigMaps of the shards that an index names.
    #[must_use]
    pub(crate) fn named(&self, index: &Index) -> BTreeSet<String> {
        let name = |(section, digest)| names::shard(&self.gateway_name, section, digest);
        index.named().map(name).collect()
    }

    /// The ConfigMap of a shard.
    #[must_use]
    pub(crate) fn shard_name(&self, shard: &Shard) -> String {
        names::shard(&self.gateway_name, shard.section, &shard.digest)
    }

    async fn shard(&self, name: String, shard: &Shard) -> Result<String, ApplyError> {
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
            Ok(_) => Ok(name),
            // Its name says what it holds.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(name),
            Err(error) => Err(ApplyError::Shard(name, error)),
        }
    }

    /// Writes the index. `replaces`: the version of the one it replaces. Returns its own version.
    ///
    /// # Errors
    /// It was changed by someone else, or cannot be written.
    pub(crate) async fn index(
        &self,
        index: &Index,
        replaces: Option<&str>,
    ) -> Result<String, ApplyError> {
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

    /// The metadata of something that is published.
    pub(crate) fn metadata(&self, name: String, part: &str) -> ObjectMeta {
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
