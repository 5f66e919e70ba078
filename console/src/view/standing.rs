//! Which configuration is in force, and how the gateways are.

use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The generation in force, of the gateways that are current.
    pub generation: u64,
    /// The digest of the configuration.
    pub digest: String,
    /// Where it comes from: `files`, `live` or `last-good`; `None`: there is none yet.
    pub source: Option<String>,
    /// Why a newer one is not in force.
    pub problem: Option<String>,
    /// How many objects are not as they should be, of those that the viewer may see.
    pub objects_not_ok: usize,
    /// Each gateway.
    pub gateways: Vec<GatewayView>,
    /// Where callers connect, as far as it is known: what snippets begin with.
    pub callers_at: Option<String>,
    /// Where requests are kept.
    pub log: LogView,
    /// Whether the console can write anything; it never can where the configuration comes from files.
    pub read_only: bool,
}

/// One gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayView {
    /// Its name: a pod's, or the process itself.
    pub name: String,
    /// The generation that it enforces.
    pub generation: u64,
    /// Whether it serves.
    pub ready: bool,
    /// Whether its counters of limits can be reached.
    pub store_reachable: bool,
    /// What is wrong with them.
    pub store_problem: Option<String>,
}

/// Where requests are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// `memory`, `sqlite`, `postgres`, or `off`.
    pub kept_in: String,
    /// In words: for how long, or how many.
    pub reach: String,
    /// How many requests could not be written down.
    pub dropped: u64,
}
