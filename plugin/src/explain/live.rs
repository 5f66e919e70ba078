//! The configuration that gateways enforce, as the operator publishes it: the index and its shards, which hold no secrets.

use std::sync::Arc;

use fairlead_snapshot::{Digest, Index, IndexError, Part, Parts, Section, Snapshot, names};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use crate::args::Place;
use crate::error::{Error, Need};
use crate::session::Session;

/// How often the index is read anew because a shard of it has gone meanwhile.
const READINGS: u32 = 3;

/// The live generation and all of it.
///
/// # Errors
/// The user may not read it, it is not there, or it is of another version.
pub(super) async fn snapshot(session: &Session, place: &Place) -> Result<(u64, Snapshot), Error> {
    let maps: Api<ConfigMap> = Api::namespaced(session.client.clone(), &place.gateway_namespace);
    let mut readings = 0;
    loop {
        readings += 1;
        match read(&maps, place).await {
            Ok(found) => return Ok(found),
            Err(Failure::Index(IndexError::Missing { .. })) if readings < READINGS => {}
            Err(Failure::Index(error)) => {
                return Err(Error::Other(format!(
                    "the published configuration: {error}"
                )));
            }
            Err(Failure::Told(error)) => return Err(error),
        }
    }
}

enum Failure {
    Index(IndexError),
    Told(Error),
}

async fn read(maps: &Api<ConfigMap>, place: &Place) -> Result<(u64, Snapshot), Failure> {
    let name = names::index(&place.gateway_name);
    let text = text(maps, place, &name, names::INDEX_KEY)
        .await
        .map_err(Failure::Told)?;
    let text = text.ok_or_else(|| {
        let namespace = &place.gateway_namespace;
        Failure::Told(Error::Other(format!(
            "nothing is published as {name} in the namespace {namespace}; is it another --gateway-namespace or --gateway-name?"
        )))
    })?;
    let index = Index::read(&text).map_err(Failure::Index)?;
    let parts: Parts = try_join_all(
        index
            .named()
            .map(|(section, digest)| shard(maps, place, section, digest)),
    )
    .await?
    .into_iter()
    .collect();
    let snapshot = index.join(&parts).map_err(Failure::Index)?;
    Ok((index.generation, snapshot))
}

async fn shard(
    maps: &Api<ConfigMap>,
    place: &Place,
    section: Section,
    digest: &Digest,
) -> Result<((Section, Digest), Arc<Part>), Failure> {
    let name = names::shard(&place.gateway_name, section, digest);
    let found = text(maps, place, &name, names::SHARD_KEY).await;
    let found = found.map_err(Failure::Told)?.ok_or_else(|| {
        Failure::Index(IndexError::Missing {
            section,
            digest: digest.clone(),
        })
    })?;
    let part = Part::read(section, digest, &found)
        .map_err(|error| Failure::Told(Error::Other(format!("the ConfigMap {name}: {error}"))))?;
    Ok(((section, digest.clone()), Arc::new(part)))
}

async fn text(
    maps: &Api<ConfigMap>,
    place: &Place,
    name: &str,
    key: &str,
) -> Result<Option<String>, Error> {
    let map = maps.get_opt(name).await.map_err(|error| {
        let need = Need::new("get", "configmaps", Some(&place.gateway_namespace));
        need.failed("reading what gateways enforce", &error)
    })?;
    Ok(map.and_then(|map| map.data?.remove(key)))
}
