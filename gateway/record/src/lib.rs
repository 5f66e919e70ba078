//! What is known of a finished request: one value with its attempts, made once, and handed to whoever keeps, counts or sends it.
//!
//! A [`RequestLog`] answers a [`Filter`] with entries and a [`UsageAsk`] with sums, the same wherever it is kept.

pub mod content;
mod cursor;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod detail;
mod entry;
pub mod filter;
pub mod hex;
mod log;
mod matches;
mod outcome;
#[cfg(feature = "postgres")]
mod postgres;
pub mod query;
mod ring;
mod rollup;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod row;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
mod scope;
mod sink;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod standing;
mod store;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod told;
pub mod usage;
mod wall;

pub use cursor::{BadCursor, Cursor};
pub use entry::{Attempt, Cost, Entry, Judgement, Limit, Mirror, Name, Tag, Tokens, Trace, Word};
pub use filter::{Ask, Filter, Page};
pub use log::{Answer, ReadError, RequestLog};
pub use outcome::Outcome;
#[cfg(feature = "postgres")]
pub use postgres::{
    AuditCopy, AuditOptions, BadUrl, Chain, ChainLine, CopyStanding, Postgres, PostgresOptions, Url,
};
pub use ring::Ring;
pub use scope::Scope;
pub use sink::Sink;
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteOptions};
pub use standing::Standing;
pub use store::Store;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use told::QUEUE;
pub use usage::{By, Sums, Usage, UsageAsk};
pub use wall::Wall;
