//! Tidy: take away what nobody reads any more, and put back what somebody took away.
//!
//! Only when every ready gateway enforces the live index, so that none can still want an older shard or credential.

use std::collections::BTreeSet;

use fairlead_snapshot::{Index, Snapshot, names};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};

use crate::apply::Publisher;

/// A shard younger than this stays: a gateway that is starting may be reading the index that named it.
const YOUNG: SignedDuration = SignedDuration::from_mins(10);

impl Publisher {
    /// The names of the shards there are, and of those that are old enough to go.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn list_shards(&self) -> kube::Result<(BTreeSet<String>, BTreeSet<String>)> {
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
        let before = Timestamp::now() - YOUNG;
        let old = |map: &&kube::core::PartialObjectMeta<ConfigMap>| {
            map.creation_timestamp()
                .is_some_and(|created| created.0 < before)
        };
        Ok((
            found.iter().map(kube::ResourceExt::name_any).collect(),
            found
                .iter()
                .filter(old)
                .map(kube::ResourceExt::name_any)
                .collect(),
        ))
    }

    /// Whether the index is still the one of this version.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn is_live(&self, version: &str) -> kube::Result<bool> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let found = api
            .get_metadata_opt(&names::index(&self.gateway_name))
            .await?;
        Ok(found.is_some_and(|found| found.metadata.resource_version.as_deref() == Some(version)))
    }

    /// Whether every shard that `index` names is among `there`.
    #[must_use]
    pub fn has_all(&self, index: &Index, there: &BTreeSet<String>) -> bool {
        index.named().all(|(section, digest)| {
            there.contains(&names::shard(&self.gateway_name, section, digest))
        })
    }

    /// Deletes the shards of `old` that `index` does not name. Returns how many those were.
    ///
    /// # Errors
    /// One cannot be deleted.
    pub async fn delete_unread(&self, index: &Index, old: &BTreeSet<String>) -> kube::Result<u64> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let named: BTreeSet<String> = index
            .named()
            .map(|(section, digest)| names::shard(&self.gateway_name, section, digest))
            .collect();
        let mut deleted = 0;
        for name in old.difference(&named) {
            match api.delete(name, &DeleteParams::default()).await {
                Ok(_) => deleted += 1,
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }

    /// Takes the values out of the credentials that `snapshot` does not name.
    ///
    /// # Errors
    /// The Secret cannot be read or written.
    pub async fn forget_credentials(&self, snapshot: &Snapshot) -> kube::Result<()> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::credentials(&self.gateway_name);
        let Some(mut secret) = api.get_opt(&name).await? else {
            return Ok(());
        };
        let named: BTreeSet<String> = snapshot
            .providers
            .values()
            .flat_map(|provider| &provider.credentials)
            .filter_map(|credential| Some(credential.value.as_ref()?.to_string()))
            .collect();
        let data = secret.data.get_or_insert_default();
        let before = data.len();
        data.retain(|key, _| key == names::ADMIN_TOKEN_KEY || named.contains(key));
        if data.len() != before {
            api.replace(&name, &PostParams::default(), &secret).await?;
        }
        Ok(())
    }
}
