//! What callers and models have written, where a rule has it kept: masked before it comes here, apart from the entries, for hours and not for days.

mod memory;
mod packed;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod waiting;

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::log::Answer;
use crate::standing::Standing;
use crate::{Name, hex};

#[cfg(feature = "postgres")]
pub use crate::postgres::ContentPostgres;
pub use memory::ContentMemory;
pub use packed::Packed;
#[cfg(feature = "postgres")]
pub(crate) use packed::unpacked;
#[cfg(feature = "sqlite")]
pub use sqlite::{ContentSqlite, ContentSqliteOptions};
#[cfg(feature = "postgres")]
pub(crate) use waiting::{QUEUE, Waiting};

/// What was written in one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// The request's id.
    #[serde(with = "hex::number")]
    pub id: u64,
    /// When its answer ended, in microseconds since 1970.
    pub ended_unix_us: i64,
    /// The key, `namespace/name`.
    pub key: Option<Name>,
    /// The rule that has it kept, `namespace/name`.
    pub rule: Option<Name>,
    /// What the caller has sent.
    pub request: Written,
    /// What it was answered; `None`: that is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Written>,
}

/// What one side has written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Written {
    /// The text, without secrets and media.
    pub text: String,
    /// How many bytes it had before anything was masked or cut.
    pub bytes: u64,
    /// Whether the text ends before what was written did.
    pub cut: bool,
}

/// What keeps content.
pub trait ContentStore: Send + Sync + Debug {
    /// What it is called in metrics.
    fn name(&self) -> &'static str;

    /// Takes what is to be kept; where there is no room it is dropped and counted. Never waits.
    fn keep(&self, content: &Arc<Packed>);

    /// What was written in a request; `None`: it is not kept, or no more.
    fn read(&self, id: u64) -> Answer<'_, Option<Content>>;

    /// How it stands.
    fn standing(&self) -> Standing;

    /// Ends it: what was taken is written, if that takes no longer than some seconds.
    fn end(&self);
}
