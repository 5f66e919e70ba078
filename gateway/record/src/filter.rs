//! Which requests are asked for, and a page of them. Every store answers the same filter with the same entries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::outcome::Outcome;
use crate::scope::Scope;
use crate::{Entry, Name, hex};

/// So many entries are in a page if nobody says how many.
pub const PAGE: usize = 50;
/// So many entries are in a page at most.
pub const LARGEST_PAGE: usize = 500;

/// Which requests are asked for: those of which all that is set holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Whose requests may be seen; set by whoever answers, never read from the question.
    #[serde(skip)]
    pub scope: Scope,
    /// That began at or after this moment, in microseconds since 1970.
    pub from_unix_us: Option<i64>,
    /// That began before this moment, in microseconds since 1970.
    pub to_unix_us: Option<i64>,
    /// Of this key, `namespace/name`.
    pub key: Option<Name>,
    /// Of this team, `namespace/name`.
    pub team: Option<Name>,
    /// That asked for this model.
    pub model: Option<Name>,
    /// That this provider, `namespace/name`, answered, or was asked last where nobody answered.
    pub provider: Option<Name>,
    /// That this upstream model answered, or was asked last where none answered.
    pub upstream_model: Option<Name>,
    /// That this rule, `namespace/name`, took.
    pub rule: Option<Name>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Whose error code, or the outcome of one of whose attempts, is this.
    pub class: Option<Name>,
    /// That ended with this status.
    pub status: Option<u16>,
    /// That have cost this or more, in nano-USD.
    pub min_cost_nanos: Option<i64>,
    /// That took this long or longer, in microseconds.
    pub min_duration_us: Option<u64>,
    /// The one of this id.
    #[serde(with = "hex::optional_id")]
    pub id: Option<u64>,
    /// Of this trace.
    #[serde(with = "hex::optional_bytes")]
    pub trace: Option<[u8; 16]>,
    /// In whose key, model, provider, upstream model, rule, error or user agent this stands, whatever the case of its ASCII letters.
    pub text: Option<Name>,
}

/// Entries, the latest to begin first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// Where the next page begins; `None`: there are no more.
    pub next: Option<Cursor>,
}

/// Which page of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// After which entry; `None`: the first page.
    pub after: Option<Cursor>,
    /// How many entries, [`LARGEST_PAGE`] at most.
    pub limit: usize,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            after: None,
            limit: PAGE,
        }
    }
}

impl Ask {
    /// How many entries are answered.
    #[must_use]
    pub fn size(&self) -> usize {
        self.limit.clamp(1, LARGEST_PAGE)
    }
}
