//! What the objects are called through which the operator speaks to the gateways of one installation.
//!
//! The installation's name is part of every name, so several installations share a namespace and a cluster.

use crate::{Digest, Section};

/// The label on everything the operator publishes; its value is the installation's name.
pub const GATEWAY_LABEL: &str = "fairlead.dev/gateway";
/// The label that says what a published object is: [`PART_INDEX`], [`PART_SHARD`], [`PART_CREDENTIALS`],
/// [`PART_ADMIN`] or [`PART_STORE`].
pub const PART_LABEL: &str = "fairlead.dev/part";
/// Value of [`PART_LABEL`] of the index.
pub const PART_INDEX: &str = "index";
/// Value of [`PART_LABEL`] of a shard.
pub const PART_SHARD: &str = "shard";
/// Value of [`PART_LABEL`] of the credentials.
pub const PART_CREDENTIALS: &str = "credentials";
/// Value of [`PART_LABEL`] of the admin ports' token.
pub const PART_ADMIN: &str = "admin";
/// Value of [`PART_LABEL`] of the password of the store of counters.
pub const PART_STORE: &str = "store";

/// The key under which the index stands in its ConfigMap.
pub const INDEX_KEY: &str = "index.json";
/// The key under which a shard stands in its ConfigMap.
pub const SHARD_KEY: &str = "shard.json";
/// The key under which the token of the gateways' admin ports stands in its Secret.
pub const TOKEN_KEY: &str = "token";
/// The key under which that token stood in the credentials Secret before it had one of its own. Every other key there is a
/// [`CredentialId`](crate::CredentialId).
pub const OLD_TOKEN_KEY: &str = "admin-token";
/// The user as which gateways count on the store that the chart installs.
pub const STORE_USER: &str = "fairlead";

/// The ConfigMap of the index.
#[must_use]
pub fn index(gateway_name: &str) -> String {
    format!("fairlead-{gateway_name}-index")
}

/// The Secret of the credentials.
#[must_use]
pub fn credentials(gateway_name: &str) -> String {
    format!("fairlead-{gateway_name}-credentials")
}

/// One of the [`CREDENTIAL_PARTS`](crate::CREDENTIAL_PARTS) Secrets over which the credentials are spread, counted from 0: the first is the one of
/// [`credentials`]. A value stands in any of them.
#[must_use]
pub fn credentials_part(gateway_name: &str, part: usize) -> String {
    match part {
        0 => credentials(gateway_name),
        part => format!("{}-{part}", credentials(gateway_name)),
    }
}

/// The Secret of the admin ports' token: whoever is to look at a gateway need not read the providers' credentials.
#[must_use]
pub fn admin(gateway_name: &str) -> String {
    format!("fairlead-{gateway_name}-admin")
}

/// The Secret of the password of the store of counters, where the chart installs one.
#[must_use]
pub fn store(gateway_name: &str) -> String {
    format!("fairlead-{gateway_name}-store")
}

/// The ConfigMap of a shard.
#[must_use]
pub fn shard(gateway_name: &str, section: Section, digest: &Digest) -> String {
    format!("fairlead-{gateway_name}-{}-{digest}", section.as_str())
}

/// The Lease for which operators contend.
#[must_use]
pub fn lease(gateway_name: &str) -> String {
    format!("fairlead-{gateway_name}-operator")
}
