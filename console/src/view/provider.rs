//! A provider, what is said of it, and how it does.

use serde::Serialize;
use serde_json::Value;

/// A provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    /// `namespace/name`.
    pub name: String,
    /// Whose API it is, in the words of `gen_ai.provider.name`.
    pub vendor: String,
    /// Where it is; `None`: it answers by itself.
    pub address: Option<String>,
    /// The models that it lists; `None`: any name.
    pub models: Option<Vec<String>>,
    /// Its credentials; never a value.
    pub credentials: Vec<CredentialView>,
    /// The rules with a target there.
    pub rules: Vec<String>,
    /// Of each gateway what `GET /health` says of it, under the gateway's name.
    pub health: Vec<HealthView>,
}

/// A credential, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialView {
    /// Its name.
    pub name: String,
    /// Whether there is something to send.
    pub usable: bool,
}

/// How it does, as one gateway sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// The gateway.
    pub gateway: String,
    /// What it says: `docs/resilience.md`.
    pub report: Value,
}
