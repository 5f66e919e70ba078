//! What a request log answers, wherever it is kept.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Entry;
use crate::filter::{Ask, Filter, Page};
use crate::scope::Scope;
use crate::usage::{Usage, UsageAsk};

/// What is answered, in a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ReadError>> + Send + 'a>>;

/// Why nothing is answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store does not answer just now.
    #[error("the request log cannot be read just now: {0}")]
    Unavailable(String),
    /// It would take longer than anybody waits.
    #[error("this takes too long; ask for a shorter time, or for a key")]
    TooLong,
}

/// Requests that are over, to be read.
pub trait RequestLog: Send + Sync {
    /// A page of the requests that the filter lets through.
    fn search<'a>(&'a self, filter: &'a Filter, ask: Ask) -> Answer<'a, Page>;

    /// One request; `None`: it is not kept, or not for these eyes.
    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>>;

    /// What was used, by the hour or what else is asked, ordered by what the rows are of; [`crate::usage::LARGEST_USAGE`] rows at most.
    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>>;
}
