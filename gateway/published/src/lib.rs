//! The configuration that gateways enforce, as the operator publishes it: the index and its shards, which hold no secrets. For whoever looks and
//! serves nothing: `kubectl fairlead` and the console.

use std::sync::Arc;

use fairlead_snapshot::{
    Digest, Index, IndexError, Part, Parts, Section, ShardError, Snapshot, names,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

/// How often the index is read anew because a shard of it has gone meanwhile.
const READINGS: u32 = 3;
/// How many shards are asked for at a time.
const AT_A_TIME: usize = 16;

/// Why it is not known what gateways enforce.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The API server does not say; the user may not read it, for one.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// Nothing is published under this name.
    #[error("there is no ConfigMap {0}, which the operator makes")]
    Absent(String),
    /// The index cannot be used, or a shard of it stays missing.
    #[error("the published configuration: {0}")]
    Index(#[from] IndexError),
    /// A shard is not what the index names.
    #[error("the ConfigMap {0}: {1}")]
    Shard(String, ShardError),
}

/// Shards that were read before: they never change, so that of a new generation only what is new is fetched.
#[derive(Debug, Clone, Default)]
pub struct Shards(Parts);

/// The live generation and all of it.
///
/// # Errors
/// It cannot be read, is not there, or is of another version.
pub async fn read(maps: &Api<ConfigMap>, gateway_name: &str) -> Result<(u64, Snapshot), ReadError> {
    Shards::default().read(maps, gateway_name).await
}

impl Shards {
    /// The same, of which shards that are known are not fetched again; afterwards those of the live index are known, and no others.
    ///
    /// # Errors
    /// As of [`read`].
    pub async fn read(
        &mut self,
        maps: &Api<ConfigMap>,
        gateway_name: &str,
    ) -> Result<(u64, Snapshot), ReadError> {
        let mut readings = 0;
        loop {
            readings += 1;
            match self.once(maps, gateway_name).await {
                Err(ReadError::Index(IndexError::Missing { .. })) if readings < READINGS => {}
                found => return found,
            }
        }
    }

    async fn once(
        &mut self,
        maps: &Api<ConfigMap>,
        gateway_name: &str,
    ) -> Result<(u64, Snapshot), ReadError> {
        let name = names::index(gateway_name);
        let index = text(maps, &name, names::INDEX_KEY).await?;
        let index = Index::read(&index.ok_or(ReadError::Absent(name))?)?;
        let named: Vec<(Section, Digest)> = index
            .named()
            .map(|(section, digest)| (section, digest.clone()))
            .collect();
        let known = &self.0;
        let one = async |id: (Section, Digest)| match known.get(&id) {
            Some(part) => Ok((id, Arc::clone(part))),
            None => shard(maps, gateway_name, id).await,
        };
        let parts = stream::iter(named).map(one).buffer_unordered(AT_A_TIME);
        let parts: Parts = parts.try_collect().await?;
        let snapshot = index.join(&parts)?;
        self.0 = parts;
        Ok((index.generation, snapshot))
    }
}

async fn shard(
    maps: &Api<ConfigMap>,
    gateway_name: &str,
    (section, digest): (Section, Digest),
) -> Result<((Section, Digest), Arc<Part>), ReadError> {
    let name = names::shard(gateway_name, section, &digest);
    let Some(found) = text(maps, &name, names::SHARD_KEY).await? else {
        return Err(IndexError::Missing { section, digest }.into());
    };
    let part = Part::read(section, &digest, &found);
    let part = part.map_err(|error| ReadError::Shard(name, error))?;
    Ok(((section, digest), Arc::new(part)))
}

async fn text(maps: &Api<ConfigMap>, name: &str, key: &str) -> Result<Option<String>, kube::Error> {
    let map = maps.get_opt(name).await?;
    Ok(map.and_then(|map| map.data?.remove(key)))
}

#[cfg(test)]
mod tests;
