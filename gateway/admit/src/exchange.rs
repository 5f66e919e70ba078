//! What goes between a replica and the store, for one counter: an [`Ask`] and its [`Reply`].
//!
//! Totals, never differences: an ask says all that its sender has spent and all that it keeps, so that one lost, late or doubled does no harm.
//! Amounts are `i64`: nano-USD of a budget, else a count. The store's script computes in doubles, so amounts stay under 2^53 and cross as
//! decimal strings ([`Ask::arguments`], [`Reply::read`]).

mod text;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::window::Window;

pub use text::SCRIPT;

/// How long an incarnation is believed to live after its last word, in milliseconds.
pub const TTL_MS: i64 = 3_000;

/// How long an incarnation is known after its last word, in milliseconds; rates add their length. Afterwards it is `Gone`.
pub const KNOWN_MS: i64 = 15 * 60_000;

/// After how long a caller takes it that it may be known no longer, in milliseconds: some less than [`KNOWN_MS`], for clocks that differ in pace.
pub const DOUBTED_MS: i64 = 14 * 60_000;

/// One counter, and of a budget one window of it: what is kept under one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// The counter's name, such as `budget/team/search/research/month`; no braces.
    pub counter: Arc<str>,
    /// How it counts.
    pub shape: Shape,
    /// Of a budget, the window.
    pub window: Option<Window>,
}

/// How a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// What is spent stays spent until the window ends.
    Budget,
    /// What is spent comes back so long after its admission.
    #[serde(rename_all = "camelCase")]
    Rate {
        /// The length of the interval, in milliseconds; at least 1.
        per_ms: u64,
    },
    /// What is held comes back when it is settled, and nothing is spent.
    Slots,
}

impl Shape {
    /// Of a rate, the length of a bucket, in milliseconds: a sixtieth of its interval.
    #[must_use]
    pub fn bucket_ms(self) -> u64 {
        match self {
            Self::Rate { per_ms } => per_ms.div_ceil(60).max(1),
            Self::Budget | Self::Slots => 1,
        }
    }
}

/// A life of one lease, which is fresh whenever its totals begin at 0 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u128);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Incarnation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Incarnation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which process the store is: of Valkey, the run id of `INFO server`. Data cannot be its own epoch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Arc<str>);

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a replica says of one account, and what more it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who says it.
    pub incarnation: Incarnation,
    /// The process it takes the store to be; `None`: it has heard of none.
    pub run: Option<RunId>,
    /// Its number, 1 and up.
    pub seq: u64,
    /// Whether the store has had word of the incarnation before, so that it is gone if there is no trace of it.
    pub known: bool,
    /// All that the incarnation has settled. Of a rate this is nothing; see `aged`.
    pub spent: i64,
    /// Of a rate, what it has settled, by the bucket of its admission.
    pub aged: Vec<Aged>,
    /// All that it keeps, reserved and idle.
    pub held: i64,
    /// The least it can use beyond that; 0: it only reports.
    pub need: i64,
    /// What it would like beyond that.
    pub want: i64,
    /// What it uses in a second, of late.
    pub pace: i64,
    /// How new `limit` is. Must never fall, whatever is deleted and made again.
    pub generation: u64,
    /// The limit, as the sender knows it.
    pub limit: i64,
    /// Whether the limit must not be passed even by what a dead process of the store forgot.
    pub strict: bool,
    /// For how long the sender has known the store's process, in milliseconds of its monotonic clock.
    pub met_ms: u64,
}

/// Of a rate, what was settled of the admissions of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aged {
    /// The bucket, by the sender's count.
    pub bucket: u64,
    /// How long ago its last moment was, in milliseconds; 0 while it runs.
    pub age_ms: u64,
    /// All that was settled in it.
    pub spent: i64,
}

/// What the store says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The process it is.
    pub run: RunId,
    /// What became of the ask.
    pub outcome: Outcome,
    /// What is spent, all replicas together.
    pub used: i64,
    /// What those who fell silent held: spent, for all anybody knows.
    pub lost: i64,
    /// What other replicas hold.
    pub leased_elsewhere: i64,
    /// The limit that counts: the newest.
    pub limit: i64,
    /// Whether so little is left that nothing should be kept idle.
    pub tail: bool,
    /// How many replicas hold or want something.
    pub replicas: u32,
}

/// What became of an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// So much more may be used: at least what was needed, and 0 only where nothing was.
    Granted(i64),
    /// What is spent leaves no room for it.
    #[serde(rename_all = "camelCase")]
    Exhausted {
        /// When it would fit at the earliest, in milliseconds.
        retry_ms: u64,
    },
    /// It would fit once what is held elsewhere comes back.
    Busy,
    /// Taken note of; nothing is granted yet, since the store's process is new and what the last one granted may be unknown to it.
    Unready,
    /// Not applied: the store is another process.
    OtherRun,
    /// Not applied: nothing is known of the incarnation any more. What was not acknowledged begins anew.
    Gone,
    /// Not applied: a later number was heard before.
    Old,
}

/// What can be read of an account without taking part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What is spent.
    pub used: i64,
    /// What those who fell silent held.
    pub lost: i64,
    /// What replicas hold.
    pub leased: i64,
}
