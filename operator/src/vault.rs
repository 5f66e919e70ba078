//! The credentials: values under their ids, spread over a fixed number of Secrets.
//!
//! Kubernetes takes no Secret above 1 MiB, so a value goes to the first part that has room, and gateways look for it in all of them. Their number is
//! fixed so that gateways can be granted them by name. What is remembered is how long the values are, not what they are.

use std::collections::{BTreeMap, BTreeSet};

use fairlead_snapshot::{
    CREDENTIAL_PART_BYTES, CREDENTIAL_PARTS, CredentialId, Credentials, SecretBytes, names,
};
use futures_util::future::try_join_all;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use tokio::time::Instant;

use crate::apply::{ApplyError, Publisher};
use crate::unread::Things;

/// What the Secrets hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vault {
    /// The length of each key with its value, by key; for each part.
    parts: [BTreeMap<String, usize>; CREDENTIAL_PARTS],
    /// Which values indexes name.
    pub things: Things,
}

/// What is to change in one part.
#[derive(Default)]
struct Change<'c> {
    add: Vec<(&'c CredentialId, &'c SecretBytes)>,
    remove: BTreeSet<String>,
}

impl Vault {
    /// What is to change so that these values are held.
    fn plan<'c>(&self, credentials: &'c Credentials) -> BTreeMap<usize, Change<'c>> {
        let mut plan: BTreeMap<usize, Change<'c>> = BTreeMap::new();
        let mut used = self
            .parts
            .each_ref()
            .map(|part| part.values().sum::<usize>());
        let missing = credentials
            .iter()
            .filter(|(id, _)| !self.things.holds(id.as_str()));
        for (id, value) in missing {
            let bytes = id.as_str().len() + value.len();
            let fits = |used: &[usize]| {
                let mut parts = used.iter();
                parts.position(|used| used + bytes <= CREDENTIAL_PART_BYTES)
            };
            let part = fits(&used).unwrap_or_else(|| {
                // What gateways that are behind may still want has to make room.
                let cleared = |part: usize| {
                    plan.get(&part)
                        .is_some_and(|change| !change.remove.is_empty())
                };
                let (part, remove) = self.most_unread(credentials, cleared);
                used[part] -= remove
                    .iter()
                    .map(|key| self.parts[part][key])
                    .sum::<usize>();
                plan.entry(part).or_default().remove = remove;
                fits(&used).unwrap_or(part)
            });
            used[part] += bytes;
            plan.entry(part).or_default().add.push((id, value));
        }
        plan
    }

    /// The part that holds most that these credentials do not name, and what that is.
    fn most_unread(
        &self,
        credentials: &Credentials,
        cleared: impl Fn(usize) -> bool,
    ) -> (usize, BTreeSet<String>) {
        let named: BTreeSet<&str> = credentials.iter().map(|(id, _)| id.as_str()).collect();
        let parts = self.parts.iter().enumerate();
        let unread = parts
            .filter(|(part, _)| !cleared(*part))
            .map(|(part, held)| {
                let keys = held
                    .keys()
                    .filter(|key| *key != names::OLD_TOKEN_KEY && !named.contains(key.as_str()));
                (part, keys.cloned().collect::<BTreeSet<String>>())
            });
        let bytes = |(part, keys): &(usize, BTreeSet<String>)| {
            keys.iter().map(|key| self.parts[*part][key]).sum::<usize>()
        };
        unread.max_by_key(bytes).unwrap_or_default()
    }

    fn ids(&self) -> BTreeSet<String> {
        let keys = self.parts.iter().flat_map(BTreeMap::keys);
        keys.filter(|key| *key != names::OLD_TOKEN_KEY)
            .cloned()
            .collect()
    }
}

