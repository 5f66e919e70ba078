//! What was used, rolled up by the hour: what pages of spending and lists to choose from read, which never look at single requests.

use serde::{Deserialize, Serialize};

use crate::Name;
use crate::scope::Scope;

/// So many rows are answered at most.
pub const LARGEST_USAGE: usize = 10_000;

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// One hour.
    Hour,
    /// One day by UTC.
    Day,
    /// One team.
    Team,
    /// One key.
    Key,
    /// One provider.
    Provider,
    /// One upstream model.
    Model,
}

/// Which usage is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageAsk {
    /// Whose requests may be seen; set by whoever answers, never read from the question.
    #[serde(skip)]
    pub scope: Scope,
    /// From the hour in which this moment lies, in seconds since 1970.
    pub from_unix_s: Option<i64>,
    /// Before this moment, in seconds since 1970: of an hour all or nothing, by its beginning.
    pub to_unix_s: Option<i64>,
    /// Of this team.
    pub team: Option<Name>,
    /// Of this key.
    pub key: Option<Name>,
    /// Of this provider.
    pub provider: Option<Name>,
    /// Of this upstream model.
    pub model: Option<Name>,
    /// What each row is of; empty: one row of everything.
    pub by: Vec<By>,
}

/// A row: what it is of, as far as that was asked for, and what was used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// The beginning of its hour or day, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_unix_s: Option<i64>,
    /// The team; empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Name>,
    /// The key; empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Name>,
    /// The provider; empty: none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Name>,
    /// The upstream model; empty: none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// What was used.
    #[serde(flatten)]
    pub sums: Sums,
}

/// Sums over requests. A request is counted where it was answered, or asked last; what other attempts cost is counted where they ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// Requests.
    pub requests: i64,
    /// Of these, answered in full after an attempt had failed.
    pub recovered: i64,
    /// Of these, refused before anything was sent.
    pub refused: i64,
    /// Of these, those that ended with an error after something was sent.
    pub failed: i64,
    /// Of these, those of whose answer the caller did not get all.
    pub incomplete: i64,
    /// Tokens of input.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cache_read_tokens: i64,
    /// Of these, written into a cache.
    pub cache_write_tokens: i64,
    /// Tokens of output.
    pub output_tokens: i64,
    /// Of these, thought.
    pub reasoning_tokens: i64,
    /// Tokens of attempts that did not answer, input and output together.
    pub lost_tokens: i64,
    /// Cost, in nano-USD.
    pub cost_nanos: i64,
    /// Requests some of whose cost is an estimate.
    pub estimated: i64,
    /// Answered requests of which nobody knows the cost.
    pub unpriced: i64,
    /// How long they took together, in microseconds.
    pub duration_us: i64,
}
