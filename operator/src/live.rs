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
pub(crate) struct Live {
    /// The index, and the version of the ConfigMap in which it stands; `None`: there is none.
    pub index: Option<(Index, String)>,
    /// The snapshot it makes.
    pub snapshot: Option<Arc<Snapshot>>,
    /// No generation up to this one may be used again.
    pub generation: u64,
    /// What is there and cannot be read.
    pub lost: Option<Lost>,
}

/// Something published that cannot be read. To publish over it would forget the last accepted versions that stand in it, and with them rules
/// that the platform imposes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// An operator of a newer version wrote it.
    #[error(
        "what is published has format {0}, which this operator does not read; run the version that wrote it, or a newer one"
    )]
    Newer(u32),
    /// The index says nothing.
    #[error("{0}; restore the index")]
    Index(String),
    /// The index can be read, and not all that it names.
    #[error("{0}; restore the shard")]
    Shard(String),
}

impl Lost {
    /// Whether another version of the operator could read it.
    #[must_use]
    pub(crate) fn is_newer(&self) -> bool {
        matches!(self, Self::Newer(_))
    }
}

/// What is published cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
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
    #[error("the index is empty")]
    NoIndex,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl Damage {
    fn lost(self) -> Result<Lost, LiveError> {
        Ok(match self {
            Self::Api(error) => return Err(error.into()),
            Self::Index(IndexError::Newer { found }) => Lost::Newer(found),
            Self::Index(error @ (IndexError::Unreadable(_) | IndexError::Older { .. })) => {
                Lost::Index(error.to_string())
            }
            Self::NoIndex => Lost::Index(self.to_string()),
            damage @ (Self::Index(_) | Self::Shard(_) | Self::Missing(_)) => {
                Lost::Shard(damage.to_string())
            }
        })
    }
}

impl Live {
    /// Nothing.
    #[must_use]
    pub(crate) fn nothing() -> Self {
        Self {
            index: None,
            snapshot: None,
            generation: 0,
            lost: None,
        }
    }

    /// The same, with the snapshot of `before` if this one is lost, and no generation used twice. What is remembered can be written anew; what
    /// a newer version wrote is not ours to write over.
    #[must_use]
    pub(crate) fn or(self, before: &Self) -> Self {
        let remembered = before.snapshot.is_some();
        Self {
            generation: self.generation.max(before.generation),
            snapshot: self.snapshot.or_else(|| before.snapshot.clone()),
            index: self.index,
            lost: self.lost.filter(|lost| lost.is_newer() || !remembered),
        }
    }

    /// Reads the index and every shard it names. An index that does not make a whole is still the one to be replaced, should it ever be.
    ///
    /// # Errors
    /// The API server cannot be asked; nothing may be published on such a ground.
    pub(crate) async fn read(
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
                lost: None,
            }),
            Err(damage) => Ok(Self {
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
                lost: Some(damage.lost()?),
            }),
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
    let Ok(index) = text(map, names::INDEX_KEY) else {
        return Err(Damage::NoIndex);
    };
    let index = Index::read(index)?;
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