impl Publisher {
    /// Reads what the Secrets hold. `live`: the ids that the live index, of this generation, names.
    ///
    /// # Errors
    /// One cannot be read.
    pub(crate) async fn look_into(
        &self,
        vault: &mut Vault,
        live: BTreeSet<String>,
        generation: u64,
    ) -> kube::Result<()> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let read = (0..CREDENTIAL_PARTS).map(|part| {
            let (api, name) = (&api, names::credentials_part(&self.gateway_name, part));
            async move { api.get_opt(&name).await }
        });
        let found = try_join_all(read).await?;
        for (held, secret) in vault.parts.iter_mut().zip(&found) {
            *held = secret.as_ref().map(lengths).unwrap_or_default();
        }
        let there = vault.ids();
        vault.things.seen(there, live, generation, Instant::now());
        Ok(())
    }

    /// Makes sure that the Secrets hold these values. What they hold beside them stays if there is room: gateways may not have moved yet. `generation`: of the live index.
    ///
    /// # Errors
    /// One cannot be read or written.
    pub(crate) async fn keep(
        &self,
        vault: &mut Vault,
        credentials: &Credentials,
        generation: u64,
    ) -> Result<(), ApplyError> {
        for (part, change) in vault.plan(credentials) {
            self.change(vault, part, &change).await?;
            for id in &change.remove {
                vault.things.gone(id);
            }
            for (id, _) in &change.add {
                let now = Instant::now();
                vault.things.wrote(id.to_string(), generation, now);
            }
        }
        Ok(())
    }

    /// Takes values out that nobody wants any more.
    ///
    /// # Errors
    /// A Secret cannot be read or written.
    pub(crate) async fn forget(&self, vault: &mut Vault, ids: &[String]) -> Result<(), ApplyError> {
        for part in 0..CREDENTIAL_PARTS {
            let held = |id: &&String| vault.parts[part].contains_key(*id);
            let remove: BTreeSet<String> = ids.iter().filter(held).cloned().collect();
            if remove.is_empty() {
                continue;
            }
            let change = Change {
                add: Vec::new(),
                remove,
            };
            self.change(vault, part, &change).await?;
            for id in &change.remove {
                vault.things.gone(id);
            }
        }
        Ok(())
    }

    async fn change(
        &self,
        vault: &mut Vault,
        part: usize,
        change: &Change<'_>,
    ) -> Result<(), ApplyError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::credentials_part(&self.gateway_name, part);
        let found = api.get_opt(&name).await.map_err(ApplyError::Credentials)?;
        let is_new = found.is_none();
        let mut secret = found.unwrap_or_else(|| Secret {
            metadata: self.metadata(name.clone(), names::PART_CREDENTIALS),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        });
        let data = secret.data.get_or_insert_default();
        data.retain(|key, _| !change.remove.contains(key));
        for (id, value) in &change.add {
            // An id names its value, so what is there under it is the same.
            data.entry(id.to_string())
                .or_insert_with(|| ByteString(value.expose().to_vec()));
        }
        let held = lengths(&secret);
        let parameters = PostParams::default();
        // The version that was read goes along, so nobody's change is lost.
        let written = if is_new {
            api.create(&parameters, &secret).await
        } else {
            api.replace(&name, &parameters, &secret).await
        };
        written.map_err(ApplyError::Credentials)?;
        vault.parts[part] = held;
        Ok(())
    }
}

fn lengths(secret: &Secret) -> BTreeMap<String, usize> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), key.len() + value.0.len()))
        .collect()
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::{CREDENTIALS_BYTES, Digest};

    use super::*;

    fn values(from: usize, count: usize, bytes: usize) -> Credentials {
        let value = |at| (Digest::of(&at), SecretBytes::new(vec![b'x'; bytes]));
        (from..from + count).map(value).collect()
    }

    /// What a plan makes of a vault.
    fn carry_out(vault: &mut Vault, credentials: &Credentials) {
        let plan = vault.plan(credentials);
        for (part, change) in plan {
            for key in &change.remove {
                vault.parts[part].remove(key);
                vault.things.gone(key);
            }
            for (id, value) in change.add {
                let bytes = id.as_str().len() + value.len();
                vault.parts[part].insert(id.to_string(), bytes);
                vault.things.wrote(id.to_string(), 1, Instant::now());
            }
            assert!(vault.parts[part].values().sum::<usize>() <= CREDENTIAL_PART_BYTES);
        }
        assert!(
            credentials
                .iter()
                .all(|(id, _)| vault.things.holds(id.as_str()))
        );
    }

    #[test]
    fn values_are_spread_over_parts_none_of_which_is_too_large() {
        let mut vault = Vault::default();
        carry_out(&mut vault, &values(0, 1, 100));
        assert!(!vault.parts[0].is_empty() && vault.parts[1].is_empty());
        carry_out(&mut vault, &values(0, 600, 8_000));
        assert!(!vault.parts[4].is_empty());
    }

    #[test]
    fn all_that_may_be_named_finds_room_again_and_again_beside_what_nobody_names_any_more() {
        let mut vault = Vault::default();
        let most = CREDENTIALS_BYTES / (8 * 1024 + 64);
        for round in 0..5 {
            carry_out(&mut vault, &values(round * most, most, 8 * 1024));
        }
    }
}
