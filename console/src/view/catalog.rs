//! What is known of models.

use serde::{Deserialize, Serialize};

/// Which models are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CatalogQuery {
    /// In whose name or vendor this stands.
    pub text: String,
    /// Of this vendor.
    pub vendor: Option<String>,
    /// Of this kind: `chat`, `embedding` and so on.
    pub kind: Option<String>,
}

/// Some models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogPage {
    /// The first of them.
    pub models: Vec<CatalogRow>,
    /// How many there are.
    pub total: usize,
    /// The vendors there are.
    pub vendors: Vec<String>,
}

/// A model at a vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogRow {
    /// The vendor.
    pub vendor: String,
    /// Its name there.
    pub model: String,
    /// What it is asked for.
    pub kind: String,
    /// Prompt and answer together, in tokens.
    pub window: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
    /// Dollars a million tokens of input, a decimal number.
    pub input: Option<String>,
    /// Of input that is read from a cache.
    pub cached: Option<String>,
    /// Of output.
    pub output: Option<String>,
    /// What it is known to be able to do.
    pub can: Vec<String>,
    /// From which day on it is served no longer.
    pub retires: Option<String>,
}
