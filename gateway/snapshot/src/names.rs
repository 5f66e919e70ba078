//! What the objects are called through which the operator speaks to the gateways of one installation.
//!
//! The installation's name is part of every name, so several installations share a namespace and a cluster.

use crate::{Digest, Section};

/// The label on everything the operator publishes; its value is the installation's name.
pub const GATEWAY_LABEL: &str = "fairlead.dev/gateway";
/// The label that says what a published object is: [`PART_INDEX`], [`PART_SHARD`] or [`PART_CREDENTIALS`].
pub const PART_LABEL: &str = "fairlead.dev/part";
/// Value of [`PART_LABEL`] of the index.
pub const PART_INDEX: &str = "index";
/// Value of [`PART_LABEL`] of a shard.
pub const PART_SHARD: &str = "shard";
/// Value of [`PART_LABEL`] of the credentials.
pub const PART_CREDENTIALS: &str = "credentials";

/// The key under which the index stands in its ConfigMap.
pub const INDEX_KEY: &str = "index.json";
/// The key under which a shard stands in its ConfigMap.
pub const SHARD_KEY: &str = "shard.json";
/// The key under which the token of the gateways' admin ports stands in the credentials Secret. Every other key is a
/// [`CredentialId`](crate::CredentialId).
pub const ADMIN_TOKEN_KEY: &str = "admin-token";

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
