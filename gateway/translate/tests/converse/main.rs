//! Bedrock's Converse, as a dialect.

#![cfg(test)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else comes fails the test, whatever it is"
)]

mod answers;
mod common;
mod failures;
mod history;
mod media;
mod options;
mod properties;
mod requests;
mod returned;
mod streams;
mod tools;
