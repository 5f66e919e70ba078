//! Tidy: take away what nobody can want any more.
//!
//! What that is says [`crate::unread`]; here it is listed and deleted, a little at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use fairlead_snapshot::names;
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use tokio::time::{Instant, timeout_at};

use crate::apply::Publisher;
use crate::unread::Things;

/// How many shards are deleted at once.
const AT_ONCE: usize = 8;
/// How long one round of deletions may keep edits waiting.
const LONGEST: Duration = Duration::from_secs(1);

impl Publisher {
    /// The names of the shards there are.
    ///
    /// # Errors
    /// They cannot be listed.
    pub(crate) async fn list_shards(&self) -> kube::Result<BTreeSet<String>> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let labels = format!(
            "{}={},{}={}",
            names::GATEWAY_LABEL,
            self.gateway_name,
            names::PART_LABEL,
            names::PART_SHARD
        );
        let found = api
            .list_metadata(&ListParams::default().labels(&labels))
            .await?;
        Ok(found.iter().map(ResourceExt::name_any).collect())
    }

    /// Whether the index is still the one of this version.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn is_live(&self, version: &str) -> kube::Result<bool> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let found = api
            .get_metadata_opt(&names::index(&self.gateway_name))
            .await?;
        Ok(found.is_some_and(|found| found.metadata.resource_version.as_deref() == Some(version)))
    }

    /// Deletes shards, as many as can be in a short time. Returns how many those were.
    ///
    /// # Errors
    /// One cannot be deleted; others may have been.
    pub(crate) async fn delete_shards(
        &self,
        shards: &[String],
        things: &mut Things,
    ) -> kube::Result<u64> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let (end, mut deleted) = (Instant::now() + LONGEST, 0);
        for some in shards.chunks(AT_ONCE) {
            // First, for a deletion may be carried out although its answer never comes. One that was not is found by the next listing.
            some.iter().for_each(|name| things.gone(name));
            let delete = try_join_all(some.iter().map(|name| delete(&api, name)));
            let Ok(outcome) = timeout_at(end, delete).await else {
                break;
            };
            deleted += u64::try_from(outcome?.len()).unwrap_or_default();
        }
        Ok(deleted)
    }
}

async fn delete(api: &Api<ConfigMap>, name: &str) -> kube::Result<()> {
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}
