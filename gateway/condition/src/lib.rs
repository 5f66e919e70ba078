//! CEL conditions: parsed and bounded at compile, evaluated per request. Pure.
//!
//! A rule's `when` goes through [`Condition::parse`] twice: once where configuration is compiled, whose author is told what is wrong with
//! it, and once where the gateway builds its table. The grammar is that of the `cel` crate; its tree is then lowered to a small one of our
//! own, in which names are resolved, patterns are compiled and everything that could take time or memory is bounded, so that evaluation
//! allocates next to nothing and cannot run away whatever the tenant wrote or the caller sent. Of a request only what is named is looked at
//! ([`Request`]), and what is there but cannot be read is an error, never missing.
//!
//! # What is understood
//!
//! The operators of CEL (`&& || ! ?: == != < <= > >= in + - * / %`), literals, lists, `has()`, `size()`, `int()`, `double()`, `string()`,
//! `contains()`, `startsWith()`, `endsWith()` and `matches()`. Not: comprehensions, maps, messages, bytes, times.
//!
//! It departs from CEL where a request would surprise its author:
//! - a header that is missing reads as `""`, a parameter (or a member of one) that is missing as `null`, so that `!=` means what it says;
//!   nothing is `in` a `null`; ordering a `null` and calling functions of it are evaluation errors;
//! - a limit that the caller does not have is used by 0 percent, and what is left of it is `null`;
//! - `has()` takes an index, too: `has(request.headers["x-tier"])`;
//! - header names are compared without regard to case;
//! - integers and doubles mix in arithmetic as they do in comparisons, because JSON does not tell `1` from `1.0`.

mod error;
mod eval;
mod facts;
mod limit;
mod lower;
mod need;
mod node;
mod scan;
mod value;

pub use error::{ConditionError, EvaluationError};
pub use facts::{CallerFacts, Cost, Facts, Request};
pub use limit::{Level, Limit, Meter, Usage};
pub use need::Need;

use node::Node;

/// A condition that can be evaluated.
#[derive(Debug, Clone)]
pub struct Condition {
    source: String,
    root: Node,
}

impl Condition {
    /// Longest source, in bytes.
    pub const MAX_BYTES: usize = 1024;
    /// Deepest nesting, of brackets and of the tree.
    pub const MAX_DEPTH: usize = 16;
    /// Most nodes of the tree.
    pub const MAX_NODES: usize = 128;

    /// Parses and checks a condition.
    ///
    /// # Errors
    /// Says what is wrong with the text and how to mend it.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let root = lower::lower(&scan::parse(text)?)?;
        Ok(Self {
            source: text.to_owned(),
            root,
        })
    }

    /// Whether the condition is true of a request.
    ///
    /// # Errors
    /// An operation that its operands do not have, such as ordering `null`, a result that is not a boolean, or something in the request that
    /// cannot be read.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
        eval::truth(&self.root, facts)
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}
