//! What is published now: read back at the start of each leadership, so that a new leader forgets nothing that the old one accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_snapshot::{Index, IndexError, Part, Parts, ShardError, Snapshot, names};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

/// How many shards are read at once.
const AT_ONCE: usize = 8;

/// What is published.
#[derive(Debug, Clone)]
pub struct Live {
    /// The index, and the version of the ConfigMap in which it stands; `None`: there is none.
    pub index: Option<(Index, String)>,
    /// The snapshot it makes.
    pub snapshot: Option<Arc<Snapshot>>,
    /// No generation up to this one may be used again.
    pub generation: u64,
}

/// What is published cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The API server did not answer as it should.
    #[error("cannot read what is published")]
    Api(#[from] kube::Error),
}

/// Why the live snapshot is not known although there is an index.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error("the ConfigMap {0} is missing or empty")]
    Missing(String),
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl Live {
    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            index: None,
            snapshot: None,
            generation: 0,
        }
    }

    /// The same, with the snapshot of `before` if this one is lost, and no generation used twice.
    #[must_use]
    pub fn or(self, before: &Self) -> Self {
        Self {
            generation: self.generation.max(before.generation),
            snapshot: self.snapshot.or_else(|| before.snapshot.clone()),
            index: self.index,
        }
    }

    /// Reads the index and every shard it names. An index that does not make a whole is still the one to be replaced: what it said is
    /// lost, and that is told.
    ///
    /// # Errors
    /// The API server cannot be asked; nothing may be published on such a ground.
    pub async fn read(
        client: &Client,
        namespace: &str,
        gateway_name: &str,
    ) -> Result<Self, LiveError> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let Some(map) = api.get_opt(&names::index(gateway_name)).await? else {
            return Ok(Self::nothing());
        };
        let version = map.metadata.resource_version.clone().unwrap_or_default();
        match whole(&api, gateway_name, &map).await {
            Ok((index, snapshot)) => Ok(Self {
                generation: index.generation,
                index: Some((index, version)),
                snapshot: Some(Arc::new(snapshot)),
            }),
            Err(Damage::Api(error)) => Err(error.into()),
            Err(damage) => {
                tracing::error!(error = %damage, "what is published cannot be read back: objects that are not acceptable now have no last accepted version");
                Ok(Self {
                    generation: generation(&map),
                    index: Some((
                        Index {
                            format: 0,
                            generation: generation(&map),
                            gateway_namespace: namespace.to_owned(),
                            shards: BTreeMap::new(),
                        },
                        version,
                    )),
                    snapshot: None,
                })
            }
        }
    }
}

/// The generation of an index of which nothing else may be readable.
fn generation(map: &ConfigMap) -> u64 {
    let text = map
        .data
        .as_ref()
        .and_then(|data| data.get(names::INDEX_KEY));
    text.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
        .and_then(|index| index["generation"].as_u64())
        .unwrap_or_default()
}

async fn whole(
    api: &Api<ConfigMap>,
    gateway_name: &str,
    map: &ConfigMap,
) -> Result<(Index, Snapshot), Damage> {
    let index = Index::read(text(map, names::INDEX_KEY)?)?;
    let named: BTreeMap<_, _> = index
        .named()
        .map(|(section, digest)| ((section, digest.clone()), ()))
        .collect();
    let read = named.into_keys().map(|(section, digest)| async move {
        let name = names::shard(gateway_name, section, &digest);
        let map = api.get_opt(&name).await?.ok_or(Damage::Missing(name))?;
        let part = Part::read(section, &digest, text(&map, names::SHARD_KEY)?)?;
        Ok::<_, Damage>(((section, digest), Arc::new(part)))
    });
    let read: Vec<_> = read.collect();
    let parts: Parts = stream::iter(read)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let snapshot = index.join(&parts)?;
    Ok((index, snapshot))
}

fn text<'m>(map: &'m ConfigMap, key: &str) -> Result<&'m str, Damage> {
    let text = map.data.as_ref().and_then(|data| data.get(key));
    text.map(String::as_str)
        .ok_or_else(|| Damage::Missing(map.metadata.name.clone().unwrap_or_default()))
}
