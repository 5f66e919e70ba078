//! The password of the Valkey that the chart installs: made here, in a Secret that both sides mount, so that no chart has to make or keep it.
//!
//! Beside the password stands what Valkey knows of it: a list of users (`aclfile`) with its SHA-256 and that of the password before. So whoever
//! takes the password out has another within half a minute, and while one side has the new one and the other does not yet, both are good.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use fairlead_process::{NoRandomness, random_value};
use fairlead_snapshot::{Digest, names};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;

use crate::apply::Publisher;
use crate::token::TokenError;

/// The key of the password.
const PASSWORD: &str = "password";
/// The key of the list of users.
const USERS: &str = "users.acl";
/// Nobody else is let in. The gateways' keys, and all commands but those that look at, change or empty the server; `INFO` tells which process it is.
const MAY: &str = "~fairlead/* resetchannels +@all -@admin -@dangerous +info";

type Data = BTreeMap<String, ByteString>;

impl Publisher {
    /// Makes sure that there is a password, and that the list of users has it.
    ///
    /// # Errors
    /// The Secret cannot be read or written, or the system gives no random numbers.
    pub(crate) async fn store_password(&self) -> Result<(), TokenError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::store(&self.gateway_name);
        let found = api.get_opt(&name).await?;
        let is_new = found.is_none();
        let mut secret = found.unwrap_or_else(|| Secret {
            metadata: self.metadata(name.clone(), names::PART_STORE),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        });
        let fresh = || random_value("");
        if !complete(secret.data.get_or_insert_default(), fresh).map_err(|_| TokenError::Random)? {
            return Ok(());
        }
        if is_new {
            api.create(&PostParams::default(), &secret).await?;
        } else {
            api.replace(&name, &PostParams::default(), &secret).await?;
        }
        Ok(())
    }
}

/// Completes what the Secret holds. Whether anything was missing.
fn complete(
    data: &mut Data,
    fresh: impl FnOnce() -> Result<String, NoRandomness>,
) -> Result<bool, NoRandomness> {
    let password = match data.get(PASSWORD) {
        Some(password) if !password.0.is_empty() => password.0.clone(),
        _ => fresh()?.into_bytes(),
    };
    let known = data.get(USERS).map(hashes).unwrap_or_default();
    let hash = Digest::of_bytes(&password).to_string();
    let before = known.iter().find(|known| **known != hash);
    // The one before stays known until there is another.
    let both = [Some(&hash), before];
    let users = ByteString(users(both.into_iter().flatten()).into_bytes());
    let password = ByteString(password);
    let complete = data.get(PASSWORD) == Some(&password) && data.get(USERS) == Some(&users);
    data.insert(PASSWORD.to_owned(), password);
    data.insert(USERS.to_owned(), users);
    Ok(!complete)
}

fn users<'h>(hashes: impl Iterator<Item = &'h String>) -> String {
    let hashes: String = hashes.map(|hash| format!("#{hash} ")).collect();
    let user = names::STORE_USER;
    format!("user default off\nuser {user} on {hashes}{MAY}\n")
}

/// The hashes in a list of users, in its order.
fn hashes(users: &ByteString) -> Vec<String> {
    let text = String::from_utf8_lossy(&users.0);
    let hashes = text
        .split_whitespace()
        .filter_map(|word| word.strip_prefix('#'));
    hashes.map(str::to_owned).collect()
}
